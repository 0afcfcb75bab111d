"""One run of one variant: what it cost, and that it did the job."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
from dataclasses import asdict, dataclass

from support import ending
from support.contenders import Job
from support.server import Server

RUN_LIMIT = 1200  # seconds
ERROR_TEXT_MAX = 2000


class Wrong(Exception):
    """A run that did not do the job: its cost would mean nothing."""


@dataclass(frozen=True)
class Run:
    user: float  # CPU seconds of the whole process tree
    sys: float
    wall: float  # seconds
    rss_kib: int  # peak of the largest process
    files: int
    bytes: int

    @property
    def cpu(self):
        return self.user + self.sys

    def per(self, unit):
        """CPU in µs per file, or in s per GB (10^9 bytes)."""
        return self.cpu * 1e6 / self.files if unit == "file" else self.cpu * 1e9 / self.bytes

    def as_json(self):
        return asdict(self)


class Place:
    """Where everything is, and which processors are whose."""

    def __init__(self, build, scratch, ledgers, suite):
        self.build, self.scratch, self.ledgers, self.suite = build, pathlib.Path(scratch), pathlib.Path(ledgers), suite
        cpus = sorted(os.sched_getaffinity(0))
        self.server_cpu = cpus[0] if len(cpus) > 1 else None
        self.client_cpu = cpus[-1] if len(cpus) > 1 else None

    def server(self, options):
        """A context manager: a server that discards what it is sent."""
        program = self.build / "bin" / "hoist-server"
        return Server(program, self.scratch, self.server_cpu, self.suite, options)


def clean_environment(place, server, more):
    """Nothing of the caller's that could lead a contender elsewhere: no proxies, no other trust anchors."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    trust = {name: server.cacert for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "HOIST_CACERT")}
    return {**kept, **trust, "HOIST_API_KEY": server.key, "TMPDIR": str(place.scratch), **more}


def on_cpus(place, cell):
    return ["taskset", "-c", str(place.client_cpu)] if cell.cpus == "one" and place.client_cpu is not None else []


def execute(command, env, stdout, stderr):
    """Runs it to its end, within bounds, and leaves no process of its group behind."""
    with open(stdout, "wb") as out, open(stderr, "wb") as err:
        process = None
        try:
            with ending.held():
                process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
            return process.wait(timeout=RUN_LIMIT)
        except subprocess.TimeoutExpired:
            raise Wrong(f"not done after {RUN_LIMIT} s: {command[0]}") from None
        finally:
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def job_for(place, cell, variant, server, listed):
    for old in place.ledgers.glob("ledger*"):
        old.unlink()
    return Job(server.endpoint, listed, cell.concurrency, variant.options, place.ledgers / "ledger")


def run(place, contender, cell, variant, server, listed, wrapper=()):
    """Uploads `listed` (of the variant's or the cell's files) and checks both accounts, the contender's and the server's."""
    files = variant.files or cell.files
    report, out, err = place.scratch / "report", place.scratch / "out", place.scratch / "err"
    command = contender.command(job_for(place, cell, variant, server, listed))
    measured = [str(place.build / "bench" / "bin" / "measured"), str(report)]
    before = server.stored()
    execute([*on_cpus(place, cell), *measured, *wrapper, *command], clean_environment(place, server, variant.env), out, err)
    cost = json.loads(report.read_text())
    complaint = err.read_text(errors="replace")[:ERROR_TEXT_MAX]
    if cost["code"] != 0:
        raise Wrong(f"{variant.name}: exit status {cost['code']}\n{complaint}")
    said = contender.account(out)
    stored = tuple(after - b for after, b in zip(server.stored(), before))
    expected = (files.count, files.count * files.size)
    if (said["done"], said["failed"], said["bytes"]) != (files.count, 0, expected[1]):
        raise Wrong(f"{variant.name}: it says {said}, expected {expected}\n{complaint}")
    if stored != expected:
        raise Wrong(f"{variant.name}: the server counted {stored}, expected {expected}")
    return Run(cost["user"], cost["sys"], cost["wall"], cost["rss_kib"], *expected)


def roofline(place, cell):
    """The floor, as if it were a client that sent the cell's bytes."""
    total = cell.files.count * cell.files.size
    sink = place.server_cpu if place.server_cpu is not None else -1
    program = place.build / "bench" / "bin" / "roofline"
    command = [*on_cpus(place, cell), str(program), place.suite, f"{total / 1e9:.6f}", str(sink)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=RUN_LIMIT)
    if said.returncode != 0:
        raise Wrong("roofline: " + said.stderr)
    cost = json.loads(said.stdout)
    return Run(cost["seal_s_per_gb"] * total / 1e9, cost["send_s_per_gb"] * total / 1e9, 0.0, 0, cell.files.count, total)


def futex_waits(place, contender, cell, variant, server, listed):
    """How often a thread waited for another, per file: counted by strace, in a run that is not timed."""
    trace = place.scratch / "futexes"
    # The filter stops a thread at a futex and at nothing else: a run that is slowed down waits more often.
    wrapper = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=futex", "-e", "signal=none", "-o", str(trace)]
    run(place, contender, cell, variant, server, listed, wrapper)
    with open(trace, errors="replace") as lines:
        waits = sum(1 for line in lines if re.search(r"futex\(.*FUTEX_WAIT", line))
    return waits / (variant.files or cell.files).count
