"""`hoist upload` against `hoist-server`: argv to exit code, rows, and what the server has."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403


class Upload(TestCase):
    # A tree gives one done row per regular file, each public URL returns the file's bytes, and the summary is last.
    def test_tree(self):
        folder = self.make_files(40, size=5000)
        (folder / "deep/er").mkdir(parents=True)
        (folder / "deep/er/empty").touch()
        (folder / "large.bin").write_bytes(os.urandom(3_000_000))
        with Server() as server:
            run = hoist("upload", *server.access(), str(folder))
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(self.check_stored(server, run.rows), 42)
            summary = run.rows[-1]
            self.assertEqual((summary["type"], summary["complete"], summary["done"]), ("summary", True, 42))
            self.assertEqual(server.metric("hoist_server_puts_total"), 42)

    # Names are bytes: whatever a name holds, its row maps back to it and the file is stored.
    def test_odd_names(self):
        folder = self.folder / "odd"
        folder.mkdir()
        names = [b"new\nline", b"quote\"s'", b"esc\x1b[31m", b"bad\xff\xfeutf8", b"-dash", b"back\\slash", b"x" * 255]
        for name in names:
            with open(os.path.join(os.fsencode(folder), name), "wb") as f:
                f.write(name)
        with Server() as server:
            run = hoist("upload", *server.access(), str(folder))
            self.assertEqual(run.code, 0, run.err)
            self.check_stored(server, run.rows)
            got = sorted(os.path.basename(path_of(r)) for r in results(run.rows))
            self.assertEqual(got, sorted(names))
            self.assertNotIn("\x1b", run.err)

    # Each bad input fails by itself, with its reason in a row; the others go on; the exit code is 1.
    def test_bad_inputs(self):
        good = self.make_files(3)
        os.mkfifo(self.folder / "fifo")
        with open(self.folder / "big", "wb") as f:
            f.truncate(104_857_601)
        os.symlink("nowhere", good / "dangling")
        with Server() as server:
            run = hoist("upload", *server.access(), str(good), str(self.folder / "fifo"), str(self.folder / "big"),
                        str(self.folder / "missing"))
            self.assertEqual(run.code, 1, run.err)
            failed = {os.path.basename(r["path"]): r["error"]["code"] for r in results(run.rows) if r["status"] == "failed"}
            self.assertEqual(failed, {"fifo": "source_not_regular", "big": "source_too_large", "missing": "source_missing"})
            skipped = [r for r in results(run.rows) if r["status"] == "skipped"]
            self.assertEqual([(os.path.basename(r["path"]), r["reason"]) for r in skipped], [("dangling", "symlink")])
            self.assertEqual(run.rows[-1]["done"], 3)
            self.assertEqual(server.metric("hoist_server_presigns_total"), 3)

    # A list on stdin, by lines or NUL-separated, is uploaded, and a repeated entry gets its row again.
    def test_lists(self):
        folder = self.make_files(3)
        names = [os.fsencode(p) for p in sorted(folder.iterdir())]
        with Server() as server:
            run = hoist("upload", *server.access(), "-", stdin=b"\n".join(names + names[:1]) + b"\n")
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(len(results(run.rows)), 4)
            nul = hoist("upload", *server.access(), "-0", "-", stdin=b"\0".join(names))
            self.assertEqual(nul.code, 0, nul.err)
            self.assertEqual(len(results(nul.rows)), 3)

    # A folder, and on stdin what comes into it while the run goes on: each file is taken once. (regression: what came was passed
    # over without a word)
    def test_folder_and_what_comes_into_it(self):
        folder = self.make_files(3)
        with Server() as server:
            with Command(("upload", "-q", *server.access(), str(folder), "-"), stdin=subprocess.PIPE, bufsize=0) as running:
                rows = [json.loads(running.stdout.readline()) for _ in range(3)]
                (folder / "late.png").write_bytes(b"late")
                names = [*(row["path"] for row in rows), str(folder / "late.png")]
                out, err = running.communicate("\n".join(names).encode(), timeout=DEADLINE)
                rows += [json.loads(line) for line in out.splitlines()]
                self.assertEqual(running.returncode, 0, err)
            self.assertEqual(self.check_stored(server, rows), 4)
            self.assertEqual((len(results(rows)), server.metric("hoist_server_puts_total")), (4, 4))

    # Rows go to stdout, or with -L to the file only; an existing file is refused unless --overwrite.
    def test_manifest(self):
        folder = self.make_files(5)
        manifest = self.folder / "m.jsonl"
        with Server() as server:
            run = hoist("upload", *server.access(), str(folder), "-L", str(manifest))
            self.assertEqual((run.code, run.out), (0, b""), run.err)
            rows = read_rows(manifest)
            self.assertEqual((len(results(rows)), rows[-1]["type"]), (5, "summary"))

    # --format url prints just the URL of one file.
    def test_format_url(self):
        (self.folder / "one.txt").write_text("hello")
        with Server() as server:
            run = hoist("upload", *server.access(), "--format", "url", str(self.folder / "one.txt"))
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(server.get(run.out.decode().strip()), b"hello")

    # --dry-run says what would happen and asks nobody.
    def test_dry_run(self):
        folder = self.make_files(2)
        run = hoist("upload", "-n", "--endpoint", "https://127.0.0.1:1", str(folder))
        self.assertEqual(run.code, 0, run.err)
        self.assertEqual([r["action"] for r in run.rows if r["type"] == "plan"], ["upload", "upload"])

    # It can be put before the command of a run that was there: what that one wrote is neither planned nor touched.
    # (regression: it was refused, and with --overwrite the rows of done files were replaced)
    def test_dry_run_of_what_was_run(self):
        folder = self.make_files(2)
        manifest = folder / "urls.jsonl"
        with Server() as server:
            self.assertEqual(hoist("upload", *server.access(), "-L", str(manifest), str(folder)).code, 0)
            before = manifest.read_bytes()
            run = hoist("upload", "-n", *server.access(), "-L", str(manifest), str(folder))
        self.assertEqual(run.code, 0, run.err)
        actions = {pathlib.Path(r["path"]).name: r["action"] for r in run.rows if r["type"] == "plan"}
        self.assertEqual([actions.pop("urls.jsonl"), actions.pop("urls.jsonl.ledger")], ["skip", "skip"])
        self.assertEqual(list(actions.values()), ["upload", "upload"])
        self.assertEqual(manifest.read_bytes(), before)

    # The storage on an origin of its own is reached like any other.
    def test_storage_origin(self):
        folder = self.make_files(10)
        with Server("--storage-port", "0") as server:
            run = hoist("upload", *server.access(), str(folder))
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(self.check_stored(server, run.rows), 10)

    # Plain http works on loopback, since nothing leaves the machine; large files too, digested or not.
    def test_plain_http(self):
        folder = self.make_files(10, size=200_000)
        (folder / "large.bin").write_bytes(os.urandom(5_000_001))
        with Server("--plain-http") as server:
            for verify in ("size", "md5"):
                run = hoist("upload", *server.access(), "--no-resume", "--verify", verify, str(folder))
                self.assertEqual(run.code, 0, run.err)
                self.assertEqual(self.check_stored(server, run.rows), 11)

    # Every number of threads uploads everything once.
    def test_threads(self):
        folder = self.make_files(300)
        with Server("--discard", "--digest", "sha256") as server:
            for n, threads in enumerate(("1", "2", "4"), start=1):
                run = hoist("upload", *server.access(), "--threads", threads, "--no-resume", str(folder))
                self.assertEqual((run.code, run.rows[-1]["done"]), (0, 300), run.err)
                self.assertEqual(server.metric("hoist_server_puts_total"), 300 * n)


class Refused(TestCase):
    def upload(self, *options, env=None):
        (self.folder / "f").write_text("x")
        return hoist("upload", *options, str(self.folder / "f"), env=env)

    # No key: exit 2, naming the variables.
    def test_missing_key(self):
        run = self.upload("--endpoint", "https://127.0.0.1:1")
        self.assertEqual(run.code, 2)
        for name in ("HOIST_API_KEY", "EACHLABS_API_KEY", "EACH_API_KEY", "--api-key-file"):
            self.assertIn(name, run.err)

    # A wrong key: exit 4, and the API is not asked again.
    def test_wrong_key(self):
        with Server() as server:
            run = self.upload("--endpoint", server.endpoint, "--cacert", server.cacert,
                              env=clean_environment(HOIST_API_KEY="wrong"))
            self.assertEqual(run.code, 4, run.err)
            self.assertEqual(server.metrics()['presign_refused_total{status="401"}'], 1)
            self.assertEqual(run.rows[-1]["error"]["code"], "key_refused")

    # Nothing listens: exit 4 with the cause, after three seconds of trying.
    def test_nothing_listens(self):
        run = self.upload("--endpoint", "https://127.0.0.1:1", env=clean_environment(HOIST_API_KEY="k"))
        self.assertEqual(run.code, 4, run.err)
        self.assertIn("refused", run.err)

    # A certificate nobody vouches for: exit 4 with the cause and the remedy.
    def test_untrusted_certificate(self):
        with Server() as server:
            run = self.upload("--endpoint", server.endpoint, "--api-key-file", server.key_file)
            self.assertEqual(run.code, 4, run.err)
            self.assertIn("--cacert", run.err)
            self.assertEqual(run.rows[-1]["error"]["code"], "tls_refused")

    # A proxy that would be ignored is refused loudly.
    def test_proxy(self):
        run = self.upload("--endpoint", "https://127.0.0.1:1",
                          env=clean_environment(HOIST_API_KEY="k", HTTPS_PROXY="http://127.0.0.1:2"))
        self.assertEqual(run.code, 2)
        self.assertIn("HTTPS_PROXY", run.err)


class Time(TestCase):
    # URLs that live two seconds and slow PUTs: nothing fails, and hardly any URL is made in vain.
    def test_short_lifetime(self):
        folder = self.make_files(300)
        for reading in ("url", "retention"):
            with Server("--url-lifetime", "2", "--put-delay", "100ms", "--expires-at", reading) as server:
                run = hoist("upload", *server.access(), "-j", "16", str(folder))
                self.assertEqual((run.code, run.rows[-1]["done"]), (0, 300), run.err)
                self.assertLessEqual(server.metric("hoist_server_presigns_total"), 360)

    # The server is killed in mid-run and comes back on its port and state: the run waits and finishes.
    def test_server_restart(self):
        folder = self.make_files(400)
        with Server("--put-delay", "20ms") as server:
            run = start_hoist("upload", *server.access(), "-j", "8", str(folder))
            wait_for(lambda: server.metric("hoist_server_puts_total") >= 50, "50 PUTs")
            server.kill()
            server.start()
            out, err = run.communicate(timeout=DEADLINE)
            self.assertEqual(run.returncode, 0, err)
            rows = [json.loads(line) for line in out.splitlines()]
            self.assertEqual(self.check_stored(server, rows), 400)

    # The first signal lets what is in flight finish and ends with 130; the rows that were printed are true.
    def test_interrupt(self):
        folder = self.make_files(2000)
        with Server("--put-delay", "50ms") as server:
            run = start_hoist("upload", *server.access(), "-j", "8", str(folder))
            wait_for(lambda: server.metric("hoist_server_puts_total") >= 20, "20 PUTs")
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=DEADLINE)
            self.assertEqual(run.returncode, 130, err)
            rows = [json.loads(line) for line in out.splitlines()]
            self.assertEqual((rows[-1]["type"], rows[-1]["complete"]), ("summary", False))
            done = self.check_stored(server, rows)
            self.assertEqual(done, rows[-1]["done"])
            self.assertLess(done, 2000)
            self.assertEqual(server.metric("hoist_server_puts_total"), done)

    # The second signal ends it at once.
    def test_second_interrupt(self):
        folder = self.make_files(50)
        with Server("--put-delay", "15s") as server:
            run = start_hoist("upload", *server.access(), "-j", "8", str(folder))
            wait_for(lambda: server.metric("hoist_server_presigns_total") >= 8, "8 presigns")
            run.send_signal(signal.SIGTERM)
            self.assertIn(b"may finish", read_until(run.stderr, b"may finish"))
            asked = time.monotonic()
            run.send_signal(signal.SIGTERM)
            run.communicate(timeout=DEADLINE)
            self.assertEqual(run.returncode, 143)
            self.assertLess(time.monotonic() - asked, 8)  # the PUTs in flight would take 15

    # --max-duration drains and exits 6.
    def test_max_duration(self):
        folder = self.make_files(2000)
        with Server("--put-delay", "50ms") as server:
            run = hoist("upload", *server.access(), "-j", "4", "--max-duration", "500ms", str(folder))
            self.assertEqual(run.code, 6, run.err)
            self.assertFalse(run.rows[-1]["complete"])

    # A consumer that goes away stops the intake; what is in flight finishes; exit 141.
    def test_closed_stdout(self):
        folder = self.make_files(3000)
        with Server() as server:
            run = start_hoist("upload", *server.access(), str(folder))
            run.stdout.readline()
            run.stdout.close()
            run.stdout = None
            _, err = run.communicate(timeout=DEADLINE)
            self.assertEqual(run.returncode, 141, err)


def read_until(stream, text):
    seen = b""
    while text not in seen:
        line = stream.readline()
        if not line:
            return seen
        seen += line
    return seen


class Secrets(TestCase):
    # Neither the key nor a signature is in any output, however much is logged.
    def test_nothing_leaks(self):
        folder = self.make_files(20)
        (self.folder / "gone").write_text("x")
        with Server("--put-delay", "5ms") as server:
            log = self.folder / "log"
            run = hoist("upload", *server.access(), "--log-level", "debug", "--log-file", str(log), "-L",
                        str(self.folder / "m.jsonl"), str(folder), str(self.folder / "missing"))
            everything = run.out + run.err.encode()
            for file in self.folder.iterdir():
                if file.is_file():
                    everything += file.read_bytes()
            for secret in (server.key.encode(), b"X-Amz-Signature", b"X-Amz-Credential"):
                self.assertNotIn(secret, everything)


if __name__ == "__main__":
    main()
