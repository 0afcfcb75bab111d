"""`hoist bench` against `hoist-server`: what it says, and that nothing is left of what it made."""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403

SMALL = ["--size", "4KiB", "--count", "40", "-j", "2,4"]


class BenchCase(TestCase):
    def bench(self, server, *options, **more):
        return hoist("bench", *server.access(), *options, cwd=self.folder, **more)

    def left(self):
        """The ids in the file that is made when something is left."""
        file = self.folder / "hoist-bench-left.ids"
        return sorted(file.read_text().split()) if file.exists() else None

    def rows_of(self, run):
        by_type = {"cell": [], "knee": [], "summary": []}
        for row in run.rows:
            self.assertEqual(row["v"], 1)
            by_type[row["type"]].append(row)
        return by_type


class Measured(BenchCase):
    # Each size and concurrency is measured with real objects, the knee is named, and nothing is left.
    def test_json(self):
        with Server("--presign-delay", "5ms", "--put-delay", "10ms") as server:
            run = self.bench(server, "--size", "4KiB,64KiB", "-j", "1,4", "--count", "60", "--format", "json")
            self.assertEqual(run.code, 0, run.err)
            rows = self.rows_of(run)
            self.assertEqual([(c["size"], c["concurrency"]) for c in rows["cell"]],
                             [(4096, 1), (4096, 4), (65536, 1), (65536, 4)])
            for cell in rows["cell"]:
                self.assertGreaterEqual(cell["put_us"]["p50"], 10_000)
                self.assertGreaterEqual(cell["presign_us"]["p50"], 5_000)
                self.assertLess(cell["objects"], cell["all_objects"], "the warm-up is not counted")
                # Between two objects of one place there are 10 ms, and each place may have one at the edge.
                most = cell["concurrency"] * cell["seconds"] / 0.010 + cell["concurrency"]
                self.assertLessEqual(cell["objects"], most, "no more than the delay allows")
                self.assertGreater(cell["cpu_us_per_object"], 0)
            for knee in rows["knee"]:
                rates = {c["concurrency"]: c["objects_per_second"] for c in rows["cell"] if c["size"] == knee["size"]}
                self.assertEqual(knee["concurrency"], min(c for c, rate in rates.items() if rate * 1.1 >= max(rates.values())))
            summary = rows["summary"][0]
            self.assertEqual((summary["made"], summary["deleted"], summary["left"]), (240, 240, 0))
            self.assertEqual(server.metric("puts_total"), 240)
            self.assertEqual(server.account(), {})
            self.assertIsNone(self.left())

    # For a person: tables on stdout that fit 80 columns, without escapes; the rest on stderr; the bound is told first.
    def test_text(self):
        with Server() as server:
            run = self.bench(server, *SMALL)
            self.assertEqual(run.code, 0, run.err)
            out = run.out.decode()
            self.assertNotIn("\x1b", out + run.err)
            self.assertNotIn("\r", out + run.err)
            self.assertLessEqual(max(map(len, out.splitlines())), 80)
            self.assertIn("at once", out)
            self.assertIn("From here:", out)
            self.assertRegex(run.err.splitlines()[0], r"sending at most 328 kB in 80 objects to .* then deleted")
            self.assertIn("deleted all", run.err)
            self.assertEqual(server.account(), {})

    # By itself it doubles until more brings no more: with a fixed delay it goes up, above a bandwidth it stops.
    def test_sweep(self):
        with Server("--put-delay", "20ms") as server:
            run = self.bench(server, "--size", "4KiB", "--duration", "1s", "--format", "json", "--max-objects", "400")
            self.assertEqual(run.code, 0, run.err)
            cells = self.rows_of(run)["cell"]
            self.assertEqual([c["concurrency"] for c in cells[:3]], [1, 2, 4])
            self.assertEqual(server.account(), {})

    # No more is sent than was said, however the sweep goes.
    def test_bounds(self):
        with Server("--put-delay", "20ms") as server:
            run = self.bench(server, "--size", "1KiB,32KiB", "--duration", "400ms", "--max-bytes", "4MB", "--max-objects", "200",
                             "--format", "json")
            self.assertEqual(run.code, 0, run.err)
            self.assertLessEqual(server.metric("puts_total"), 200)
            self.assertLessEqual(server.metric("put_bytes_total"), 4_000_000)
            run = self.bench(server, "--size", "1KiB", "--max-objects", "10", "--format", "json")
            self.assertEqual([k["ended_by"] for k in self.rows_of(run)["knee"]], ["budget"])
            self.assertLessEqual(server.metric("puts_total"), 210)

    # A storage that asks for less ends the sweep, and the knee is below.
    def test_throttled(self):
        with Server("--put-delay", "20ms", "--fault", "put:throttle-above=120/s") as server:
            run = self.bench(server, "--size", "1KiB", "--duration", "1s", "--format", "json")
            rows = self.rows_of(run)
            self.assertEqual(run.code, 0, run.err)
            knee = rows["knee"][0]
            self.assertEqual(knee["ended_by"], "throttled")
            last = rows["cell"][-1]
            self.assertGreater(last["puts_throttled"], 0)
            self.assertLess(knee["concurrency"], last["concurrency"])
            self.assertIn("asks for less", knee["limited_by"])
            self.assertEqual(server.account(), {})

    # An API that refuses everything for being too much is no hang: the first measurement ends it.
    def test_storm(self):
        with Server("--fault", "presign:return-429") as server:
            run = self.bench(server, "--size", "1KiB", "--duration", "2s", "--format", "json")
            rows = self.rows_of(run)
            self.assertEqual((len(rows["cell"]), rows["knee"][0]["concurrency"]), (1, None))
            self.assertEqual(rows["knee"][0]["ended_by"], "throttled")
            self.assertEqual(run.code, 0, run.err)


class Deleted(BenchCase):
    # --keep leaves the objects there, and their ids in a file that hoist delete takes.
    def test_keep(self):
        with Server() as server:
            run = self.bench(server, *SMALL, "--keep")
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(sorted(server.account()), self.left())
            self.assertEqual(len(self.left()), 80)
            gone = hoist("delete", *server.access(), "hoist-bench-left.ids", cwd=self.folder)
            self.assertEqual(gone.code, 0, gone.err)
            self.assertEqual(server.account(), {})

    # Ctrl-C ends the measuring and deletes what was made.
    def test_interrupt(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with Server("--put-delay", "20ms") as server:
                running = start_hoist("bench", *server.access(), "--size", "4KiB", "--duration", "1h", "-j", "8", cwd=self.folder)
                wait_for(lambda: server.metric("puts_total") > 20, "objects made")
                running.send_signal(number)
                _, err = running.communicate(timeout=DEADLINE)
                self.assertEqual(running.returncode, 128 + number, err)
                self.assertEqual(server.account(), {})
                self.assertIn(b"deleted all", err)
                self.assertIsNone(self.left())

    # A second one ends it at once; what remains is counted, and its ids are in the file.
    def test_second_interrupt(self):
        with Server("--fault", "delete:stall-60s") as server:
            running = start_hoist("bench", *server.access(), *SMALL, cwd=self.folder)
            wait_for(lambda: server.metrics().get('faults_total{fault="delete:stall-60s"}', 0) > 0, "deletion begun")
            running.send_signal(signal.SIGINT)
            running.send_signal(signal.SIGTERM)
            _, err = running.communicate(timeout=DEADLINE)
            self.assertIn(running.returncode, (130, 143), err)
            self.assertEqual(sorted(server.account()), self.left())
            self.assertIn(b"80 are still there", err)

    # What the API will not delete is listed, and the exit status tells.
    def test_refused(self):
        with Server("--fault", "delete:return-403=first-7") as server:
            run = self.bench(server, *SMALL, "--format", "json", "--left", "kept.ids")
            self.assertEqual(run.code, 1, run.err)
            summary = self.rows_of(run)["summary"][0]
            self.assertEqual((summary["deleted"], summary["left"]), (73, 7))
            left = (self.folder / "kept.ids").read_text().split()
            self.assertEqual(sorted(left), sorted(server.account()))

    # An API without deletion answers 404 to what it has: that is not taken for gone.
    def test_no_deletion(self):
        with Server("--fault", "delete:return-404") as server:
            run = self.bench(server, *SMALL)
            self.assertEqual(run.code, 1, run.err)
            self.assertEqual(sorted(server.account()), self.left())

    # Objects whose upload did not end well are found and deleted as well.
    def test_lost_answers(self):
        with Server("--fault", "put:lose-answer=20%", "--fault", "put:reset=5%", "--fault", "delete:return-503=20%") as server:
            run = self.bench(server, *SMALL, "--format", "json")
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(server.account(), {})


class Refused(BenchCase):
    # Errors are those of every other command.
    def test_statuses(self):
        with Server() as server:
            (self.folder / "wrong").write_text("wrong")
            trust = ["--cacert", server.cacert]
            cases = {
                "no key": (["--endpoint", server.endpoint], 2, "no API key"),
                "wrong key": (["--endpoint", server.endpoint, "--api-key-file", str(self.folder / "wrong"), *trust], 4, "401"),
                "untrusted": (["--endpoint", server.endpoint, "--api-key-file", server.key_file], 4, "--cacert"),
                "nobody there": (["--endpoint", "https://127.0.0.1:1", "--api-key-file", server.key_file], 4, "127.0.0.1:1"),
                "a size": ([*server.access(), "--size", "4XB"], 2, "--size"),
                "a file": ([*server.access(), "file"], 2, "takes no files"),
            }
            for name, (options, code, words) in cases.items():
                run = hoist("bench", *options, cwd=self.folder)
                self.assertEqual(run.code, code, name + run.err)
                self.assertIn(words, run.err, name)
            self.assertEqual(server.metric("puts_total"), 0)


if __name__ == "__main__":
    main()
