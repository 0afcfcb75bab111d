"""One run that goes on and on: after its first twelfth, memory and descriptors grow by less than a tenth."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import json
import os
import subprocess
import threading
import time

from hoist_test import Server
from soak import Soak, of_process

OPEN = 2000  # files that were named and have no row yet


class Steady(Soak):
    short = {"minutes": 0.3}
    long = {"minutes": 60.0}

    def feed(self, running, until):
        """A file after the other, each with a name of its own, made when it is named."""
        n = 0
        while time.monotonic() < until:
            self.room.acquire()
            path = self.files / f"{n}.png"
            path.write_bytes(os.urandom(1000))
            running.stdin.write(os.fsencode(path) + b"\0")
            n += 1
        running.stdin.close()
        self.named = n

    def drain(self, running):
        """Rows as they come; a file is removed when it has its own."""
        for line in running.stdout:
            row = json.loads(line)
            if row["type"] == "result":
                self.settled[row["status"]] = self.settled.get(row["status"], 0) + 1
                os.unlink(row["path"])
                self.room.release()

    def soak(self, figures):
        self.files = self.folder / "files"
        self.files.mkdir()
        self.settled, self.room, self.named = {}, threading.Semaphore(OPEN), 0
        whole = figures.minutes * 60
        with Server("--discard", "--digest", "none", "--put-delay", "5ms") as server:
            running = self.begin(server, "-q", "-j", "16", "--ledger", str(self.folder / "l.ledger"), "-0", "-",
                                 stdin=subprocess.PIPE)
            began = time.monotonic()
            threads = [threading.Thread(target=self.feed, args=(running, began + whole)),
                       threading.Thread(target=self.drain, args=(running,))]
            for each in threads:
                each.start()
            samples = []
            while threads[0].is_alive():
                threads[0].join(min(1, whole / 60))
                if running.poll() is None:
                    samples.append((time.monotonic() - began, *of_process(running.pid)))
            for each in threads:
                each.join()
            running.wait()
            err = running.stderr.read().decode(errors="replace")
            puts = server.metric("puts_total")
        early = [s for s in samples if whole / 24 <= s[0] <= whole / 6]
        late = [s for s in samples if s[0] >= whole / 2]
        memory = [max(s[1] for s in part) for part in (early, late)]
        descriptors = [max(s[3] for s in part) for part in (early, late)]
        self.facts.update(code=running.returncode, files=self.named, settled=self.settled, puts=puts, rss_kib=memory,
                          descriptors=descriptors, samples=len(samples))
        self.assertEqual((running.returncode, self.settled, puts), (0, {"done": self.named}, self.named), err)
        # The ledger's cache (16 MiB) fills with the rows of the first minutes: a run of seconds is still filling it.
        bound = 1.1 if whole >= 600 else 2.0
        self.assertLessEqual(memory[1], memory[0] * bound)
        # At any moment some of the 16 slots may be between two connections.
        self.assertLessEqual(descriptors[1], descriptors[0] * 1.1 + 16)


Steady.main()
