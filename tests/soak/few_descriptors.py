"""`ulimit -n 64`, and 500 PUTs wished for: it makes do with what there is, and no file fails."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import resource

from faults import faulty
from soak import Soak


class FewDescriptors(Soak):
    short = {"descriptors": 64, "files": 1000}
    long = {"descriptors": 64, "files": 50_000}

    def soak(self, figures):
        files = self.make_many(figures.files, 3000)
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (figures.descriptors,) * 2)
        with faulty(options=["--put-delay", "1ms"]) as server:
            run = self.upload(server, "-j", "500", "--presign-concurrency", "100", str(files),
                              manifest=self.folder / "m.jsonl", preexec_fn=limit)
            done = self.check_account(server, files, run)["done"]
            self.facts.update(done=len(done), puts=server.metric("puts_total"), run_seconds=run.rows[-1]["seconds"])
        self.assertEqual((len(done), self.facts["puts"]), (figures.files, figures.files))


FewDescriptors.main()
