"""`hoist upload` against a server that shares no code with it: the wire as it must be, and replies as they must not be."""

import email.utils
import os
import pathlib
import random
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403
from independent_server import Independent, TakesOne  # noqa: E402


class Against(TestCase):
    def upload(self, server, *paths, options=()):
        env = clean_environment(HOIST_API_KEY=server.key)
        return hoist("upload", "--endpoint", server.endpoint, *options, *map(str, paths), env=env)

    def one_file(self, content=b"one", name="one.png"):
        (self.folder / name).write_bytes(content)
        return self.folder / name

    def failed_code(self, run):
        rows = results(run.rows)
        self.assertEqual([r["status"] for r in rows], ["failed"], run.err)
        return rows[0]["error"]["code"]


class Limit(Against):
    # An API that takes one connection, and drops every other one once it stands, is asked over that one: the others are
    # tried with pauses, and no file fails by them.
    def test_api_of_one_connection(self):
        def slowly(server, handler, reply):
            time.sleep(0.01)
            return reply

        folder = self.make_files(150)
        with Independent(presign=slowly) as server, TakesOne(int(server.endpoint.rsplit(":", 1)[1])) as front:
            run = hoist("upload", "--endpoint", f"http://127.0.0.1:{front.port}", "--threads", "1", str(folder),
                        env=clean_environment(HOIST_API_KEY=server.key))
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(run.rows[-1]["done"], 150)
            self.assertLessEqual(front.dropped, 8 + 20 * run.rows[-1]["seconds"])


class Origins(Against):
    # Where each video's ticket leads to a storage that is gone, the images go on, although more videos wait than there may
    # be files inside at once.
    def test_those_of_a_storage_that_is_gone_are_in_nobodys_way(self):
        def by_type(server, handler, reply):
            video = server.tickets[reply["id"]][0] == "video/mp4"
            return {**reply, "presigned_url": reply["presigned_url"].replace(str(server.port), str(gone))} if video else reply

        with socket.create_server(("127.0.0.1", 0)) as nobody:
            gone = nobody.getsockname()[1]
        folder = self.folder / "media"
        folder.mkdir()
        for i in range(5000):
            (folder / f"{i}.png").write_bytes(b"image")
            (folder / f"{i}.mp4").write_bytes(b"video")
        with Independent(presign=by_type) as server:
            manifest = self.folder / "rows.jsonl"
            env = clean_environment(HOIST_API_KEY=server.key, HOIST_LOG_LEVEL="warning")
            run = start_hoist("upload", "--endpoint", server.endpoint, "--no-resume", "-L", str(manifest), str(folder), env=env)
            wait_for(lambda: len(server.objects) == 5000, "5000 images", seconds=60 * PATIENCE)
            run.send_signal(signal.SIGINT)
            _, err = run.communicate(timeout=DEADLINE)
        rows = results(read_rows(manifest))
        self.assertEqual(({row["status"] for row in rows}, len(rows)), ({"done"}, 5000), err)
        self.assertIn(f"127.0.0.1:{gone}", err.decode())


class Wire(Against):
    # The two requests carry what the contract says, byte for byte, and the bodies arrive whole.
    def test_upload(self):
        folder = self.make_files(30, size=40_000)
        (folder / "empty.txt").touch()
        (folder / "large.mp4").write_bytes(os.urandom(5_000_000))
        with Independent() as server:
            run = self.upload(server, folder)
            self.assertEqual(run.code, 0, run.err)
            for row in results(run.rows):
                self.assertEqual(server.objects[row["id"]], open_bytes(path_of(row)))
            types = {json.loads(body)["content_type"]: json.loads(body)["file_type"] for _, body in server.presign_requests}
            self.assertEqual(types, {"image/png": "image", "text/plain": "other", "video/mp4": "video"})
            for _, headers, target in server.put_requests:
                names = [name.lower() for name, _ in headers]
                self.assertEqual(len(names), len(set(names)))
                self.assertNotIn("transfer-encoding", names)
                self.assertNotIn("expect", names)
                self.assertTrue(target.endswith("?X-Amz-Signature=secret%2Fbytes&x=%7E+&y"))

    # The API key goes to the API and is in no storage request, although both are one origin here.
    def test_key_stays_with_the_api(self):
        with Independent() as server:
            self.assertEqual(self.upload(server, self.make_files(5)).code, 0)
            for _, headers, target in server.put_requests:
                self.assertNotIn(server.key, str(headers) + target)

    # Connections are kept: forty files do not need forty.
    def test_keep_alive(self):
        with Independent() as server:
            self.assertEqual(self.upload(server, self.make_files(40), options=["-j", "2"]).code, 0)
            self.assertLessEqual(server.connections, 6)

    # A server that closes after every answer costs connections and nothing else.
    def test_closed_after_each_answer(self):
        def close(server, handler, *rest):
            handler.close_connection = True
            return rest[0] if isinstance(rest[0], dict) else None

        with Independent(presign=close, put=close) as server:
            run = self.upload(server, self.make_files(40))
            self.assertEqual((run.code, run.rows[-1]["done"]), (0, 40), run.err)

    # Interim answers before the real one are passed over.
    def test_interim_answers(self):
        def early_hints(server, handler, id):
            handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")

        with Independent(put=early_hints) as server:
            self.assertEqual(self.upload(server, self.one_file()).code, 0)


class Hostile(Against):
    # A presign reply that breaks the contract, or asks for what must not be done, fails its file with a typed error,
    # and no byte goes to any storage.
    def test_replies(self):
        def with_(**changes):
            return lambda server, handler, reply: {**reply, **changes}

        def without(field):
            return lambda server, handler, reply: {k: v for k, v in reply.items() if k != field}

        def headers(**h):
            return with_(required_headers={k.replace("_", "-"): v for k, v in h.items()})

        cases = [
            ("no JSON", lambda *_: b"<html>", "presign_malformed"),
            ("truncated", lambda s, h, r: json.dumps(r).encode()[:-9], "presign_malformed"),
            ("an array", lambda *_: b"[]", "presign_malformed"),
            ("deep nesting", lambda *_: b"[" * 5000, "presign_malformed"),
            ("no id", without("id"), "presign_malformed"),
            ("no presigned_url", without("presigned_url"), "presign_malformed"),
            ("no public_url", without("public_url"), "presign_malformed"),
            ("wrong type", with_(id=7.5), "presign_malformed"),
            ("no address in public_url", with_(public_url=None), "presign_malformed"),
            ("header unknown", with_(required_headers={"x-a": None}), "presign_malformed"),
            ("bad UTF-8", lambda *_: b'{"id":"\xff"}', "presign_malformed"),
            ("100 KB reply", with_(padding="x" * 100_000), "presign_malformed"),
            ("CRLF in a value", headers(x_a="b\r\nX-API-Key: stolen"), "header_refused"),
            ("CRLF in a name", with_(required_headers={"a\r\nb": "c"}), "header_refused"),
            ("framing", headers(Transfer_Encoding="chunked"), "header_refused"),
            ("other host", headers(Host="evil.example"), "header_refused"),
            ("other length", headers(Content_Length="1"), "header_refused"),
            ("twice", with_(required_headers={"x-a": "1", "X-A": "2"}), "header_refused"),
            ("many", with_(required_headers={f"x-{i}": "v" for i in range(33)}), "header_refused"),
            ("70 KB value", headers(x_a="v" * 20_000), "header_refused"),
            ("scheme", with_(presigned_url="ftp://127.0.0.1/x"), "url_refused"),
            ("file", with_(presigned_url="file:///etc/passwd"), "url_refused"),
            ("userinfo", with_(presigned_url="https://a:b@127.0.0.1/x"), "url_refused"),
            ("fragment", with_(presigned_url="https://127.0.0.1/x#y"), "url_refused"),
            ("space", with_(presigned_url="https://127.0.0.1/a b"), "url_refused"),
            ("CRLF in the URL", with_(presigned_url="https://127.0.0.1/a\r\nX: y"), "url_refused"),
            ("encoded host", with_(presigned_url="https://example.com%2F127.0.0.1/"), "url_refused"),
            ("long", with_(presigned_url="https://127.0.0.1/" + "a" * 9000), "url_refused"),
            ("public_url", with_(public_url="javascript:alert(1)"), "url_refused"),
        ]
        for name, presign, code in cases:
            with self.subTest(name), Independent(presign=presign) as server:
                run = self.upload(server, self.one_file())
                self.assertEqual(run.code, 1, run.err)
                self.assertEqual(self.failed_code(run), code)
                self.assertEqual(server.put_requests, [])

    # The key must not travel to the storage by way of the reply.
    def test_key_echoed(self):
        echo = lambda server, handler, reply: {**reply, "required_headers": {"x-note": server.key}}
        with Independent(presign=echo) as server:
            self.assertEqual(self.failed_code(self.upload(server, self.one_file())), "header_refused")
            self.assertEqual(server.put_requests, [])

    # Host and Content-Length equal to ours are sent once; a different Content-Type wins, since it is what was signed.
    def test_benign_headers(self):
        def benign(server, handler, reply):
            with server.lock:
                _, signed, expires = server.tickets[reply["id"]]
                server.tickets[reply["id"]] = ("x-signed/type", signed, expires)
            return {**reply, "required_headers": {**reply["required_headers"], "host": f"127.0.0.1:{server.port}",
                                                  "content-length": "3", "Content-Type": "x-signed/type"}}

        with Independent(presign=benign) as server:
            run = self.upload(server, self.one_file())
            self.assertEqual(run.code, 0, run.err)
            names = [name.lower() for name, _ in server.put_requests[0][1]]
            for name in ("host", "content-length", "content-type"):
                self.assertEqual(names.count(name), 1)


class Liberal(Against):
    # What serialisers and frameworks make of a reply costs no file: each is stored once, asked for once.
    def test_replies(self):
        def with_(**changes):
            return lambda server, handler, reply: {**reply, **changes}

        def created(server, handler, reply):
            handler.answer(201, b"\xef\xbb\xbf" + json.dumps(reply).replace("/", "\\/").encode() + b"\n", {"Content-Type": "text/html"})

        def labelled(server, handler, reply):  # unpacked on the way, and still called packed
            handler.answer(200, json.dumps(reply).encode(), {"Content-Encoding": "gzip"})

        in_a_while = int(time.time()) + 900
        cases = [("201, BOM, slashes, no JSON by its type", created), ("wrong label", labelled)]
        cases += [(f"expires_at {value!r}", with_(expires_at=value)) for value in (
            None, "", False, [], {}, 0, in_a_while, in_a_while * 1000, in_a_while + 0.5, str(in_a_while), "0001-01-01T00:00:00Z",
            time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(in_a_while)), time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(in_a_while + 60)),
            time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime(in_a_while)),
            time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(in_a_while)))]
        cases += [("lists of values", lambda s, h, r: {**r, "required_headers": {k: [v] for k, v in r["required_headers"].items()}})]
        for name, presign in cases:
            with self.subTest(name), Independent(presign=presign) as server:
                run = self.upload(server, self.one_file())
                self.assertEqual((run.code, len(server.presign_requests), len(server.put_requests)), (0, 1, 1), run.err)

    # Machines behind one name whose clocks are forty minutes apart cost no file, and no request.
    def test_clocks_of_several_machines(self):
        def some_behind(server, handler, reply):
            off = 2400 if random.random() < 0.4 else 0
            handler.date_time_string = lambda: email.utils.formatdate(time.time() - off, usegmt=True)
            ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 900 - off))
            return {**reply, "expires_at": ends}

        random.seed(1)
        with Independent(presign=some_behind) as server:
            run = self.upload(server, self.make_files(200))
            self.assertEqual((run.code, len(server.presign_requests), len(server.put_requests)), (0, 200, 200), run.err)

    # No headers at all, as PHP writes it, is no header at all: the storage here wants one, and says so.
    def test_no_headers(self):
        def unsigned(server, handler, reply):
            with server.lock:
                content_type, _, expires = server.tickets[reply["id"]]
                server.tickets[reply["id"]] = (content_type, {}, expires)
            return {**reply, "required_headers": []}

        with Independent(presign=unsigned) as server:
            self.assertEqual(self.upload(server, self.one_file()).code, 0)

    # Any whole 2xx says that the file is stored, however its head is spelt; it is sent once.
    def test_stored(self):
        answers = [
            b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nLocation: /x\r\n\r\nok",
            b"HTTP/1.1 202\r\ncontent-length:0\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 206 Odd\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 Gespeichert \xe2\x9c\x93\r\nContent-Length: 0, 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
            b"HTTP/1.1 100\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2;a=b\r\nok\r\n0\r\nTrailer-Of-Nothing: 1\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        ]
        for said in answers:
            def put(server, handler, id):
                handler.body()
                handler.wfile.write(said)
                handler.close_connection = said.startswith(b"HTTP/1.0")
                return "answered"

            with self.subTest(said), Independent(put=put) as server:
                run = self.upload(server, self.make_files(4))
                self.assertEqual((run.code, len(server.put_requests)), (0, 4), run.err)


class Answers(Against):
    @staticmethod
    def first_times(count, status, body=b"", headers=None):
        """A server function that answers `status` to its first `count` requests."""
        left = [count]
        lock = threading.Lock()

        def function(server, handler, argument):
            with lock:
                left[0] -= 1
                if left[0] < 0:
                    return argument if isinstance(argument, dict) else None
            if isinstance(argument, str):
                handler.body()
            handler.answer(status, body, headers)
            return None if isinstance(argument, dict) else "answered"

        return function

    # What may pass is tried again until it passes, for both calls.
    def test_transient(self):
        for status in (408, 500, 502, 503, 504, 429):
            for call in ("presign", "put"):
                with self.subTest(call=call, status=status):
                    with Independent(**{call: self.first_times(3, status)}) as server:
                        run = self.upload(server, self.make_files(4))
                        self.assertEqual((run.code, run.rows[-1]["done"]), (0, 4), run.err)

    # A 403 on a fresh URL is answered by a new URL, at most twice; then the file fails with the storage's word.
    def test_refused(self):
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>R1</RequestId></Error>"
        with Independent(put=self.first_times(2, 403, body)) as server:
            run = self.upload(server, self.one_file())
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(len(server.presign_requests), 3)
            row = results(run.rows)[0]
            self.assertEqual(server.objects[row["id"]], b"one")  # the id that is reported is the one that was stored
        with Independent(put=self.first_times(99, 403, body)) as server:
            run = self.upload(server, self.one_file())
            self.assertEqual(self.failed_code(run), "storage_refused")
            error = results(run.rows)[0]["error"]
            self.assertEqual((error["http_status"], error["storage_code"], error["request_id"]), (403, "AccessDenied", "R1"))
            self.assertEqual(len(server.put_requests), 3)

    # Twenty files in a row refused on fresh URLs end the run: it is the account, not the files. Several times over, since
    # the end meets requests in every stage.
    def test_permanent_refusal_ends_the_run(self):
        for _ in range(8):
            with Independent(put=self.first_times(10_000, 403)) as server:
                run = self.upload(server, self.make_files(200))
                self.assertEqual(run.code, 4, run.err)
                self.assertEqual(run.rows[-1]["error"]["code"], "storage_refused")
                self.assertLess(len(server.put_requests), 150)

    # A permanent refusal of one file fails that file at once.
    def test_rejected(self):
        with Independent(put=self.first_times(1, 400, b"<Error><Code>EntityTooLarge</Code></Error>")) as server:
            run = self.upload(server, self.one_file())
            self.assertEqual(self.failed_code(run), "storage_rejected")
            self.assertEqual(len(server.put_requests), 1)
        with Independent(presign=self.first_times(1, 400, b'{"error": "content_type is required"}')) as server:
            self.assertEqual(self.failed_code(self.upload(server, self.one_file())), "presign_rejected")

    # An early refusal of a large body is reported as itself, not as a broken connection.
    def test_early_answer(self):
        def early(server, handler, id):
            handler.close_connection = True
            handler.answer(400, b"<Error><Code>EntityTooLarge</Code></Error>", {"Connection": "close"})
            return "answered"

        with Independent(put=early) as server:
            run = self.upload(server, self.one_file(os.urandom(50_000_000)))
            self.assertEqual(self.failed_code(run), "storage_rejected")

    # A storage that says 200 before it has the file does not have it. (regression: the file was done)
    def test_success_before_the_body(self):
        times = [0]

        def hasty(server, handler, id):
            times[0] += 1
            if times[0] > 1:
                return None
            handler.close_connection = True
            handler.rfile.read(64 * 1024)
            handler.answer(200, b"", {"Connection": "close"})
            while handler.rfile.read(64 * 1024):  # or closing would take the answer away
                pass
            return "answered"

        content = os.urandom(50_000_000)
        with Independent(put=hasty) as server:
            run = self.upload(server, self.one_file(content))
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(server.objects[results(run.rows)[0]["id"]], content)
            self.assertEqual(run.rows[-1]["puts"], 2)

    # A file that becomes a link while it waits is not followed to where it leads. (regression: it was uploaded from there)
    def test_file_becomes_a_link(self):
        secret = self.folder / "secret"
        secret.write_bytes(b"nobody's business")
        tree = self.folder / "tree"
        tree.mkdir()
        (tree / "a.jpg").write_bytes(b"a picture")

        def swap(server, handler, id):
            if (tree / "a.jpg").is_symlink():
                return None
            handler.body()
            (tree / "a.jpg").unlink(missing_ok=True)
            (tree / "a.jpg").symlink_to(secret)
            handler.answer(503)
            return "answered"

        with Independent(put=swap) as server:
            run = self.upload(server, tree)
            self.assertEqual(self.failed_code(run), "source_not_regular")
            self.assertEqual(server.objects, {})

    # Nor is one followed whose folder becomes a link, though the folder that was named may be reached by one. (regression)
    def test_folder_becomes_a_link(self):
        secrets = self.folder / "secrets"
        secrets.mkdir()
        (secrets / "a.jpg").write_bytes(b"nobody's business")
        tree = self.folder / "tree"
        (tree / "below").mkdir(parents=True)
        (tree / "below" / "a.jpg").write_bytes(b"a picture")
        named = self.folder / "named"
        named.symlink_to(tree)
        asked = []

        def swap(server, handler, id):
            asked.append(id)
            if len(asked) > 1:
                return None
            handler.body()
            (tree / "below").rename(tree / "elsewhere")
            (tree / "below").symlink_to(secrets)
            handler.answer(503)
            return "answered"

        with Independent(put=swap) as server:
            run = self.upload(server, named)
            self.assertEqual(self.failed_code(run), "source_not_regular", run.err)
            self.assertEqual((len(asked), server.objects), (1, {}))
            again = self.upload(server, named)
            self.assertEqual((again.code, list(server.objects.values())), (0, [b"a picture"]), again.err)

    # A ticket that leads to nobody costs its file, in time; the others do not wait for it. (regression: it was tried for ever)
    def test_ticket_to_nobody(self):
        def presign(server, handler, reply):
            if server.tickets[reply["id"]][0] == "video/mp4":
                return {**reply, "presigned_url": reply["presigned_url"].replace("127.0.0.1", "127.0.0.77")}
            return reply

        files = self.make_files(20)
        (files / "stray.mp4").write_bytes(b"a film")
        with Independent(presign=presign) as server:
            run = self.upload(server, files, options=("--give-up-after", "3s", "-j", "2"))
            self.assertEqual((run.code, run.rows[-1]["done"]), (1, 20), run.err)
            failed = [row for row in results(run.rows) if row["status"] == "failed"]
            self.assertEqual([(pathlib.Path(r["path"]).name, r["error"]["code"]) for r in failed], [("stray.mp4", "gave_up")])

    # Redirects are followed by neither call: nothing and nobody's key goes to where they point.
    def test_redirects(self):
        with Independent() as other:
            to_other = {"Location": other.endpoint + "/elsewhere"}
            with Independent(presign=self.first_times(99, 307, b"", to_other)) as server:
                self.assertEqual(self.upload(server, self.one_file()).code, 1)
            with Independent(put=self.first_times(99, 307, b"", to_other)) as server:
                self.assertEqual(self.upload(server, self.one_file()).code, 1)
            self.assertEqual((other.presign_requests, other.put_requests), ([], []))

    # An answer without an end is cut: bounded memory, and the status decides.
    def test_endless_answers(self):
        def endless_head(server, handler, id):
            try:
                handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for _ in range(10_000):
                    handler.wfile.write(b"X-Filler: " + b"y" * 1000 + b"\r\n")
            except OSError:
                pass
            handler.close_connection = True
            return "answered"

        def large_body(server, handler, id):
            try:
                handler.answer(400, b"<Error><Code>EntityTooLarge</Code></Error>" + b" " * 50_000_000)
            except OSError:
                pass
            handler.close_connection = True
            return "answered"

        with Independent(put=endless_head) as server:
            run = self.upload(server, self.one_file(), options=["--retries", "1"])
            self.assertEqual(self.failed_code(run), "gave_up")
        with Independent(put=large_body) as server:
            self.assertEqual(self.failed_code(self.upload(server, self.one_file())), "storage_rejected")


def open_bytes(path):
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    main()
