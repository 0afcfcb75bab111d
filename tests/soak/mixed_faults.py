"""One per cent of many faults: no file fails, none is lost, and at least 80 % of the fault-free speed is kept."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from faults import faulty
from soak import Soak

PRESIGN = ("return-500", "return-503", "reset", "close", "stall-200ms")
PUT = ("return-500", "early-503", "reset-after-1KiB", "close", "stall-200ms", "lose-answer")
JUDGED_FROM = 50_000  # files: below it the last few retries, a second each, are most of a run


class MixedFaults(Soak):
    short = {"files": 2000, "percent": 1.0}  # of the requests of each kind
    long = {"files": 100_000, "percent": 1.0}

    def speed(self, figures, files, name, *faults):
        with faulty(*faults) as server:
            run = self.upload(server, "-q", str(files), manifest=self.folder / f"{name}.jsonl")
            done = self.check_account(server, files, run)["done"]
            injected = sum(n for k, n in server.metrics().items() if k.startswith("faults_total"))
        self.assertEqual(len(done), figures.files)
        return figures.files / run.rows[-1]["seconds"], injected, run.rows[-1]["puts"]

    def soak(self, figures):
        files = self.make_many(figures.files, 4096)
        plain, _, _ = self.speed(figures, files, "plain")
        self.facts["files_per_second_fault_free"] = round(plain, 1)
        faults = [f"presign:{f}={figures.percent / len(PRESIGN):.3f}%" for f in PRESIGN]
        faults += [f"put:{f}={figures.percent / len(PUT):.3f}%" for f in PUT]
        mixed, injected, puts = self.speed(figures, files, "mixed", *faults)
        self.facts.update(files_per_second_mixed=round(mixed, 1), faults=injected, puts=puts, share=round(mixed / plain, 3))
        self.assertGreater(injected, figures.files * figures.percent / 100)
        self.assertLess(puts, figures.files + 1.2 * injected)
        if figures.files >= JUDGED_FROM:
            self.assertGreaterEqual(mixed / plain, 0.8)


MixedFaults.main()
