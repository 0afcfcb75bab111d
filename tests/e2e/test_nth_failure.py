"""One call fails, the n-th of its kind, for n = 1, 2, 3 ... until a run meets no failure any more.

The library of HOIST_FAIL_NTH (tests/support/fail_nth_call.cpp) is preloaded and fails one call of the C library. Only calls
about the file, folder, ledger, manifest or socket in question are counted, so that n begins where hoist's own work begins.

The gate of each run: it ends in time and by itself; it is complete, or its exit status and a message say what ended it; what it
calls done is stored; a failed file has a reason; no secret is in any output. And the same command again, undisturbed,
ends with everything done, and sends nothing that was reported done.
"""

import concurrent.futures
import errno
import itertools
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403
from hoist_test import Command, PATIENCE, Result  # noqa: E402
from faults import faulty  # noqa: E402

LIBRARY = os.environ.get("HOIST_FAIL_NTH", "build/tests/support/fail_nth_call.so")
SIZES = (0, 1, 4000, 70_000, 150_000, 400_000)  # nothing, one batch, several; over plain HTTP the last two by sendfile
SHORT = 0  # half of what was asked for is moved, instead of a failure
IN_TIME = 15 * PATIENCE  # a connection without a sign of life is given up after 30 s: nothing here may come to that
AT_ONCE = 4  # a run is mostly waiting: for commits and, after a failure, for its next try

SUCCESS, SOME_FAILED, REFUSED, FATAL = 0, 1, 2, 4


def preloaded(call, of, n, error, on, report):
    return {"LD_PRELOAD": LIBRARY, "NTH_CALL": call, "NTH_OF": of, "NTH_AT": str(n), "NTH_WITH": str(error), "NTH_ON": on,
            "NTH_REPORT": str(report)}


def whole_lines(path):
    text = path.read_bytes() if path.exists() else b""
    return text[:text.rfind(b"\n") + 1]


class NthFailure(TestCase):
    def setUp(self):
        super().setUp()
        self.files = self.folder / "files"
        for i, size in enumerate(SIZES):
            file = self.files / ("below" if i % 2 else ".") / f"{size}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(os.urandom(size))

    def run_once(self, server, folder, log, *paths, **env):
        manifest = folder / "m.jsonl"
        started = time.monotonic()
        with Command(["upload", *server.access(), "-j", "2", "--threads", "1", "-L", manifest, *(paths or [self.files])],
                     clean_environment(HOIST_LOG_FILE=str(folder / log), **env), stdin=subprocess.DEVNULL) as command:
            try:
                _, err = command.communicate(timeout=3 * IN_TIME)
            except subprocess.TimeoutExpired as e:
                command.kill()
                raise AssertionError("it hung") from e
        return Result(command.returncode, whole_lines(manifest), err.decode(errors="replace"), time.monotonic() - started)

    def check_first(self, server, run, may, files=None, says="."):
        self.assertIn(run.code, may, run.err)
        self.assertLess(run.seconds, IN_TIME)
        unread = [path_of(r) for r in results(run.rows) if r["status"] == "failed" and os.path.isdir(path_of(r))]
        if unread:
            self.assertEqual(run.code, SOME_FAILED)
            self.check_settled(server, results(run.rows))
            told = {path_of(r) for r in results(run.rows)}
            self.assertFalse([p for p in map(os.fsencode, self.files.rglob("*.png"))
                              if p not in told and not p.startswith(tuple(unread))], run.err)
        elif run.code in (SUCCESS, SOME_FAILED):
            self.check_account(server, files or self.files, run)
        else:
            self.assertRegex(run.err, f"(?m)^hoist: error: .*{says}")
            # In a manifest that was not put right the rows of this run follow the earlier ones, of the same files.
            self.check_settled(server, {path_of(r): r for r in results(run.rows)}.values())

    def check_second(self, server, first, again):
        self.assertEqual(len(self.check_account(server, self.files, again)["done"]), len(SIZES), again.err)
        told = {path_of(r): r["public_url"] for r in results(first.rows) if r["status"] == "done"}
        now = {path_of(r): r for r in results(again.rows)}
        self.assertEqual({p: now[p]["public_url"] for p in told}, told)
        self.assertLessEqual(again.rows[-1]["puts"], len(SIZES) - len(told))

    def loop(self, server, begun, says, call, of, error, may, on="once"):
        """Returns how many calls there were. `begun`: a folder with what an earlier run left, or None; `says`: what
        the message of a run that ended for it has."""
        for n in itertools.count(1):
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                folder = pathlib.Path(folder)
                for file in begun.iterdir() if begun else ():
                    shutil.copy2(file, folder)
                report = folder / "report"
                try:
                    first = self.run_once(server, folder, "first.log", **preloaded(call, of, n, error, on, report))
                    if not report.exists():
                        self.assertEqual(first.code, SUCCESS, first.err)
                        return n - 1
                    self.check_first(server, first, may, says=says)
                    self.check_second(server, first, self.run_once(server, folder, "second.log"))
                except AssertionError as e:
                    what = report.read_text() if report.exists() else ""
                    raise AssertionError(f"{call} {errno.errorcode.get(error, 'short')} {on} {n}: {what}{e}") from e

    def fail_each(self, server, *cases, begun=None, says="."):
        """Each case: the call, what it is about, the errors, and the exit statuses that it may lead to."""
        each = [(server, begun, says, call, of, error, may, *on) for call, of, errors, may, *on in cases for error in errors]
        problems = []
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as together:
            for case, loop in [(case, together.submit(self.loop, *case)) for case in each]:
                try:
                    self.assertGreater(loop.result(), 0, f"{case[3:5]}: there is no such call")
                except AssertionError as e:
                    problems.append(str(e))
        self.assertFalse(problems, "\n\n".join(problems))

    # A connection that cannot be had, or breaks at any byte, costs a try and no file.
    def test_connections(self):
        with faulty() as server:
            self.fail_each(server,
                           ("socket", "", (errno.EMFILE, errno.ENOBUFS), {SUCCESS}),
                           ("connect", "socket:*", (errno.ECONNREFUSED, errno.EADDRNOTAVAIL), {SUCCESS}),
                           ("send", "socket:*", (errno.ECONNRESET, SHORT), {SUCCESS}),
                           # Not SHORT: that the kernel gives less than it has is not to be met with, and epoll(7) builds on it.
                           ("recv", "socket:*", (errno.ECONNRESET,), {SUCCESS}),
                           ("epoll_ctl", "socket:*", (errno.ENOSPC,), {SUCCESS}))

    # In plain text, where large files go from the page cache to the socket.
    def test_sendfile(self):
        with faulty(options=["--plain-http"]) as server:
            self.fail_each(server,
                           ("sendfile", "*/files/*", (errno.ECONNRESET, errno.EINTR, errno.EINVAL, SHORT), {SUCCESS}),
                           ("sendfile", "*/files/*", (errno.EIO,), {SUCCESS, SOME_FAILED}))

    # A lack of descriptors passes; a disk that cannot read a file costs that file, and no other.
    def test_sources(self):
        with faulty() as server:
            self.fail_each(server,
                           ("openat2", "*/files/*", (errno.EMFILE, errno.EPERM, errno.ENOSYS, errno.ELOOP), {SUCCESS}),
                           ("openat2", "*/files/*", (errno.EIO, errno.ENOENT), {SOME_FAILED}),
                           ("stat", "*/files*", (errno.EIO, errno.ENOENT), {SUCCESS, SOME_FAILED}),
                           ("fstat", "*/files*", (errno.EIO,), {SUCCESS, SOME_FAILED}),
                           ("pread", "*/files/*", (errno.EIO,), {SOME_FAILED}),
                           ("pread", "*/files/*", (errno.EINTR, SHORT), {SUCCESS}),
                           ("preadv2", "*/files/*", (errno.EIO, errno.EAGAIN, errno.EOPNOTSUPP, SHORT), {SUCCESS}))

    # A folder that cannot be read is a failed row of its own, which stands for what lies below it.
    def test_walk(self):
        with faulty() as server:
            self.fail_each(server,
                           ("openat", "*/files*", (errno.EIO, errno.EMFILE), {SUCCESS, SOME_FAILED}),
                           ("readdir", "*/files*", (errno.EIO,), {SOME_FAILED}),
                           ("fdopendir", "*/files*", (errno.ENOMEM,), {SOME_FAILED}))

    # A ledger that cannot be made, read or written ends the run with its reason; what was said before is true.
    def test_ledger(self):
        stopped = {SUCCESS, REFUSED, FATAL}
        with faulty() as server:
            self.fail_each(server,
                           ("open", "*/m.jsonl.ledger*", (errno.EMFILE,), stopped),
                           ("stat", "*/m.jsonl.ledger*", (errno.EIO,), stopped),
                           ("fstat", "*/m.jsonl.ledger*", (errno.EIO,), stopped),
                           ("pwrite", "*/m.jsonl.ledger*", (errno.EIO,), stopped),
                           ("pwrite", "*/m.jsonl.ledger*", (errno.ENOSPC,), stopped, "from"),
                           ("fdatasync", "*/m.jsonl.ledger*", (errno.EIO,), stopped),
                           ("ftruncate", "*/m.jsonl.ledger*", (errno.EIO,), stopped),
                           ("unlink", "*/m.jsonl.ledger*", (errno.EIO,), stopped),
                           ("fcntl", "*/m.jsonl.ledger*", (errno.EIO,), stopped))

    # regression: a ledger that the disk does not give is not called damaged alone, which it need not be.
    def test_reason_of_an_unreadable_ledger(self):
        with faulty() as server:
            self.fail_each(server, ("pread", "*/m.jsonl.ledger*", (errno.EIO,), {SUCCESS, REFUSED, FATAL}), says="disk")

    # A manifest that cannot be written ends the run with its reason; the ledger knows what is done, and the next run says it.
    def test_manifest(self):
        with faulty() as server:
            self.fail_each(server,
                           ("open", "*m.jsonl", (errno.EACCES,), {REFUSED}),
                           ("stat", "*m.jsonl", (errno.EIO,), {SUCCESS, REFUSED}),
                           ("fstat", "*m.jsonl", (errno.EIO,), {SUCCESS}),
                           ("write", "*m.jsonl", (errno.EIO,), {FATAL}),
                           ("write", "*m.jsonl", (SHORT,), {SUCCESS}),
                           ("write", "*m.jsonl", (errno.ENOSPC,), {FATAL}, "from"))

    # The same where an earlier run has left a ledger and a manifest: neither is given up, and nothing of them is lost.
    def test_of_a_resumed_run(self):
        stopped = {SUCCESS, REFUSED, FATAL}
        begun = self.folder / "begun"
        begun.mkdir()
        with faulty() as server:
            half = self.run_once(server, begun, "log", self.files / "below")
            self.assertEqual(half.code, SUCCESS, half.err)
            (begun / "log").unlink()
            self.fail_each(server,
                           ("open", "*m.jsonl*", (errno.EMFILE,), stopped),
                           ("stat", "*m.jsonl*", (errno.EIO,), stopped),
                           ("fstat", "*m.jsonl*", (errno.EIO,), stopped),
                           ("pread", "*m.jsonl*", (errno.EIO,), stopped),
                           ("pwrite", "*m.jsonl*", (errno.EIO,), stopped),
                           ("fdatasync", "*m.jsonl*", (errno.EIO,), stopped),
                           ("ftruncate", "*m.jsonl*", (errno.EIO,), stopped),
                           ("write", "*m.jsonl*", (errno.ENOSPC,), stopped),
                           ("rename", "*m.jsonl*", (errno.EIO,), stopped),
                           begun=begun)

    def server_loop(self, call, of, error):
        for n in itertools.count(1):
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                folder = pathlib.Path(folder)
                trouble = clean_environment(**preloaded(call, of, n, error, "once", folder / "report"))
                try:
                    with Server("--digest", "sha256", env=trouble) as server:
                        run = self.run_once(server, folder, "log", self.files / "below")
                        self.check_first(server, run, {SUCCESS}, self.files / "below")
                    if not (folder / "report").exists():
                        return n - 1
                except AssertionError as e:
                    raise AssertionError(f"{call} of the server {errno.errorcode[error]} {n}: {e}") from e

    # A server that cannot accept, answer or store costs tries and no file.
    def test_of_the_server(self):
        cases = (("accept", "socket:*", errno.EMFILE), ("accept", "socket:*", errno.ECONNABORTED),
                 ("read", "socket:*", errno.ECONNRESET), ("write", "socket:*", errno.ECONNRESET),  # through OpenSSL
                 ("openat", "*/aside/[0-9]*", errno.EMFILE), ("write", "*/aside/*", errno.ENOSPC))
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as together:
            for case, calls in zip(cases, together.map(lambda case: self.server_loop(*case), cases)):
                self.assertGreater(calls, 0, case)

    # What every run needs and cannot have at its start ends it with a reason. (regression: without a thread for its intake a
    # run waited for ever.)
    def test_beginnings(self):
        with faulty() as server:
            self.fail_each(server,
                           ("epoll_create1", "", (errno.EMFILE, errno.ENOMEM), {SUCCESS, REFUSED, FATAL}),
                           ("timerfd_create", "", (errno.EMFILE,), {SUCCESS, REFUSED, FATAL}),
                           ("eventfd", "", (errno.EMFILE,), {SUCCESS, REFUSED, FATAL}),
                           ("signalfd", "", (errno.EMFILE,), {SUCCESS, REFUSED, FATAL}))
            self.fail_each(server, ("pthread_create", "", (errno.EAGAIN,), {SUCCESS, REFUSED, FATAL}), says="thread")


if __name__ == "__main__":
    main()
