"""A hoist-server that misbehaves by name, runs against it, and what they must leave behind: its account is the witness."""

import os
import pathlib
import shutil
import tempfile
import time

from hoist_test import Home, Result, Server, TestCase, hoist, start_hoist


def faulty(*faults, options=()):
    """A server that keeps digests only and has these faults."""
    return Server("--discard", "--digest", "sha256", *options, *(word for f in faults for word in ("--fault", f)))


class FaultTestCase(TestCase):
    def upload(self, server, folder, *options, **more):
        # A home of its own: a ledger that is kept by default belongs to an origin, and a port may come again.
        self.home.remove()
        self.home = Home()
        self.addCleanup(self.home.remove)
        return hoist("upload", *server.access(), *options, str(folder), **more)

    def injected(self, server):
        return {k: n for k, n in server.metrics().items() if k.startswith("faults_total")}


class Waiting:
    """A server with faults and a command against it that takes its time, begun before the other tests."""

    def __init__(self, count, *faults, options=(), size=1000):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hoist-test-"))
        self.home = Home()
        self.files = self.folder / "files"
        self.files.mkdir()
        for i in range(count):
            (self.files / f"{i}.png").write_bytes(os.urandom(size))
        self.server = faulty(*faults)
        self.server.__enter__()
        self.started = time.monotonic()
        self.command = start_hoist("upload", *self.server.access(), *options, str(self.files), "-L",
                                   str(self.folder / "rows.jsonl"))

    def result(self):
        out, err = self.command.communicate(timeout=240)
        rows = (self.folder / "rows.jsonl").read_bytes()
        return Result(self.command.returncode, rows, err.decode(errors="replace"), time.monotonic() - self.started)

    def end(self):
        self.home.remove()
        self.server.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)
