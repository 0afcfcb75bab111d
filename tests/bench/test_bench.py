"""The bench: its own arithmetic, what it refuses, and a tiny run of everything, so that none of it can rot."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("HOIST_BUILD", ROOT / "build"))
sys.path.insert(0, str(ROOT / "bench"))

from scenarios.cells import CELLS, Cell, Files, Variant  # noqa: E402
from scenarios.targets import MEASURES, TARGETS  # noqa: E402
from support import compare, contenders, correctness, measure, verdicts  # noqa: E402
from support.corpus import Corpus  # noqa: E402

LIMIT = 280  # seconds for a run of the runner


def runner(*arguments):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "bench")}
    command = [sys.executable, "-B", "-m", "support.bench", *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT)


def processes_that_mention(text):
    """Command lines of this machine's processes with `text` in them."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        if text in words:
            found.append(words)
    return found


def run_of(cpu, wall=1.0, files=10, size=100):
    return measure.Run(cpu / 2, cpu / 2, wall, 1024, files, files * size)


class Arithmetic(unittest.TestCase):
    # Pairs go A B, B A, A B, ...; the first is dropped; each keeps base before rival whichever ran first.
    def test_pairs(self):
        order = []

        def one(name):
            order.append(name)
            return name + str(len(order))

        pairs = compare.in_pairs(lambda: one("a"), lambda: one("b"), kept=2)
        self.assertEqual(order, ["a", "b", "b", "a", "a", "b"])
        self.assertEqual(pairs, [("a4", "b3"), ("a5", "b6")])

    # A ratio is taken within each pair, then the median of the ratios, with the smallest and the largest.
    def test_ratios(self):
        pairs = [(run_of(1), run_of(2)), (run_of(2), run_of(8)), (run_of(1), run_of(3))]
        self.assertEqual(compare.summary_of_pairs(pairs, "file")["cpu"], {"median": 3, "min": 2, "max": 4})

    # Variants with different numbers of files are compared by what one file costs and takes.
    def test_units(self):
        many, few = run_of(cpu=10, wall=5, files=1000), run_of(cpu=0.1, wall=0.1, files=10)
        self.assertEqual(many.per("file"), few.per("file"))
        self.assertEqual(run_of(cpu=2, files=10, size=100_000_000).per("GB"), 2)
        self.assertEqual(compare.summary_of_pairs([(few, many)], "file")["speed"]["median"], 2)

    # Every target names a cell, a rival of it, and a measure that is known.
    def test_targets(self):
        rivals = {(cell.name, rival.name) for cell in CELLS for rival in cell.rivals}
        for target in TARGETS:
            self.assertIn((target.cell, target.rival), rivals)
            self.assertIn(target.measure, MEASURES)

    # Met, missed and not measured are told apart, in either direction.
    def test_verdicts(self):
        def small(ratio):
            pairs = {"libcurl multi": {"cpu": {"median": ratio, "min": ratio, "max": ratio}}}
            return {"name": "small", "variants": {}, "pairs": pairs, "futex_waits": {}}

        def verdict(cell, rival):
            row = next(row for row in verdicts.judge([cell]) if row["rival"] == rival)
            return row["value"], row["met"], row["moonshot_met"]

        self.assertEqual(verdict(small(2.9), "libcurl multi"), (2.9, False, False))
        self.assertEqual(verdict(small(3.0), "libcurl multi"), (3.0, True, False))
        self.assertEqual(verdict(small(4.0), "libcurl multi"), (4.0, True, True))
        self.assertEqual(verdict(small(4.0), "Go net/http"), (None, False, False))
        floor = {"name": "roofline", "variants": {}, "futex_waits": {}, "pairs": {"roofline": {"cpu": {"median": 0.5}}}}
        self.assertEqual(verdict(floor, "roofline"), (2.0, False, False))


class WithServer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hoist-bench-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "ledgers").mkdir()
        self.place = measure.Place(BUILD, self.folder, self.folder / "ledgers", "TLS_AES_128_GCM_SHA256")
        self.corpus = Corpus(self.folder)
        self.hoist = contenders.known(BUILD)["hoist"]
        self.variant = Variant("hoist", "hoist", ("--no-resume", "--threads", "1"))

    def sham(self, text):
        """A contender that does whatever the lines say."""
        program = self.folder / "sham"
        program.write_text("#!/bin/sh\n" + text)
        program.chmod(0o700)
        return contenders.Contender([program])

    def one_run(self, contender):
        cell = Cell("test", "", Files(20, 4096), 4, self.variant, ())
        with self.place.server(["--digest", "none"]) as server:
            return measure.run(self.place, contender, cell, self.variant, server, self.corpus.list_of(cell.files))

    # A run has a cost: CPU time, wall time, memory, and the job's size.
    def test_cost(self):
        run = self.one_run(self.hoist)
        self.assertEqual((run.files, run.bytes), (20, 20 * 4096))
        self.assertGreater(run.cpu, 0)
        self.assertGreater(run.wall, 0)
        self.assertGreater(run.rss_kib, 1024)

    # The server's own count decides: a contender that claims the whole job and does nothing has no figure.
    def test_liar(self):
        with self.assertRaisesRegex(measure.Wrong, r"the server counted \(0, 0\)"):
            self.one_run(self.sham("""echo '{"done":20,"failed":0,"bytes":81920}'\n"""))

    # Nor has one that ends badly, or admits that files are missing.
    def test_failures(self):
        with self.assertRaisesRegex(measure.Wrong, "exit status 3\nsorry"):
            self.one_run(self.sham("echo sorry >&2; exit 3\n"))
        with self.assertRaisesRegex(measure.Wrong, "it says"):
            self.one_run(self.sham("""echo '{"done":19,"failed":1,"bytes":77824}'\n"""))

    # The correctness run compares digests: one byte that is different is found.
    def test_digests(self):
        listed, expected = correctness.write_list(self.corpus, self.place)
        correctness.check(self.place, "hoist", self.hoist, self.variant, listed, expected)
        with open(listed.read_text().splitlines()[-1], "r+b") as file:
            file.seek(1000)
            file.write(b"?")
        with self.assertRaisesRegex(measure.Wrong, "not what was sent"):
            correctness.check(self.place, "hoist", self.hoist, self.variant, listed, expected)

    # No two files of a corpus are alike, and a longer list begins with the shorter one.
    def test_corpus(self):
        few, many = (self.corpus.list_of(Files(count, 64)).read_text().splitlines() for count in (10, 1500))
        self.assertEqual(many[:10], few)
        self.assertEqual(len({pathlib.Path(path).read_bytes() for path in many}), 1500)


class Runner(unittest.TestCase):
    # Only a Release build without sanitizers is measured.
    def test_other_builds(self):
        for cache in ("CMAKE_BUILD_TYPE:STRING=Debug\n", "CMAKE_BUILD_TYPE:STRING=Release\nHOIST_SANITIZE:STRING=address\n", None):
            with tempfile.TemporaryDirectory() as folder:
                if cache:
                    (pathlib.Path(folder) / "CMakeCache.txt").write_text(cache)
                done = runner("--quick", "--build", folder)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, "only a Release build is measured|no build directory")

    # Ended in mid-run, it takes its servers and its files with it.
    def test_terminated(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-B", "-m", "support.bench", "--quick", "--cell", "latency", "--pairs", "1000"]
            command += ["--build", str(BUILD), "--out", folder + "/out", "--scratch", folder]
            env = {**os.environ, "PYTHONPATH": str(ROOT / "bench")}
            with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
                self.assertTrue(any("latency: hoist and" in line for line in running.stderr), "it never began to measure")
                running.terminate()
                running.stderr.read()
                self.assertEqual(running.wait(timeout=LIMIT), 143)
            self.assertEqual([p.name for p in pathlib.Path(folder).iterdir()], ["out"])
            self.assertEqual(processes_that_mention(folder), [])

    # A tiny run of every cell with every contender that is there: each stores what it is given, each cell has its figures
    # and a chart that is XML, the tables come out, and nothing of the scratch folder is left.
    def test_everything(self):
        with tempfile.TemporaryDirectory() as folder:
            out, scratch = pathlib.Path(folder) / "out", pathlib.Path(folder) / "scratch"
            scratch.mkdir()
            done = runner("--quick", "--build", BUILD, "--out", out, "--scratch", scratch)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            sys.stderr.writelines(line + "\n" for line in done.stderr.splitlines() if "SKIPPED" in line)
            self.assertEqual(list(scratch.iterdir()), [])
            results = json.loads((out / "results.json").read_text())
            self.assertEqual(sorted(p.name for p in out.iterdir() if p.is_dir()), [])
            self.assertEqual([cell["name"] for cell in results["cells"]], [cell.name for cell in CELLS])
            self.assertEqual(len(results["targets"]), len(TARGETS))
            self.check_cells(results, out)
            self.check_markdown(out / "results.json")

    def check_cells(self, results, out):
        for cell, planned in zip(results["cells"], CELLS):
            there = {planned.base.name, *(v.name for v in planned.rivals)} - set(cell["skipped"])
            if planned.base.name in cell["skipped"]:
                continue
            self.assertEqual(set(cell["variants"]), there, cell["name"])
            for variant in cell["variants"].values():
                self.assertGreater(variant["cpu"]["median"], 0)
            if len(cell["variants"]) > 1:
                drawn = xml.fromstring((out / f"{cell['name']}.svg").read_text())
                bars = [e for e in drawn.iter("{http://www.w3.org/2000/svg}rect") if e.get("class") != "card"]
                self.assertEqual(len(bars), len(cell["variants"]))

    def check_markdown(self, results):
        env = {**os.environ, "PYTHONPATH": str(ROOT / "bench")}
        command = [sys.executable, "-B", "-m", "support.markdown", str(results), "small"]
        said = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
        self.assertIn("| hoist | ", said)
        self.assertNotIn("100 MB files", said)
        side_by_side = subprocess.run([*command, "large", "--overview"], env=env, capture_output=True, text=True, check=True).stdout
        self.assertRegex(side_by_side, r"(?m)^\| hoist, with ledger \| .*× \| .*× \| \d+ MiB \|$")


if __name__ == "__main__":
    unittest.main()
