"""Faults by name that pass: in the end every file is done, whatever hoist-server did on the way.

The gate of each case is `check_account`: every file done or failed with a reason, what is done is stored with its bytes
under the id of its row, and the exit code tells which. Tests that mostly wait are begun together, by `setUpModule`.
"""

import concurrent.futures
import email.utils
import json
import pathlib
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from faults import FaultTestCase, Waiting, faulty  # noqa: E402
from hoist_test import *  # noqa: E402,F403
from independent_server import Independent  # noqa: E402


waiting = {}


def setUpModule():
    # SlowDown has a base of a second, so that a file that meets eight in a row waits for a minute: fewer files than below.
    waiting["half SlowDown"] = Waiting(40, "put:return-503=50%")
    waiting["half of all"] = Waiting(300, "presign:return-503=50%", "put:return-500=50%")
    # Silence at each stage: of a fresh connection, of both calls, and within a body that no buffer holds.
    waiting["silence"] = Waiting(12, "connection:stall-300s=first-1", "presign:stall-300s=first-1",
                                 "put:stall-300s-after-64KiB=first-1", "put:stall-300s=first-2",  # the second alone: the first has met the one before
                                 size=8_000_000,
                                 options=["-j", "6", "--threads", "1"])
    unittest.addModuleCleanup(lambda: [each.end() for each in waiting.values()])


class Mixed(FaultTestCase):
    # One per cent of each of many faults over thousands of files: nothing fails, nothing is lost, nothing is sent for
    # nothing but what the faults ate.
    def test_one_per_cent_of_everything(self):
        faults = ["connection:reset=1%", "connection:close=1%", "connection:stall-100ms=1%"]
        faults += [f"presign:{f}=1%" for f in ("return-500", "return-503", "reset", "close", "lose-answer", "stall-200ms",
                                               "garbage-answer", "html-answer", "fragment-answer")]
        faults += [f"put:{f}=1%" for f in ("return-500", "return-502", "return-504", "return-408", "early-500", "early-503",
                                           "reset", "reset-after-1", "reset-after-1KiB", "close", "close-after-1KiB",
                                           "return-500-after-1KiB", "stall-200ms", "stall-200ms-after-1KiB", "lose-answer",
                                           "garbage-answer", "html-answer", "fragment-answer", "no-etag", "opaque-etag")]
        folder = self.make_files(3000, size=2000)
        with faulty(*faults) as server:
            run = self.upload(server, folder)
            rows = self.check_account(server, folder, run)
            self.assertEqual(len(rows["done"]), 3000)
            injected = self.injected(server)
            self.assertEqual(len(injected), len(faults), "each fault was met")
            summary = run.rows[-1]
            self.assertLess(summary["puts"], 3000 + 1.2 * sum(injected.values()))


class Passing(FaultTestCase):
    """What passes: the first few requests meet it, and every file is done in the end."""

    faults = {
        "answers": ["put:return-500", "put:return-503", "put:return-408", "put:return-409", "put:return-507",
                    "put:return-400", "put:return-429", "presign:return-500", "presign:return-503", "presign:return-429"],
        "broken connections": ["put:reset", "put:reset-after-0", "put:reset-after-1", "put:reset-after-64KiB",
                               "put:reset-after-149999", "put:reset-after-150000", "put:close",
                               "put:close-after-0", "put:close-after-64KiB", "presign:reset", "presign:close",
                               "presign:lose-answer", "connection:reset", "connection:close", "connection:stall-200ms"],
        "errors within the body": ["put:return-500-after-0", "put:return-503-after-64KiB", "put:early-500",
                                   "put:early-503", "put:stall-200ms", "put:stall-200ms-after-64KiB",
                                   "presign:stall-200ms"],
        "no HTTP": ["put:garbage-answer", "put:html-answer", "put:huge-answer", "put:flood-1xx", "put:fragment-answer",
                    "presign:garbage-answer", "presign:html-answer", "presign:huge-answer", "presign:flood-1xx",
                    "presign:fragment-answer"],
        "odd but harmless": ["put:no-etag", "put:opaque-etag", "put:corrupt-etag", "put:no-continue", "presign:no-date",
                             "presign:expires-missing", "presign:expires-garbage", "presign:expires-no-zone",
                             "presign:header-content-type"],
    }

    def passes(self, group):
        folder = self.make_files(16, size=150_000)
        for fault in self.faults[group]:
            with self.subTest(fault), faulty(fault + "=first-5") as server:
                # One at a time: what waits in line behind a failed presign is rightly asked for again (e2e_pipelining).
                run = self.upload(server, folder, "--presign-depth", "1")
                self.assertEqual(len(self.check_account(server, folder, run)["done"]), 16)
                self.assertEqual(sum(self.injected(server).values()), 5)
                # Tickets are kept over a failed PUT, and made again for a failed presign only.
                self.assertLessEqual(run.rows[-1]["presigns"], 16 + 5)
                self.assertLessEqual(run.rows[-1]["puts"], 16 + 5)

    def test_answers(self):
        self.passes("answers")

    def test_broken_connections(self):
        self.passes("broken connections")

    def test_errors_within_the_body(self):
        self.passes("errors within the body")

    def test_no_http(self):
        self.passes("no HTTP")

    def test_odd_but_harmless(self):
        self.passes("odd but harmless")

    # A server that ends each connection after a few requests, or after a moment of idleness, costs connections only.
    def test_connections_that_end(self):
        folder = self.make_files(400)
        for options in (("--max-requests", "1"), ("--max-requests", "7"), ("--idle-timeout", "5ms", "--put-delay", "5ms")):
            with self.subTest(options), faulty(options=options) as server:
                run = self.upload(server, folder)
                self.assertEqual(len(self.check_account(server, folder, run)["done"]), 400)
                self.assertEqual(server.metric("puts_total"), 400)


class RetryAfter(FaultTestCase):
    def wait_between_tries(self, folder, status, value, call):
        """Between two PUTs (or presigns) of a file, of which the first was answered `status` with this Retry-After."""
        seen = []

        def once(server, handler, argument):
            seen.append(time.monotonic())
            if len(seen) > 1:
                return argument if call == "presign" else None
            if call == "put":
                handler.body()
            handler.answer(status, b"", {"Retry-After": value()})
            return None if call == "presign" else "answered"

        with Independent(**{call: once}) as server:
            run = hoist("upload", "--endpoint", server.endpoint, str(folder), env=clean_environment(HOIST_API_KEY=server.key))
            self.assertEqual((run.code, len(seen)), (0, 2), run.err)
        return seen[1] - seen[0]

    # Both forms are waited for; what lies in the past or is none is not. (A throttle alone waits up to a second;
    # "5, 7" is none, and not five seconds.)
    def test_forms(self):
        def date(seconds):
            return lambda: email.utils.formatdate(time.time() + seconds, usegmt=True)

        cases = (("seconds", 429, lambda: "1", "presign", 1.0, 4.5),
                 ("seconds", 503, lambda: "1", "put", 1.0, 4.5),
                 ("a date", 503, date(2), "put", 1.0, 4.5),  # dates are whole seconds
                 ("a past date", 429, date(-3600), "put", 0, 4.5),
                 ("negative", 503, lambda: "-1", "put", 0, 4.5),
                 ("junk", 429, lambda: "soon", "presign", 0, 4.5),
                 ("two values", 503, lambda: "5, 7", "put", 0, 4.5))
        folder = self.make_files(1)
        # At the same time, since each does nothing but wait.
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as together:
            waits = together.map(lambda case: self.wait_between_tries(folder, *case[1:4]), cases)
            for (name, status, _, call, least, most), waited in zip(cases, waits):
                with self.subTest(name, status=status, call=call):
                    self.assertGreaterEqual(waited, least)
                    self.assertLess(waited, most * PATIENCE)

    # A wait of days parks its file; the others go on, and a signal ends the waiting.
    def test_days(self):
        folder = self.make_files(40)
        with faulty("put:return-503=first-1", "put:retry-after=999999") as server:
            running = start_hoist("upload", *server.access(), str(folder))
            wait_for(lambda: server.metric("puts_total") == 39, "all files but one")
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=DEADLINE)
            summary = json.loads(out.splitlines()[-1])
            self.assertEqual((running.returncode, summary["done"], summary["unsettled"]), (130, 39, 1), err)
            self.assertEqual(server.metric("puts_total"), 39)

    # Throttled above a rate, both calls: nothing fails.
    def test_throttled(self):
        folder = self.make_files(90)
        with faulty("put:throttle-above=100/s", "presign:throttle-above=100/s", "put:retry-after=1s") as server:
            run = self.upload(server, folder)
            self.assertEqual(len(self.check_account(server, folder, run)["done"]), 90)


class Stalled(FaultTestCase):
    # PUTs that are not answered for a while hold up their slots and nothing else. (Two of six: each of two threads has
    # three slots and files of its own, so that three could be all of one thread's.)
    def test_others_go_on(self):
        folder = self.make_files(200)
        released = threading.Event()
        held = []

        def hold_two(server, handler, id):
            with server.lock:
                holding = len(held) < 2
                held.extend([id] if holding else [])
            if holding:
                released.wait(30)

        with Independent(put=hold_two) as server:
            command = start_hoist("upload", "--endpoint", server.endpoint, "-j", "6", "--threads", "2", str(folder),
                                  env=clean_environment(HOIST_API_KEY=server.key))
            try:
                wait_for(lambda: len(server.objects) == 198, "198 files stored while two are held")
            finally:
                released.set()
            out, err = command.communicate(timeout=DEADLINE)
            self.assertEqual((command.returncode, len(server.objects)), (0, 200), err)


class ZWaiting(FaultTestCase):
    """Last, as the name sorts: by now most of the waiting is over."""

    # When half of all PUTs are told to slow down, every file is done: an empty budget parks files, it does not fail them.
    def test_half_of_puts_slow_down(self):
        run = waiting["half SlowDown"].result()
        rows = self.check_account(waiting["half SlowDown"].server, waiting["half SlowDown"].files, run)
        self.assertEqual(len(rows["done"]), 40)

    # When half of the answers are errors, in both calls, every file is done.
    def test_half_of_answers_are_errors(self):
        run = waiting["half of all"].result()
        rows = self.check_account(waiting["half of all"].server, waiting["half of all"].files, run)
        self.assertEqual(len(rows["done"]), 300)


    # A peer that says nothing more is given up after half a minute, whatever stage it is silent in; the file is tried
    # again and done, and the other files did not wait.
    def test_silence(self):
        run = waiting["silence"].result()
        rows = self.check_account(waiting["silence"].server, waiting["silence"].files, run)["done"]
        self.assertEqual((len(rows), sum(self.injected(waiting["silence"].server).values())), (12, 4))
        self.assertGreater(run.rows[-1]["seconds"], 25)
        self.assertLess(run.rows[-1]["seconds"], 50 * PATIENCE)
        self.assertEqual([row["attempts"] for row in rows[:8]], [1] * 8)


if __name__ == "__main__":
    main()
