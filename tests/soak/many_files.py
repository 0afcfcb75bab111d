"""Very many small files: memory does not grow with their number. (RSS at most 128 MiB.)"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import os
import shutil

from hoist_test import Server, wait_for
from soak import Soak, of_process

ROOM_PER_FILE = 2 * 4096 + 2048  # the file, what a row and the ledger take, and the folder's entry


class ManyFiles(Soak):
    short = {"files": 10_000}
    long = {"files": 1_000_000}

    def soak(self, figures):
        room = shutil.disk_usage(self.folder).free
        if room < figures.files * ROOM_PER_FILE:
            self.facts["skipped"] = f"{figures.files * ROOM_PER_FILE} bytes are needed and {room} are free"
            return
        files = self.make_many(figures.files, 4096)
        with Server("--discard", "--digest", "none") as server:
            running = self.begin(server, "-q", "-L", str(self.folder / "m.jsonl"), str(files))
            peak = [0]

            def ended():
                if running.poll() is not None:
                    return True
                try:
                    peak[0] = max(peak[0], of_process(running.pid)[1])
                except (OSError, KeyError):  # it ended just now
                    pass
                return False

            wait_for(ended, "the end", seconds=7200)
            running.communicate()
            self.facts.update(code=running.returncode, rss_peak_kib=peak[0], puts=server.metric("puts_total"))
        self.assertEqual((running.returncode, self.facts["puts"]), (0, figures.files))
        self.assertLessEqual(peak[0], 128 << 10)


ManyFiles.main()
