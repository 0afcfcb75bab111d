"""A server that is killed and started again, time after time: no file fails, and each kill costs what was in flight."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import time

from faults import faulty
from hoist_test import Result, wait_for
from soak import Soak

IN_FLIGHT = 16


class Restarts(Soak):
    short = {"restarts": 3, "every": 2.0, "files": 4000}
    long = {"restarts": 10, "every": 60.0, "files": 600_000}

    def soak(self, figures):
        files, manifest = self.make_many(figures.files, 512), self.folder / "m.jsonl"
        with faulty(options=["--put-delay", "20ms"]) as server:
            running = self.begin(server, "-q", "-j", str(IN_FLIGHT), str(files), "-L", str(manifest))
            puts = 0
            for restart in range(figures.restarts):
                moment = time.monotonic() + figures.every
                wait_for(lambda: time.monotonic() > moment or running.poll() is not None, "the moment", figures.every + 60)
                if running.poll() is not None:
                    break
                puts += server.metric("puts_total")
                server.kill()
                server.start()
                self.facts["restarts_done"] = restart + 1
            _, err = running.communicate(timeout=7200)
            puts += server.metric("puts_total")
            self.assertEqual(running.returncode, 0, err.decode(errors="replace"))
            self.assertEqual(self.facts.get("restarts_done"), figures.restarts, "it ended before the last restart")
            run = Result(0, manifest.read_bytes(), "", 0)
            done = self.check_account(server, files, run)["done"]
        self.facts.update(done=len(done), puts=puts, run_seconds=run.rows[-1]["seconds"])
        self.assertEqual(len(done), figures.files)


Restarts.main()
