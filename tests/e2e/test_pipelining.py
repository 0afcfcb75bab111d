"""Presigns asked for several at a time on one connection, by APIs and proxies that can and cannot take that.

Each API here speaks plain HTTP/1.1 and behaves badly only when it finds a request waiting behind the one it reads. The
gate is the same for all: every file is done by one PUT, and no file has paid for it with a failure.
"""

import pathlib
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403
from independent_server import Independent  # noqa: E402

FILES = 300


def waits_behind(handler):
    """Whether another request has arrived on the connection."""
    handler.connection.settimeout(0)
    try:
        return handler.rfile.peek(1) != b""
    finally:
        handler.connection.settimeout(None)


class Api(Independent):
    """`misbehave(handler)` is called when requests are pipelined, once for each; False: the answer is not sent as usual."""

    def __init__(self, misbehave):
        super().__init__(presign=self.judge)
        self.misbehave = misbehave
        self.pipelined = 0

    def judge(self, server, handler, reply):
        if not waits_behind(handler):
            return reply
        with self.lock:
            self.pipelined += 1
        return reply if self.misbehave(handler) else None


def closes(handler):
    handler.close_connection = True
    return False


def garbles(handler):
    handler.wfile.write(b"I beg your pardon?\r\n\r\n")
    handler.close_connection = True
    return False


def announces(handler):
    handler.close_connection = True
    handler.send_header = announcing(handler, handler.send_header)
    return True


def announcing(handler, send_header):
    def send(name, value):
        if name == "Content-Length":
            send_header("Connection", "close")
        send_header(name, value)
    return send


class Run:
    def __init__(self, api, folder, *options):
        self.api, self.started = api, time.monotonic()
        self.command = start_hoist("upload", "--endpoint", api.endpoint, "-j", "16", "--threads", "1", *options,
                                   "--log-level", "info", str(folder), env=clean_environment(HOIST_API_KEY=api.key))

    def result(self):
        out, err = self.command.communicate(timeout=240)
        return Result(self.command.returncode, out, err.decode(errors="replace"), time.monotonic() - self.started)


class Pipelining(TestCase):
    def check(self, api, run, asked_again):
        rows = results(run.rows)
        self.assertEqual((run.code, [row["status"] for row in rows]), (0, ["done"] * FILES), run.err)
        self.assertEqual(len(api.objects), FILES)
        self.assertEqual(run.rows[-1]["puts"], FILES)
        self.assertEqual(len({row["public_url"] for row in rows}), FILES)
        self.assertLessEqual(run.rows[-1]["presigns"], FILES + asked_again)
        self.assertGreater(api.pipelined, 0, "it was put to the test")

    # An API that takes it is asked several at a time, and every request is answered once.
    def test_taken(self):
        with Api(lambda handler: True) as api:
            run = Run(api, self.make_files(FILES), "--presign-depth", "4").result()
            self.check(api, run, 0)

    # A connection closed under the first pipeline, and garbage: from then on one at a time, and what was lost is asked again.
    def test_not_taken(self):
        folder = self.make_files(FILES)
        for name, misbehave in (("closes", closes), ("garbles", garbles)):
            for depth in ("8", "auto"):
                with self.subTest(name, depth=depth), Api(misbehave) as api:
                    run = Run(api, folder, "--presign-depth", depth, "--no-resume").result()
                    if depth == "auto" and api.pipelined == 0:
                        continue  # it never was quick enough to be tried
                    self.check(api, run, 64)
                    self.assertIn("one at a time", run.err)
                    self.assertLess(api.pipelined, 64, "connections that were under way at the time, and none later")

    # A close that is announced loses nobody anything: what waited behind is asked for again at once, and the depth is kept.
    def test_announced(self):
        with Api(announces) as api:
            run = Run(api, self.make_files(FILES), "--presign-depth", "4").result()
            self.check(api, run, 3 * api.pipelined)
            self.assertNotIn("one at a time", run.err)
            self.assertEqual({row["attempts"] for row in results(run.rows)}, {1})

    # An API that answers nothing once requests are pipelined costs one limit of time, not a file.
    def test_silence(self):
        run = silence["run"].result()
        self.check(silence["api"], run, 64)
        self.assertLess(run.seconds, 60)


silence = {}


def setUpModule():
    over = threading.Event()
    folder = tempfile.TemporaryDirectory(prefix="hoist-test-")
    for i in range(FILES):
        (pathlib.Path(folder.name) / f"{i}.png").write_bytes(b"silence %d" % i)
    api = Api(lambda handler: over.wait(120) and False)
    api.__enter__()
    silence.update(api=api, run=Run(api, folder.name, "--presign-depth", "8"))
    unittest.addModuleCleanup(lambda: (over.set(), api.__exit__(), folder.cleanup()))


if __name__ == "__main__":
    main()
