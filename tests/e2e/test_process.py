"""How the process ends: signals of every kind, a second one whatever hangs, files that may not grow, memory that cannot be
had, descriptors that were closed."""

import os
import pathlib
import resource
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403
from hoist_test import Command, DEADLINE, PATIENCE, SANITIZED  # noqa: E402
from faults import faulty  # noqa: E402

LIBRARY = os.environ.get("HOIST_FAIL_NTH", "build/tests/support/fail_nth_call.so")
SYNCS_OF_AN_OPENING = 20  # at most, of a ledger that is new
WITHIN = 1.0 * PATIENCE  # seconds from the second signal to the end

# Sent to end a process; a fault's signal (SIGSEGV ...) counts as well when another process sends it.
ENDING = [getattr(signal, "SIG" + name) for name in
          "HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 ALRM TERM XCPU VTALRM PROF IO PWR SYS".split()]
ENDING += [16, signal.SIGRTMIN, signal.SIGRTMIN + 5, signal.SIGRTMAX]  # 16: SIGSTKFLT
FAULTS = {signal.SIGILL, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS}


def ignoring(*signals):
    """For a child: started with these ignored, as by nohup or as the job of a script."""
    return lambda: [signal.signal(s, signal.SIG_IGN) for s in signals]


def slow(call, of="*", at=1):
    return {"LD_PRELOAD": LIBRARY, "NTH_CALL": call, "NTH_OF": of, "NTH_AT": str(at), "NTH_ON": "from", "NTH_TAKES": "300"}


class ProcessCase(TestCase):
    def setUp(self):
        super().setUp()
        self.manifest = self.folder / "m.jsonl"

    def ended(self, run, since, code):
        _, err = run.communicate(timeout=DEADLINE)
        seconds = time.monotonic() - since
        self.assertEqual(run.returncode, code, err)
        return seconds, err.decode(errors="replace")

    def check_file(self, server, status):
        """FILE after a run that was stopped: a row for each settled file, and one summary, which is last."""
        rows = read_rows(self.manifest)
        self.assertEqual([r["type"] for r in rows].count("summary"), 1)
        self.assertEqual((rows[-1]["type"], rows[-1]["complete"], rows[-1]["exit_code"]), ("summary", False, status))
        paths = [path_of(r) for r in results(rows)]
        self.assertEqual(len(set(paths)), len(paths))
        self.check_settled(server, results(rows))
        return rows

    def send_twice(self, run, number=signal.SIGTERM):
        """The second one when the first has been told. Returns when that was."""
        run.send_signal(number)
        seen = b""
        while b"stopping" not in seen:
            line = run.stderr.readline()
            self.assertTrue(line, "it ended: %r" % seen)
            seen += line
        since = time.monotonic()
        run.send_signal(number)
        return since


class First(ProcessCase):
    # Every signal that can be caught and would end the process stops a run as SIGTERM does: what is in flight finishes, and
    # FILE is put right.
    def test_every_signal(self):
        folder = self.make_files(300)
        for number in ENDING:
            if SANITIZED and number in FAULTS:
                continue  # the sanitizer's
            with self.subTest(signal=number), faulty(options=("--put-delay", "50ms")) as server:
                run = start_hoist("upload", *server.access(), "-j", "4", "-L", str(self.manifest), "--ledger",
                                  str(self.folder / f"{number}.ledger"), "--overwrite", str(folder))
                wait_for(lambda: server.metric("puts_total") >= 8, "8 PUTs")
                run.send_signal(number)
                self.ended(run, time.monotonic(), 128 + number)
                rows = self.check_file(server, 128 + number)
                self.assertGreater(rows[-1]["done"], 0)
                self.assertEqual(server.metric("puts_total"), rows[-1]["done"], "nothing was cut off")
                if number == signal.SIGHUP:
                    self.assertEqual(rows[-1]["stopped_by"], "SIGHUP")

    # The same command goes on after any of them.
    def test_goes_on(self):
        folder = self.make_files(60)
        with faulty(options=("--put-delay", "30ms")) as server:
            run = start_hoist("upload", *server.access(), "-j", "4", "-L", str(self.manifest), str(folder))
            wait_for(lambda: server.metric("puts_total") >= 8, "8 PUTs")
            run.send_signal(signal.SIGHUP)
            self.ended(run, time.monotonic(), 129)
            again = hoist("upload", *server.access(), "-L", str(self.manifest), str(folder))
            self.assertEqual(again.code, 0, again.err)
            self.assertEqual((len(read_rows(self.manifest)), server.metric("puts_total")), (61, 60))

    # Under nohup a terminal that closes is no reason to end; and what was ignored otherwise stays so.
    def test_ignored(self):
        folder = self.make_files(60)
        ignored = (signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM)
        with faulty(options=("--put-delay", "30ms")) as server:
            run = start_hoist("upload", *server.access(), "-j", "4", "-L", str(self.manifest), str(folder),
                              preexec_fn=ignoring(*ignored))
            wait_for(lambda: server.metric("puts_total") >= 8, "8 PUTs")
            for number in ignored:
                run.send_signal(number)
            self.ended(run, time.monotonic(), 0)
            self.assertTrue(read_rows(self.manifest)[-1]["complete"])

    # A script's job in the background ignores the Ctrl-C of the terminal, but not a signal that somebody sends it.
    def test_of_a_script(self):
        folder = self.make_files(60)
        with faulty(options=("--put-delay", "50ms")) as server:
            run = start_hoist("upload", *server.access(), "-j", "4", "-L", str(self.manifest), str(folder),
                              preexec_fn=ignoring(signal.SIGINT, signal.SIGQUIT))
            wait_for(lambda: server.metric("puts_total") >= 8, "8 PUTs")
            run.send_signal(signal.SIGINT)
            self.ended(run, time.monotonic(), 130)
            self.check_file(server, 130)

    # A run that was stopped (Ctrl-Z) and continued goes on.
    def test_stopped_and_continued(self):
        folder = self.make_files(40)
        with faulty(options=("--put-delay", "30ms")) as server:
            run = start_hoist("upload", *server.access(), "-j", "4", "-L", str(self.manifest), str(folder))
            wait_for(lambda: server.metric("puts_total") >= 8, "8 PUTs")
            run.send_signal(signal.SIGTSTP)
            run.send_signal(signal.SIGCONT)
            self.ended(run, time.monotonic(), 0)
            self.assertTrue(read_rows(self.manifest)[-1]["complete"])

    # timeout(1) signals its child twice at once: that is the first signal.
    def test_timeout(self):
        folder = self.make_files(2000)
        with faulty(options=("--put-delay", "300ms")) as server:
            env = clean_environment()
            subprocess.run(["timeout", "2", BIN / "hoist", "upload", *server.access(), "-j", "8", "-L", str(self.manifest),
                            str(folder)], env=env, capture_output=True, timeout=DEADLINE)
            rows = self.check_file(server, 143)
            self.assertEqual(server.metric("puts_total"), rows[-1]["done"], "what was in flight finished")

    # While a list is waited for there is nothing in flight.
    def test_waiting_for_a_list(self):
        with faulty() as server:
            run = Command(["upload", *server.access(), "-L", str(self.manifest), "-"], stdin=subprocess.PIPE)
            wait_for(self.manifest.exists, "the manifest")
            since = time.monotonic()
            run.send_signal(signal.SIGQUIT)
            run.wait(timeout=DEADLINE)
            self.assertLess(time.monotonic() - since, 2 * PATIENCE)
            run.stdin.close()
            run.stdin = None
            self.ended(run, since, 131)
            self.check_file(server, 131)

    # A rehearsal and a deletion end by it as well.
    def test_other_commands(self):
        run = Command(["upload", "--dry-run", "-"], stdin=subprocess.PIPE)
        run.stdin.write(b"/dev/null\n")
        run.stdin.flush()
        self.assertTrue(run.stdout.readline())
        run.send_signal(signal.SIGHUP)
        self.assertEqual(run.wait(timeout=DEADLINE), 129)
        run.stdin.close()
        run.stdin = None
        run.communicate()
        with Server("--fault", "delete:stall-60s") as server:
            run = Command(["delete", *server.access(), "2b5c0d29-0a9e-4d3e-8f0c-0d8a1c2b3d4e"], stdin=subprocess.DEVNULL)
            wait_for(lambda: server.metrics().get('faults_total{fault="delete:stall-60s"}', 0) > 0, "deletion begun")
            since = self.send_twice(run, signal.SIGHUP)
            seconds, _ = self.ended(run, since, 129)
            self.assertLess(seconds, WITHIN)


class Second(ProcessCase):
    def check_in_time(self, run, number=signal.SIGTERM):
        since = self.send_twice(run, number)
        seconds, err = self.ended(run, since, 128 + number)
        self.assertLess(seconds, WITHIN, err)

    # A source that never answers.
    def test_a_list(self):
        with faulty() as server:
            fifo = self.folder / "list"
            os.mkfifo(fifo)
            held = os.open(fifo, os.O_RDWR)
            self.addCleanup(os.close, held)
            run = start_hoist("upload", *server.access(), "-L", str(self.manifest), "--files-from", str(fifo))
            wait_for(self.manifest.exists, "the manifest")
            run.send_signal(signal.SIGTERM)
            self.ended(run, time.monotonic(), 143)
            self.check_file(server, 143)

    # A storage that stalls.
    def test_a_storage(self):
        folder = self.make_files(50)
        with faulty(options=("--put-delay", "60s")) as server:
            run = start_hoist("upload", *server.access(), "-j", "8", "-L", str(self.manifest), str(folder))
            wait_for(lambda: server.metric("presigns_total") >= 8, "8 presigns")
            self.check_in_time(run)
            self.check_file(server, 143)

    # A reader of the rows that does not read.
    def test_a_reader(self):
        folder = self.make_files(3000)
        with faulty() as server:
            run = start_hoist("upload", *server.access(), str(folder))
            done = lambda: server.metric("puts_total")
            before = -1
            while before != done():  # until the pipe is full, and then the intake's window
                before = done()
                select.select([], [], [], 1)
            since = self.send_twice(run)
            run.wait(timeout=DEADLINE)  # nobody reads its stdout meanwhile
            self.assertLess(time.monotonic() - since, WITHIN)
            self.ended(run, since, 143)

    # A reader of the messages that does not read.
    def test_a_reader_of_messages(self):
        folder = self.make_files(50)
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(writing, True)
        with faulty(options=("--put-delay", "60s")) as server:
            run = subprocess.Popen([BIN / "hoist", "upload", *server.access(), "-L", str(self.manifest), str(folder)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writing, env=clean_environment())
            os.close(writing)
            self.addCleanup(run.kill)
            wait_for(lambda: server.metric("presigns_total") >= 8, "8 presigns")
            run.send_signal(signal.SIGTERM)
            select.select([], [], [], 0.3)
            since = time.monotonic()
            run.send_signal(signal.SIGTERM)
            self.assertEqual(run.wait(timeout=DEADLINE), 143)
            self.assertLess(time.monotonic() - since, WITHIN)

    def check_hanging(self, server, paths, reached, *options, **env):
        run = start_hoist("upload", *options, "-L", str(self.manifest), *paths, env=clean_environment(
            NTH_REPORT=str(self.folder / "report"), **env))
        wait_for((self.folder / "report").exists, reached)
        self.check_in_time(run, signal.SIGINT)
        return self.check_file(server, 130)

    # A name service that never answers.
    def test_a_name(self):
        folder = self.make_files(3)
        with faulty() as server:
            access = [word.replace("127.0.0.1", "localhost") for word in server.access()]
            self.check_hanging(server, [str(folder)], "the look-up", *access, **slow("getaddrinfo", of=""))

    # A disk that never answers, under a file, under a folder.
    def test_a_disk(self):
        folder = self.make_files(40)
        with faulty() as server:
            self.check_hanging(server, [str(folder)], "the read", *server.access(), **slow("pread", "*.png", at=20))

    def test_a_walk(self):
        folder = self.make_files(40)
        with faulty() as server:
            self.check_hanging(server, [str(folder)], "the walk", *server.access(), **slow("readdir", "*/files", at=20))

    # A disk that never answers under the ledger: what is not known to be recorded has no row.
    def test_the_ledger(self):
        folder = self.make_files(400)
        with faulty(options=("--put-delay", "20ms")) as server:
            self.check_hanging(server, [str(folder)], "the sync", *server.access(), "-j", "4", "--ledger", str(self.folder / "l"),
                               **slow("fdatasync", "*/l*", at=SYNCS_OF_AN_OPENING + 3))

    # A disk that never answers under the manifest: nothing can be written there, and the process ends all the same.
    def test_the_manifest(self):
        folder = self.make_files(40)
        with faulty() as server:
            run = start_hoist("upload", *server.access(), "-L", str(self.manifest), str(folder), env=clean_environment(
                NTH_REPORT=str(self.folder / "report"), **slow("write", "*/m.jsonl")))
            wait_for((self.folder / "report").exists, "the write")
            self.check_in_time(run)

    # A ledger that hangs while it is opened: nothing is begun, and the first signal waits for it in vain.
    def test_an_opening(self):
        folder = self.make_files(3)
        with faulty() as server:
            run = start_hoist("upload", *server.access(), "--ledger", str(self.folder / "l"), str(folder),
                              env=clean_environment(NTH_REPORT=str(self.folder / "report"), **slow("fdatasync", "*/l*")))
            wait_for((self.folder / "report").exists, "the opening")
            run.send_signal(signal.SIGTERM)
            select.select([], [], [], 0.3)
            since = time.monotonic()
            run.send_signal(signal.SIGTERM)
            seconds, err = self.ended(run, since, 143)
            self.assertLess(seconds, WITHIN, err)


def file_limit(count):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (count, count))


class FileSize(ProcessCase):
    def upload(self, server, folder, limit, *options, **more):
        # Its log at trace level would be the first file to meet the limit.
        return hoist("upload", *server.access(), *options, str(folder), preexec_fn=file_limit(limit),
                     env=clean_environment(HOIST_LOG_FILE=""), **more)

    def check_stopped(self, server, run, rows):
        self.assertEqual(run.code, 4, run.err)
        self.assertRegex(run.err, "(?m)^hoist: error: .*(may not grow|File too large)")
        self.assertEqual((rows[-1]["type"], rows[-1]["complete"], rows[-1]["exit_code"]), ("summary", False, 4))
        self.check_settled(server, results(rows))

    def check_goes_on(self, server, folder, rows, *options):
        """What was told stays so, without another PUT for it."""
        told = {path_of(r): r["public_url"] for r in results(rows) if r["status"] == "done"}
        before = server.metric("puts_total")
        again = hoist("upload", *server.access(), *options, str(folder))
        self.assertEqual(again.code, 0, again.err)
        now = {path_of(r): r["public_url"] for r in results(read_rows(self.manifest) if "-L" in options else again.rows)}
        self.assertEqual({p: now[p] for p in told}, told)
        self.assertLessEqual(server.metric("puts_total") - before, len(now) - len(told))

    # `ulimit -f` met by the ledger: as a full disk.
    def test_the_ledger(self):
        folder = self.make_files(1500)
        with faulty() as server:
            for limit in (60_000, 200_000):
                with self.subTest(limit=limit):
                    options = ("--ledger", str(self.folder / f"{limit}.ledger"))
                    run = self.upload(server, folder, limit, *options)
                    self.check_stopped(server, run, run.rows)
                    self.check_goes_on(server, folder, run.rows, *options)

    # A ledger that cannot even be made is refused with the reason.
    def test_an_opening(self):
        folder = self.make_files(3)
        with faulty() as server:
            run = self.upload(server, folder, 8192, "--ledger", str(self.folder / "l"))
            self.assertIn(run.code, (2, 4), run.err)
            self.assertIn("may not grow", run.err)

    # Met by stdout.
    def test_stdout(self):
        folder = self.make_files(300)
        with faulty() as server, open(self.folder / "out", "wb") as out:
            with subprocess.Popen([BIN / "hoist", "upload", *server.access(), "--no-resume", str(folder)], stdout=out,
                                  stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=file_limit(30_000),
                                  env=clean_environment(HOIST_LOG_FILE="")) as run:
                _, err = run.communicate(timeout=DEADLINE)
            self.assertEqual(run.returncode, 4, err)
            self.assertIn(b"File too large", err)
            rows = read_rows(self.folder / "out")
            self.assertEqual((rows[-1]["type"], rows[-1]["exit_code"]), ("summary", 4))
            self.check_settled(server, results(rows))

    # A log that cannot be written ends the run as well: whoever asked for one counts on it.
    def test_the_log(self):
        folder = self.make_files(300)
        with faulty() as server, open(self.folder / "out.jsonl", "wb") as out:
            # Not by a helper: those read the log, and /dev/full has no end. The file that is missing is logged at once.
            with subprocess.Popen([BIN / "hoist", "upload", *server.access(), "--no-resume", str(self.folder / "missing"), str(folder)],
                                  stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                  env=clean_environment(HOIST_LOG_FILE="/dev/full")) as run:
                _, err = run.communicate(timeout=DEADLINE)
            self.assertEqual(run.returncode, 4, err)
            self.assertIn(b"the log file cannot be written: No space left on device", err)
            rows = read_rows(self.folder / "out.jsonl")
            self.assertEqual((rows[-1]["type"], rows[-1]["stopped_by"]), ("summary", "log_failed"))
            self.check_settled(server, [r for r in results(rows) if r["status"] == "done"])


@unittest.skipIf(SANITIZED, "a sanitizer's shadow is larger than any of these limits")
class Memory(ProcessCase):
    # With as little memory as a machine may allow a process, a run is done, or ends with what it lacks: never by an abort.
    def test_address_space(self):
        folder = self.make_files(300)
        ends = set()
        for kib in (200_000, 100_000, 80_000, 60_000, 40_000, 34_000, 30_000, 28_000, 27_000, 26_000, 25_000, 24_000):
            with self.subTest(kib=kib), faulty() as server:
                limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (kib << 10, kib << 10))
                ledger = str(self.folder / f"{kib}.ledger")
                run = hoist("upload", *server.access(), "--ledger", ledger, str(folder), preexec_fn=limit)
                if run.code == 127:
                    continue  # the loader itself found no room
                self.assertIn(run.code, (0, 4), run.err)
                ends.add(run.code)
                if run.code == 0:
                    self.check_account(server, folder, run)
                    continue
                self.assertRegex(run.err, "out of memory|thread|Cannot allocate memory|Resource temporarily unavailable")
                if run.out:  # it had begun
                    self.check_settled(server, results(run.rows))
                if run.out and kib >= 40_000:  # with less there may not even be room for a summary
                    self.assertEqual((run.rows[-1]["type"], run.rows[-1]["complete"]), ("summary", False))
                again = hoist("upload", *server.access(), "--ledger", ledger, str(folder))
                self.assertEqual(again.code, 0, again.err)
        self.assertIn(0, ends)

    # What is usual for a job of a batch system is enough.
    def test_enough(self):
        folder = self.make_files(500, size=20_000)
        with faulty() as server:
            for kib in (200_000, 100_000):
                limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (kib << 10, kib << 10))
                run = hoist("upload", *server.access(), "--no-resume", "-j", "16", str(folder), preexec_fn=limit)
                self.assertEqual(run.code, 0, run.err)


class Descriptors(ProcessCase):
    # No file of ours takes the place of a standard stream that was closed.
    def test_closed(self):
        folder = self.make_files(20)
        for closed in ((0,), (1,), (2,), (0, 1, 2)):
            with self.subTest(closed=closed), faulty() as server:
                manifest = self.folder / f"{len(closed)}{closed[0]}.jsonl"
                command = [BIN / "hoist", "upload", *server.access(), "-L", str(manifest), str(folder)]
                run = subprocess.run(command, env=clean_environment(), timeout=DEADLINE,
                                     preexec_fn=lambda: [os.close(fd) for fd in closed])
                self.assertEqual(run.returncode, 0)
                rows = read_rows(manifest)  # nothing but rows in it
                self.assertEqual((len(rows), rows[-1]["done"]), (21, 20))
                self.check_settled(server, results(rows))


if __name__ == "__main__":
    main()
