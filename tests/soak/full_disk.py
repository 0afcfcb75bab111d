"""The disk under the ledger fills up, at one write after the other: the run ends and says so; with room it goes on."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import errno
import os
import random

from faults import faulty
from hoist_test import path_of, results
from soak import Soak

LIBRARY = os.environ.get("HOIST_FAIL_NTH", "build/tests/support/fail_nth_call.so")


class FullDisk(Soak):
    short = {"rounds": 4, "files": 400, "seed": 0}
    long = {"rounds": 100, "files": 2000, "seed": 0}

    def soak(self, figures):
        seed = figures.seed or random.SystemRandom().randrange(1, 1 << 30)
        draw, ended = random.Random(seed), {}
        self.facts.update(seed=seed, ended=ended)
        files = self.make_many(figures.files, 100)
        for n in range(figures.rounds):
            place = self.folder / f"{n}.ledger"
            full = {"LD_PRELOAD": LIBRARY, "NTH_CALL": "pwrite", "NTH_OF": f"*/{n}.ledger*", "NTH_ON": "from",
                    # A ledger that is being made writes more than twenty times: the first round meets a full disk.
                    "NTH_AT": str(draw.randint(1, 120 if n else 20)), "NTH_WITH": str(errno.ENOSPC)}
            with faulty() as server:
                first = self.upload(server, "-j", "8", "--ledger", str(place), str(files), env=full)
                ended[str(first.code)] = ended.get(str(first.code), 0) + 1
                self.assertIn(first.code, (0, 2, 4), first.err)
                if first.code:
                    self.assertIn("disk is full", first.err)
                told = {path_of(r): r["public_url"] for r in results(first.rows)}
                self.check_settled(server, results(first.rows))
                again = self.upload(server, "--ledger", str(place), str(files))
                urls = {path_of(r): r["public_url"] for r in self.check_account(server, files, again)["done"]}
                self.assertEqual(len(urls), figures.files)
                self.assertEqual({p: u for p, u in told.items() if urls[p] != u}, {}, "sent again though its row was out")
        self.assertGreater(ended.get("4", 0) + ended.get("2", 0), 0, "the disk was never full")


FullDisk.main()
