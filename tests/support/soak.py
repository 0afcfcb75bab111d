"""What every soak needs: a short and a long form, figures that become one JSON line, and an exit status that is the verdict.

A soak is a TestCase, so that it has the gate and the canary of the other tests; it is run by hand or by ctest, once.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from hoist_test import Command, Result, TestCase, clean_environment, hoist


class Soak(TestCase):
    short = {}  # figures by name; each is an option of the script, too
    long = {}

    def soak(self, figures):
        raise NotImplementedError

    @classmethod
    def main(cls):
        arguments = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
        arguments.add_argument("--long", action="store_true", help="instead of the short form: " +
                               ", ".join(f"{k} {v}" for k, v in cls.long.items()))
        for name, value in cls.short.items():
            arguments.add_argument("--" + name.replace("_", "-"), type=type(value))
        given = vars(arguments.parse_args())
        chosen = cls.long if given.pop("long") else cls.short
        figures = argparse.Namespace(**{**chosen, **{k: v for k, v in given.items() if v is not None}})
        case = cls("soak")
        case.facts = {"soak": cls.__name__, **vars(figures)}
        began = time.monotonic()
        case.setUp()
        try:
            case.soak(figures)
            case.guard_files()
            case.facts["verdict"] = "held"
        except AssertionError as e:  # SecretLeaked is one
            case.facts["verdict"] = "violated"
            case.facts["why"] = str(e)[:2000]
        finally:
            case.doCleanups()
        case.facts["seconds"] = round(time.monotonic() - began, 1)
        print(json.dumps(case.facts), flush=True)
        sys.exit(0 if case.facts["verdict"] == "held" else 1)

    def upload(self, server, *arguments, manifest=None, timeout=7200, **more):
        """As a Result whose rows are the manifest's when there is one. Without a log: at trace level it would fill the disk."""
        manifest = ["-L", manifest] if manifest else []
        env = clean_environment(HOIST_LOG_FILE="/dev/null", HOIST_LOG_LEVEL="warning", **more.pop("env", {}))
        run = hoist("upload", *server.access(), *arguments, *manifest, env=env, timeout=timeout, **more)
        return Result(run.code, pathlib.Path(manifest[1]).read_bytes() if manifest else run.out, run.err, run.seconds)

    def begin(self, server, *arguments, stdin=None, more={}):
        env = clean_environment(HOIST_LOG_FILE="/dev/null", HOIST_LOG_LEVEL="warning", **more)
        return Command(["upload", *server.access(), *arguments], env, stdin=stdin or subprocess.DEVNULL)

    def make_many(self, count, size):
        """In folders of a thousand."""
        folder = self.folder / "files"
        for i in range(count):
            if i % 1000 == 0:
                (folder / str(i // 1000)).mkdir(parents=True)
            (folder / str(i // 1000) / f"{i}.png").write_bytes(os.urandom(size))
        return folder


def of_process(pid):
    """Memory in KiB and descriptors of a process."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmRSS"].split()[0]), int(fields["VmHWM"].split()[0]), len(os.listdir(f"/proc/{pid}/fd"))
