"""Killed at random moments, again and again: nothing is lost, and no file is sent again whose done was committed."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import json
import random
import time

from hoist_test import path_of, results, wait_for
from faults import faulty
from soak import Soak

IN_FLIGHT = 8
PUT_DELAY = 0.025
KILLS_PER_MANIFEST = 10
UNCOMMITTED = IN_FLIGHT * 6  # what 8 slots settle, 25 ms each, in a group of 100 ms and the 50 of its commit


class Kills(Soak):
    short = {"kills": 8, "files": 3000, "seed": 0}
    long = {"kills": 200, "files": 40_000, "seed": 0}

    def manifest_of(self, kill):
        """A new one now and then: a run that goes on with one appends, and what was written is read and searched each time."""
        if kill % KILLS_PER_MANIFEST == 0:
            self.read_to = 0
        return self.folder / f"m{kill // KILLS_PER_MANIFEST}.jsonl"

    def new_rows(self, manifest):
        """Since the last time: a run that goes on with a manifest cuts off a torn line and appends."""
        if not manifest.exists():
            return []
        with open(manifest, "rb") as file:
            file.seek(self.read_to)
            text = file.read()
        whole = text[:text.rfind(b"\n") + 1]
        self.read_to += len(whole)
        return results([json.loads(line) for line in whole.splitlines()])

    def soak(self, figures):
        seed = figures.seed or random.SystemRandom().randrange(1, 1 << 30)
        self.facts["seed"] = seed
        draw = random.Random(seed)
        files, ledger, told = self.make_many(figures.files, 64), self.folder / "l.ledger", {}
        with faulty(options=["--put-delay", f"{PUT_DELAY * 1000:.0f}ms"]) as server:
            for kill in range(figures.kills):
                manifest = self.manifest_of(kill)
                running = self.begin(server, "-q", "--ledger", str(ledger), "-j", str(IN_FLIGHT), str(files), "-L", str(manifest))
                moment = time.monotonic() + draw.uniform(0.05, 1.2)
                wait_for(lambda: time.monotonic() > moment, "the moment to kill")
                running.kill()
                running.communicate(timeout=60)
                now = {path_of(r): r["public_url"] for r in self.new_rows(manifest)}
                self.assertEqual({p: u for p, u in told.items() if now.get(p, u) != u}, {}, f"after kill {kill}")
                told.update(now)
                self.facts.update(kills_done=kill + 1, told_by_then=len(told))
            self.assertLess(len(told), figures.files, "the last kill was of a run that had ended")
            last = self.upload(server, "-q", "--ledger", str(ledger), "-j", "64", str(files), manifest=manifest)
            done = self.check_account(server, files, last)["done"]
            urls = {path_of(r): r["public_url"] for r in done}
            puts = server.metric("puts_total")
            self.facts.update(done=len(done), puts=puts, puts_extra_per_kill=round((puts - figures.files) / figures.kills, 2))
            self.assertEqual(len(done), figures.files)
            self.assertEqual({p: u for p, u in told.items() if urls[p] != u}, {}, "sent again though its row was out")
            self.assertLessEqual(puts, figures.files + figures.kills * (IN_FLIGHT + UNCOMMITTED))
            before = server.metric("presigns_total"), server.metric("puts_total")
            self.assertEqual(self.upload(server, "-q", "--ledger", str(ledger), str(files), manifest=manifest).code, 0)
            self.assertEqual((server.metric("presigns_total"), server.metric("puts_total")), before)


Kills.main()
