"""Who may learn what: where the key goes, where the bytes go, whom TLS takes for whom, what reaches the terminal."""

import fcntl
import os
import pathlib
import pty
import re
import socket
import ssl
import struct
import sys
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import canary  # noqa: E402
from certificates import Authority, openssl  # noqa: E402
from hoist_test import *  # noqa: E402,F403
from independent_server import Independent, Listener  # noqa: E402


class SecurityTestCase(TestCase):
    def one_file(self, content=b"one", name="one.png"):
        (self.folder / name).write_bytes(content)
        return self.folder / name

    def upload(self, server, *paths, options=(), **more):
        """Of `paths`, or of one small file, to an Independent; in a home of its own, since ports may come again."""
        self.home.remove()
        self.home = Home()
        self.addCleanup(self.home.remove)
        paths = paths or [self.one_file()]
        env = clean_environment(HOIST_API_KEY=server.key, **more)
        return hoist("upload", "--endpoint", server.endpoint, *options, *map(str, paths), env=env)

    def one_error_line(self, run):
        lines = [line for line in run.err.splitlines() if line.startswith("hoist: error: ")]
        self.assertEqual(len(lines), 1, run.err)
        return lines[0]


class Key(SecurityTestCase):
    # With the storage on an origin of its own the key is in the presign requests, in their one header, and in nothing
    # that the storage sees.
    def test_goes_to_the_api_only(self):
        def elsewhere(server, handler, reply):
            return {**reply, "presigned_url": reply["presigned_url"].replace(server.endpoint, storage.endpoint)}

        def take(server, handler, id):
            seen.append((str(handler.headers), handler.path, handler.body()))
            handler.answer(200)
            return "answered"

        seen = []
        folder = self.make_files(20)
        with Independent(put=take) as storage, Independent(presign=elsewhere) as api:
            run = self.upload(api, folder)
            self.assertEqual((run.code, len(seen), api.put_requests), (0, 20, []), run.err)
            for headers, body in api.presign_requests:
                self.assertEqual([name for name, value in headers.items() if api.key in value], ["X-API-Key"])
                self.assertNotIn(api.key.encode(), body)
            for headers, path, body in seen:
                self.assertNotIn(api.key, headers + path)
                self.assertNotIn("x-api-key", headers.lower())
                self.assertNotIn(api.key.encode(), body)

    # A reply that would have the key sent or shown somewhere fails its file: in a header, in a URL, in the public URL, in
    # the id.
    def test_echoed_by_the_api(self):
        for name, change in (("header", lambda key: {"required_headers": {"x-amz-meta-note": key}}),
                             ("header name", lambda key: {"required_headers": {key: "x"}}),
                             ("presigned_url", lambda key: {"presigned_url": f"https://127.0.0.1:9/{key}"}),
                             ("public_url", lambda key: {"public_url": f"https://127.0.0.1:9/{key}"}),
                             ("id", lambda key: {"id": key})):
            with self.subTest(name), Independent(presign=lambda s, h, reply: {**reply, **change(s.key)}) as server:
                run = self.upload(server)
                self.assertEqual([row["status"] for row in results(run.rows)], ["failed"], run.err)
                self.assertEqual(server.put_requests, [])

    # Nor does a refusal that repeats the key show it. (Every command is searched for the key; see canary.py.)
    def test_echoed_in_a_refusal(self):
        for status in (400, 401, 422):
            def refuse(server, handler, reply):
                handler.answer(status, json.dumps({"error": f"no such key: {server.key}"}).encode())

            with self.subTest(status), Independent(presign=refuse) as server:
                self.assertIn(self.upload(server).code, (1, 4))

    # A storage that repeats what it should not know, or the signed URL, in its refusal does not get it shown.
    def test_echoed_by_the_storage(self):
        leaks = []
        for name, answer in (
                ("message", lambda key, path: (400, f"<Error><Code>InvalidArgument</Code><Message>{key}</Message></Error>", {})),
                ("code", lambda key, path: (400, f"<Error><Code>{key}</Code><Message>m</Message></Error>", {})),
                ("request id", lambda key, path: (400, f"<Error><Code>InvalidArgument</Code><RequestId>{key}</RequestId></Error>", {})),
                ("signed URL", lambda key, path: (400, f"<Error><Code>InvalidURI</Code><Message>{path}</Message></Error>", {})),
                ("etag", lambda key, path: (200, "", {"ETag": f'"{key}"'}))):
            def echo(server, handler, id):
                handler.body()
                status, body, headers = answer(server.key, handler.path.replace("&", "&amp;"))
                handler.answer(status, body.encode(), headers)
                return "answered"

            with Independent(put=echo) as server:
                try:
                    self.upload(server)
                except canary.SecretLeaked:
                    leaks.append(name)
        self.assertEqual(leaks, [])

    # The key is taken from the first place that has one, and a file that is no key is refused without showing it.
    def test_key_file_that_is_none(self):
        secret = "first-secret-line-17\nsecond-secret-line-18\n"
        for line in secret.split():
            canary.watch(line)
        (self.folder / "key").write_text(secret)
        run = hoist("upload", "--endpoint", "https://127.0.0.1:1", "--api-key-file", str(self.folder / "key"), str(self.one_file()))
        self.assertEqual(run.code, 2, run.err)


class Redirects(SecurityTestCase):
    # No redirect of either call is followed, wherever it points: nobody connects there, and the file fails.
    def test_never_followed(self):
        with Listener() as other:
            for status in (301, 302, 303, 307, 308):
                for target in (f"http://127.0.0.1:{other.port}/x", f"https://127.0.0.1:{other.port}/x", f"//127.0.0.1:{other.port}/x"):
                    def redirect(server, handler, argument):
                        if isinstance(argument, str):
                            handler.body()
                        handler.answer(status, b"", {"Location": target})
                        return None if isinstance(argument, dict) else "answered"

                    for call in ("presign", "put"):
                        with self.subTest(call=call, status=status, target=target):
                            with Independent(**{call: redirect}) as server:
                                run = self.upload(server, options=["--retries", "2"])
                                self.assertEqual(run.code, 1, run.err)
                                self.assertEqual(results(run.rows)[0]["error"]["http_status"], status)
                                self.assertLessEqual(len(server.put_requests), 3)
            self.assertEqual(other.received, [])

    # Neither is a redirect to the same server, where the key would be welcome.
    def test_not_even_at_home(self):
        def redirect(server, handler, reply):
            handler.answer(307, b"", {"Location": server.endpoint + "/v1/upload/presign"})

        with Independent(presign=redirect) as server:
            self.assertEqual(self.upload(server).code, 1)
            self.assertEqual(len(server.presign_requests), 1)


class HostileReplies(SecurityTestCase):
    codes = {
        "presign_malformed": ["malformed-json", "truncated-json", "empty-body", "not-an-object", "deep-json", "invalid-utf8",
                              "duplicate-key", "id-missing", "url-missing", "url-huge", "huge-header"],
        "url_refused": ["url-plain-http", "url-userinfo", "url-fragment", "url-space", "url-crlf", "url-encoded-slash",
                        "public-url-control"],
        "header_refused": ["header-crlf", "header-nul", "header-bad-name", "header-host", "header-content-length",
                           "header-transfer-encoding", "header-connection", "header-twice", "many-headers"],
    }

    # Each reply that must not be used fails its files with the right word, and the storage sees no request.
    def test_every_kind(self):
        folder = self.make_files(3)
        for code, faults in self.codes.items():
            for fault in faults:
                with self.subTest(fault), Server("--fault", f"presign:{fault}", "--storage-port", "0") as server:
                    run = hoist("upload", *server.access(), str(folder), env=clean_environment(XDG_STATE_HOME=str(self.folder / fault)))
                    rows = results(run.rows)
                    self.assertEqual([r["status"] for r in rows], ["failed"] * 3, run.err)
                    self.assertEqual({r["error"]["code"] for r in rows}, {code})
                    self.assertEqual((run.code, server.metric('requests_total{endpoint="bucket"}')), (1, 0))
                    self.assertNotRegex(run.err, r"[^\x20-\x7e\n]")


# ---- addresses ----------------------------------------------------------------------

PUBLIC, PRIVATE = "93.184.216.34", "10.1.2.3"


def in_a_network_of_our_own():
    """Within `unshare --net`: loopback is up, and has a public and a private address besides."""
    request = lambda name, *rest: struct.pack("16s" + "".join(r[0] for r in rest), name, *(r[1] for r in rest))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, request(b"lo", ("H", 0x41), ("14s", b"")))  # SIOCSIFFLAGS: up and running
        for label, address in ((b"lo:1", PUBLIC), (b"lo:2", PRIVATE)):
            place = struct.pack("HH4s8s", socket.AF_INET, 0, socket.inet_aton(address), b"")
            fcntl.ioctl(control, 0x8916, request(label, ("16s", place)))  # SIOCSIFADDR


class PublicApi(SecurityTestCase):
    """What the address rules say of a public API; run by `Addresses` within a network of its own, where there is one."""

    def setUp(self):
        if "HOIST_TEST_OWN_NETWORK" not in os.environ:
            self.skipTest("run by Addresses.test_of_a_public_api")
        super().setUp()
        in_a_network_of_our_own()
        self.authority = Authority(self.folder)
        self.tls = self.authority.leaf(f"IP:{PUBLIC},IP:{PRIVATE},IP:127.0.0.1")

    def sent_to(self, storage_url, *options):
        """The run of a public API whose tickets lead to `storage_url`."""
        def there(server, handler, reply):
            return {**reply, "presigned_url": reply["presigned_url"].replace(server.endpoint, storage_url)}

        with Independent(presign=there, host=PUBLIC, tls=self.tls) as api:
            return self.upload(api, options=["--cacert", str(self.authority.certificate), "--max-duration", "30s", *options])

    # A public storage is fine.
    def test_public_storage(self):
        with Independent(host=PUBLIC, tls=self.tls) as api:
            self.assertEqual(self.upload(api, options=["--cacert", str(self.authority.certificate)]).code, 0)

    # Loopback, link-local and metadata addresses, in each spelling, are refused before anybody connects, whatever is
    # allowed.
    def test_loopback_and_link_local(self):
        with Listener() as there:
            port = there.port
            for place in (f"127.0.0.1:{port}", f"[::1]:{port}", f"[::ffff:127.0.0.1]:{port}", f"2130706433:{port}",
                          f"0.0.0.0:{port}", f"localhost:{port}", "169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]",
                          "2852039166"):
                for options in ((), ("--allow-private-storage",)):
                    with self.subTest(place, options=options):
                        run = self.sent_to(f"https://{place}", *options)
                        error = results(run.rows)[0]["error"]
                        self.assertEqual((run.code, error["code"]), (1, "address_refused"), run.err)
            self.assertEqual(there.received, [])

    # A private storage stops the run once, with the way out; with that it is used.
    def test_private_storage(self):
        with Listener(PRIVATE) as there:
            run = self.sent_to(f"https://{PRIVATE}:{there.port}")
            self.assertEqual((run.code, run.rows[-1]["error"]["code"]), (4, "private_storage"), run.err)
            self.assertIn("--allow-private-storage", self.one_error_line(run))
            self.assertEqual(there.received, [])
        taken = lambda server, handler, id: (handler.body(), handler.answer(200)) and "answered"
        with Independent(host=PRIVATE, tls=self.tls, put=taken) as storage:
            self.assertEqual(self.sent_to(storage.endpoint, "--allow-private-storage").code, 0)
            self.assertEqual(len(storage.put_requests), 1)

    # An API on this machine may name a private storage without being asked twice.
    def test_of_a_loopback_api(self):
        taken = lambda server, handler, id: (handler.body(), handler.answer(200)) and "answered"
        with Independent(host=PRIVATE, tls=self.tls, put=taken) as storage:
            there = lambda server, handler, reply: {**reply, "presigned_url": storage.endpoint + "/x"}
            with Independent(tls=self.tls, presign=there) as api:
                self.assertEqual(self.upload(api, options=["--cacert", str(self.authority.certificate)]).code, 0)

    # A plain http storage of a public https API gets nothing.
    def test_plain_storage(self):
        with Listener(PUBLIC) as there:
            run = self.sent_to(f"http://{PUBLIC}:{there.port}")
            self.assertEqual((results(run.rows)[0]["error"]["code"], there.received), ("url_refused", []), run.err)

    # A public API is not spoken to without TLS.
    def test_plain_api(self):
        with Independent(host=PUBLIC) as api:
            run = self.upload(api)
            self.assertEqual((run.code, api.connections), (2, 0), run.err)
            self.assertIn("--allow-plain-http", run.err)


class Addresses(unittest.TestCase):
    def test_of_a_public_api(self):
        # Whatever runs in it ends with it.
        unshare = ["unshare", "--map-root-user", "--user", "--net", "--pid", "--fork", "--kill-child"]
        try:
            possible = subprocess.run([*unshare, "true"], capture_output=True, timeout=20).returncode == 0
        except FileNotFoundError:
            possible = False
        if not possible:
            self.skipTest("this machine allows no network namespaces")
        inner = subprocess.run([*unshare, sys.executable, __file__, "PublicApi"], capture_output=True, text=True, timeout=200,
                               # LeakSanitizer finds its way about its own process by a /proc that is not this one's.
                               env=dict(os.environ, HOIST_TEST_OWN_NETWORK="1", ASAN_OPTIONS="detect_leaks=0"))
        self.assertEqual(inner.returncode, 0, inner.stderr)
        self.assertNotIn("skipped", inner.stderr)


# ---- TLS -----------------------------------------------------------------------------------------------------------

class Tls(SecurityTestCase):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        self.trust = ["--cacert", str(self.authority.certificate)]

    def bad_contexts(self):
        yield "expired", self.authority.leaf(days=-1), "expired"
        yield "another host's", self.authority.leaf("DNS:elsewhere.example,IP:127.0.0.2"), "mismatch"
        yield "self-signed", self.authority.leaf(signed=False), "self"
        yield "of another authority", Authority(self.folder).leaf(), "issuer"
        yield "TLS 1.1", self.authority.old_protocol(), "protocol"

    # An API that is not the one it should be learns nothing: the run ends at once with one line that says why, and no
    # request is sent, with TLS or without.
    def test_of_the_api(self):
        for name, context, word in self.bad_contexts():
            if context is None:
                continue
            with self.subTest(name), Independent(tls=context) as server:
                run = self.upload(server, options=self.trust)
                self.assertEqual((run.code, run.rows[-1]["error"]["code"]), (4, "tls_refused"), run.err)
                self.assertIn(word, self.one_error_line(run))
                self.assertLess(run.seconds, 5 * PATIENCE)
                self.assertEqual((server.presign_requests, server.put_requests), ([], []))

    # A storage that is not the one it should be gets no byte of a file.
    def test_of_the_storage(self):
        for name, context, word in self.bad_contexts():
            if context is None:
                continue
            def there(server, handler, reply):
                return {**reply, "presigned_url": reply["presigned_url"].replace(server.endpoint, storage.endpoint)}

            with self.subTest(name), Independent(tls=context) as storage:
                with Independent(tls=self.authority.leaf(), presign=there) as api:
                    run = self.upload(api, options=self.trust)
                    self.assertEqual((run.code, run.rows[-1]["error"]["code"]), (4, "tls_refused"), run.err)
                    self.assertIn(word, self.one_error_line(run))
                    self.assertEqual((storage.put_requests, api.put_requests), ([], []))

    # What is sent to an https port that speaks no TLS is a TLS handshake and nothing else.
    def test_never_plaintext(self):
        with Listener() as listener:
            env = clean_environment(HOIST_API_KEY="some-key-in-the-clear")
            run = hoist("upload", "--endpoint", f"https://127.0.0.1:{listener.port}", "--max-duration", "1s",
                        str(self.one_file()), env=env)
            self.assertIn(run.code, (4, 6), run.err)
            said = [bytes_ for bytes_ in listener.received if bytes_]  # the end may come between connecting and speaking
            self.assertGreater(len(said), 0)
            for bytes_ in said:
                self.assertEqual(bytes_[:1], b"\x16")
                self.assertNotIn(b"some-key-in-the-clear", bytes_)

    # Connections that end in the handshake are tried again until one does not.
    def test_handshake_ends(self):
        folder = self.make_files(10)
        with Independent(tls=self.authority.leaf(), hang_up=lambda n: n <= 4) as server:
            run = self.upload(server, folder, options=self.trust)
            self.assertEqual((run.code, run.rows[-1]["done"]), (0, 10), run.err)

    def cut_off(self, call, head):
        """A run whose first three answers to `call` are cut off within `head`, without a word of TLS."""
        cut = []

        def function(server, handler, argument):
            with server.lock:
                cutting = len(cut) < 3
                cut.extend([1] if cutting else [])
            if not cutting:
                return argument if isinstance(argument, dict) else None
            if isinstance(argument, str):
                handler.body()
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + head)
            handler.wfile.flush()
            socket.close(handler.connection.detach())
            raise ConnectionAbortedError

        folder = self.make_files(8)
        with Independent(tls=self.authority.leaf(), **{call: function}) as server:
            run = self.upload(server, folder, options=self.trust)
            self.assertEqual((run.code, run.rows[-1]["done"], len(cut)), (0, 8, 3), run.err)
            for row in results(run.rows):
                self.assertEqual(server.objects.get(row["id"]), pathlib.Path(row["path"]).read_bytes())

    # An answer that is cut off is none: the request is made again.
    def test_truncation(self):
        for head in (b"Content-Len", b"Content-Length: 100\r\n\r\nhalf"):
            for call in ("presign", "put"):
                with self.subTest(head, call=call):
                    self.cut_off(call, head)

    # A presign reply without a length ends with the connection, and TLS says when that was no end.
    def test_truncation_without_a_length(self):
        self.cut_off("presign", b"\r\nhalf")

    # SSL_CERT_FILE and SSL_CERT_DIR are trusted as --cacert is; what is named and is none leads to no trust, not to trust
    # in everybody.
    def test_trust_by_environment(self):
        folder = self.folder / "anchors"
        folder.mkdir()
        (folder / "ca.pem").write_bytes(self.authority.certificate.read_bytes())
        openssl("rehash", folder)
        garbage = self.folder / "garbage.pem"
        garbage.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
        for name, environment, code in (("file", {"SSL_CERT_FILE": str(folder / "ca.pem")}, 0),
                                        ("folder", {"SSL_CERT_DIR": str(folder)}, 0),
                                        ("missing file", {"SSL_CERT_FILE": str(self.folder / "missing")}, 4),
                                        ("garbage", {"SSL_CERT_FILE": str(garbage)}, 4),
                                        ("nothing", {}, 4)):
            with self.subTest(name), Independent(tls=self.authority.leaf()) as server:
                run = self.upload(server, **environment)
                self.assertEqual(run.code, code, run.err)
                if code == 4:
                    self.assertEqual(run.rows[-1]["error"]["code"], "tls_refused")
                    self.assertIn("--cacert", self.one_error_line(run))

    # A --cacert that is none is a matter of usage, found before anybody is asked.
    def test_bad_cacert(self):
        (self.folder / "garbage").write_text("no certificate")
        for file in ("garbage", "missing"):
            with self.subTest(file), Independent(tls=self.authority.leaf()) as server:
                run = self.upload(server, options=["--cacert", str(self.folder / file)])
                self.assertEqual((run.code, server.connections), (2, 0), run.err)
                self.assertIn(file, run.err)


# ---- what reaches the terminal --------------------------------------------------------------------------------------

class Terminal(SecurityTestCase):
    hostile = "\x1b[31mred\x07\x9b2J\u202egnp.exe\u2066 \x7f"

    def on_a_terminal(self, server, *paths):
        """What a run writes to a terminal as stderr, which the progress bar is not a part of."""
        master, slave = pty.openpty()
        with os.fdopen(master, "rb", buffering=0) as screen:
            env = clean_environment(HOIST_API_KEY=server.key, TERM="xterm-256color")
            command = subprocess.Popen([BIN / "hoist", "upload", "--endpoint", server.endpoint, "--no-progress", *paths],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, env=env)
            os.close(slave)
            seen = b""
            try:
                while data := screen.read(65536):
                    seen += data
            except OSError:
                pass  # how a terminal says that nobody has it open any more
            command.wait(timeout=DEADLINE)
        canary.guard(seen, "terminal")
        return seen

    def assert_harmless(self, text):
        text = text if isinstance(text, bytes) else text.encode()
        self.assertNotRegex(text, rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
        self.assertNotRegex(text.decode(errors="replace"), "[\x80-\x9f\u202a-\u202e\u2066-\u2069\ufffd]")

    # Names and servers' words are shown without what a terminal would obey, on a terminal and in a file; the rows have
    # them in full, as JSON.
    def test_names_and_messages(self):
        def refuse(server, handler, reply):
            handler.answer(400, json.dumps({"error": "no " + self.hostile}).encode())

        def reject(server, handler, id):
            handler.body()
            words = self.hostile.replace("\x1b", "&#27;").replace("\x07", "")
            handler.answer(400, f"<Error><Code>A\x9b31m</Code><Message>{words}</Message></Error>".encode())
            return "answered"

        folder = self.folder / "names"
        folder.mkdir()
        names = [b"esc\x1b[31m", b"bell\x07", b"c1\xc2\x9b2J", "bidi\u202egnp.exe".encode(), b"line\nbreak", b"bad\xff", b"cr\rover"]
        for name in names:
            (pathlib.Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_bytes(b"x")
        for server_does in ({"presign": refuse}, {"put": reject}):
            with self.subTest(str(list(server_does))), Independent(**server_does) as server:
                run = self.upload(server, folder)
                self.assertEqual(run.code, 1)
                self.assertEqual(sorted(os.path.basename(path_of(r)) for r in results(run.rows)), sorted(names))
                self.assert_harmless(run.err)
                self.assert_harmless(self.home.log.read_bytes())
                self.assertNotRegex(run.out, rb"[\x00-\x09\x0b-\x1f\x7f]")
                screen = self.on_a_terminal(server, str(folder))
                self.assertIn(b"7 failed", screen)
                self.assert_harmless(screen.replace(b"\r\n", b"\n"))


# ---- answers without measure ----------------------------------------------------------------------------------------

class Measure(SecurityTestCase):
    def peak_of(self, server, folder, *options):
        """The run, and the most memory that it had, in MiB."""
        command = start_hoist("upload", *server.access(), "-j", "8", "--threads", "2", *options, str(folder),
                              env=clean_environment(XDG_STATE_HOME=tempfile.mkdtemp(dir=self.folder)))
        peak, reading = [0], re.compile(r"VmHWM:\s+(\d+) kB")

        def over():
            try:
                found = reading.search(pathlib.Path(f"/proc/{command.pid}/status").read_text())
            except OSError:
                found = None
            peak[0] = max(peak[0], int(found[1]) if found else 0)
            return command.poll() is not None

        wait_for(over, "the end of the command", seconds=DEADLINE)
        out, err = command.communicate()
        return Result(command.returncode, out, err.decode(errors="replace"), 0), peak[0] / 1024

    # Sixteen megabytes of error, ten thousand interim answers, garbage and single bytes cost hardly any memory: under
    # a mebibyte for each connection more than honest answers do; and each file ends with a typed error, or done.
    def test_memory(self):
        folder = self.make_files(40, size=1000)
        with Server("--put-delay", "100ms") as server:  # time to look at it
            run, honest = self.peak_of(server, folder)
            self.assertEqual(run.code, 0, run.err)
        for call in ("put", "presign"):
            for fault in ("huge-answer", "flood-1xx", "garbage-answer", "fragment-answer", "html-answer"):
                with self.subTest(call=call, fault=fault), Server("--fault", f"{call}:{fault}") as server:
                    # A host that answers nothing but 503 is away, and waited for: for three seconds here.
                    run, peak = self.peak_of(server, folder, "--retries", "1", "--give-up-after", "3s")
                    if not SANITIZED:  # or it would be the sanitizer's memory
                        self.assertLess(peak, honest + 8)
                    ends = {(r["status"], (r.get("error") or {}).get("code")) for r in results(run.rows)}
                    expected = {("done", None)} if fault == "fragment-answer" else {("failed", "gave_up")}
                    self.assertEqual((ends, len(results(run.rows))), (expected, 40), run.err)

    # A compressed answer is not inflated, whatever it would grow to.
    def test_compressed(self):
        bomb = zlib.compress(bytes(50_000_000), 9)

        def compressed(server, handler, reply):
            handler.answer(200, bomb, {"Content-Encoding": "deflate", "Content-Type": "application/json"})

        with Independent(presign=compressed) as server:
            run = self.upload(server, options=["--retries", "1"])
            self.assertEqual((run.code, [r["status"] for r in results(run.rows)]), (1, ["failed"]), run.err)


if __name__ == "__main__":
    main()
