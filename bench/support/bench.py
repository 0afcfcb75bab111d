"""The runner: sh bench/run.sh builds and then calls this. See bench/README.md."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from scenarios.cells import CELLS, FULL, Files
from support import chart, compare, contenders, correctness, ending, machine, measure, report, verdicts
from support.corpus import Corpus

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FORMAT = 1  # of results.json


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="sh bench/run.sh", description="Measures hoist and other uploaders at the same job.")
    parser.add_argument("--quick", action="store_true", help="a tiny run of everything, installing nothing: does it work?")
    parser.add_argument("--full", action="store_true", help="the default cells and " + ", ".join(FULL))
    parser.add_argument("--cell", action="append", metavar="NAME", choices=[c.name for c in CELLS], help="this cell only; repeatable")
    parser.add_argument("--list", action="store_true", help="name the cells and stop")
    parser.add_argument("--pairs", type=int, metavar="N", help="pairs to keep, instead of each cell's number")
    parser.add_argument("--suite", default="TLS_AES_128_GCM_SHA256", help="TLS 1.3 suite of all servers (%(default)s)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", metavar="DIR", help="a Release build (build)")
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR", help="where results go (BUILD/bench/results)")
    parser.add_argument("--scratch", type=pathlib.Path, metavar="DIR", help="where files to upload go (memory, else OUT)")
    return parser.parse_args()


# ---- which cells -----------------------------------------------------------------------------------------------------


def chosen(args):
    if args.cell:
        cells = [c for c in CELLS if c.name in args.cell]
    elif args.quick:
        cells = list(CELLS)
    else:
        cells = [c for c in CELLS if c.default or (args.full and c.name in FULL)]
    if args.quick:
        cells = [tiny(c) for c in cells]
    if args.pairs is not None:
        cells = [with_pairs(c, args.pairs) for c in cells]
    return cells


def tiny_files(files):
    count = 3 if files.count <= 16 else min(files.count // 100, 200)
    return Files(count, min(files.size, 1_000_000))


def tiny(cell):
    def small(variant):
        return dataclasses.replace(variant, files=variant.files and tiny_files(variant.files))

    rivals = tuple(map(small, cell.rivals))
    return with_pairs(dataclasses.replace(cell, files=tiny_files(cell.files), rivals=rivals), 1)


def with_pairs(cell, pairs):
    rivals = tuple(dataclasses.replace(v, pairs=None) for v in cell.rivals)
    return dataclasses.replace(cell, pairs=pairs, rivals=rivals)


# ---- one cell --------------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self, place, corpus, able, quick):
        self.place, self.corpus, self.able, self.quick = place, corpus, able, quick
        self.wrong = []  # what could not be measured, and why

    def missing(self, variant):
        return None if variant.contender == "roofline" else self.able[variant.contender].missing

    def once(self, cell, variant, servers):
        if variant.contender == "roofline":
            return measure.roofline(self.place, cell)
        listed = self.corpus.list_of(variant.files or cell.files)
        return measure.run(self.place, self.able[variant.contender], cell, variant, servers[variant.server], listed)

    def start(self, stack, cell):
        """The cell's servers by name; the stack stops them."""
        digest = ["--digest", cell.digest]
        return {name: stack.enter_context(self.place.server([*digest, *more])) for name, more in cell.servers.items()}

    def measured(self, cell):
        """The cell's results."""
        skipped = {v.name: self.missing(v) for v in (cell.base, *cell.rivals) if self.missing(v)}
        runs, pairs, futexes = {cell.base.name: []}, {}, {}
        rivals = [v for v in cell.rivals if v.name not in skipped]
        if cell.base.name in skipped:
            rivals = []
        for rival in rivals:
            say(f"{cell.name}: {cell.base.name} and {rival.name}")
            try:
                # Servers of its own for each rival: what one stored must not slow the next one's down.
                with contextlib.ExitStack() as stack:
                    servers = self.start(stack, cell)
                    made = compare.in_pairs(
                        lambda: self.once(cell, cell.base, servers),
                        lambda: self.once(cell, rival, servers),
                        rival.pairs or cell.pairs,
                        dropped=0 if self.quick else 1,
                    )
            except measure.Wrong as wrong:
                self.note_wrong(cell.name, wrong)
                continue
            runs[cell.base.name] += [base for base, _ in made]
            runs[rival.name] = [run for _, run in made]
            pairs[rival.name] = compare.summary_of_pairs(made, cell.unit)
        if cell.counts_futexes:
            futexes = self.futexes(cell, skipped)
        contender = {v.name: v.contender for v in (cell.base, *cell.rivals)}
        return {
            **{name: getattr(cell, name) for name in ("name", "title", "concurrency", "unit", "digest", "cpus")},
            "files": dataclasses.asdict(cell.files),
            "variants": {n: {"contender": contender[n], **compare.summary_of_runs(r, cell.unit)} for n, r in runs.items() if r},
            "pairs": pairs,
            "futex_waits": futexes,
            "skipped": skipped,
        }

    def futexes(self, cell, skipped):
        if not contenders.works("strace", "-f", "--seccomp-bpf", "true"):
            skipped["futex waits"] = "strace is missing or may not trace here"
            return {}
        found = {}
        for variant in (cell.base, *cell.rivals):
            listed, able = self.corpus.list_of(variant.files or cell.files), self.able[variant.contender]
            try:
                with contextlib.ExitStack() as stack:
                    server = self.start(stack, cell)[variant.server]
                    found[variant.name] = measure.futex_waits(self.place, able, cell, variant, server, listed)
            except measure.Wrong as wrong:
                self.note_wrong(cell.name, wrong)
        return found

    def note_wrong(self, where, wrong):
        self.wrong.append(f"{where}: {wrong}")
        say(f"WRONG {self.wrong[-1]}")

    def check(self, cells):
        """Leaves out, and remembers, contenders that do not store what they were given."""
        listed, expected = correctness.write_list(self.corpus, self.place)
        for variant in correctness.variants_of(cells):
            contender = self.able[variant.contender]
            if contender.missing:
                continue
            try:
                correctness.check(self.place, variant.name, contender, variant, listed, expected)
            except measure.Wrong as wrong:
                self.note_wrong("correctness", wrong)
                contender.missing = "it failed the correctness run"


# ---- the run ---------------------------------------------------------------------------------------------------------


def bytes_of(cells):
    """What the largest of all file sets of each size take."""
    counts = {}
    for cell in cells:
        for variant in (cell.base, *cell.rivals):
            files = variant.files or cell.files
            counts[files.size] = max(files.count, counts.get(files.size, 0))
    return sum(size * count for size, count in counts.items())


def scratch_parent(args, needed):
    if args.scratch:
        return args.scratch
    memory = pathlib.Path("/dev/shm")
    if os.access(memory, os.W_OK):
        there = os.statvfs(memory)
        if there.f_bavail * there.f_frsize > needed + (1 << 30):
            return memory
    return args.out


def kind_of(folder):
    return machine.first_line("stat", "-f", "-c", "%T", str(folder)) or "an unknown file system"


def negotiated(place):
    with place.server(["--digest", "none"]) as server:
        return server.suite()


def pinning(place):
    if place.server_cpu is None:
        return "one core for client and server"
    return f"client on core {place.client_cpu}, server on core {place.server_cpu}"


def micro(place, quick):
    """What Google Benchmark says, or None where it was not built."""
    program = place.build / "bench" / "bin" / "hoist_micro"
    if not program.exists():
        say("SKIPPED micro benchmarks: not built, needs libbenchmark-dev")
        return None
    command = [program, "--benchmark_format=json", f"--benchmark_min_time={'0.001' if quick else '0.3'}"]
    pinned = ["taskset", "-c", str(place.client_cpu)] if place.client_cpu is not None else []
    env = {**os.environ, "TMPDIR": str(place.ledgers)}  # its ledger belongs on the same disk
    done = subprocess.run([*pinned, *command], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: the micro benchmarks failed\n{done.stderr}")
    rows = json.loads(done.stdout)["benchmarks"]
    kept = ("name", "cpu_time", "time_unit", "bytes_per_second", "items_per_second", "error_message")
    if failed := [row["name"] for row in rows if row.get("error_occurred")]:
        raise SystemExit(f"bench: micro benchmarks failed: {failed}")
    return [{name: row[name] for name in kept if name in row} for row in rows]


def batch_sweep(rows):
    """The micro benchmark of batch sizes as a cell, for its chart."""
    sizes = {}
    for row in rows or ():
        name, _, size = row["name"].partition("/bytes:")
        if name == "batch" and size:
            cost = 1e9 / row["bytes_per_second"]
            sizes[f"{int(size) // 1024} KiB"] = {"contender": "batch", "cpu": {"median": cost, "min": cost, "max": cost}}
    return {"name": "batch", "title": "Read, seal and send, by the size of a batch", "unit": "GB", "job": "one connection, a warm file",
            "variants": sizes, "pairs": {}}


def write_results(out, results):
    (out / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (out / "results.txt").write_text(report.text(results))
    m = results["machine"]
    footer = f"{results['suite']} · {m['libraries'].split(',')[0]} · {m['cpu']} · {m['hoist']} {m['revision']}"
    for cell in [*results["cells"], batch_sweep(results.get("micro"))]:
        if len(cell["variants"]) > 1:
            (out / f"{cell['name']}.svg").write_text(chart.draw(cell, footer))


def run(args, stack):
    machine.refuse_unless_release(args.build)
    cells = chosen(args)
    args.out.mkdir(parents=True, exist_ok=True)
    scratch, ledgers = (
        stack.enter_context(tempfile.TemporaryDirectory(prefix="hoist-bench-", dir=parent))
        for parent in (scratch_parent(args, bytes_of(cells)), args.out)
    )
    place = measure.Place(args.build, scratch, ledgers, args.suite)
    corpus = Corpus(scratch)
    bench = Bench(place, corpus, contenders.known(args.build), args.quick)
    results = {
        "format": FORMAT,
        "quick": args.quick,
        "machine": machine.describe(args.build, ROOT),
        "suite": negotiated(place),
        "pinning": pinning(place),
        "scratch_kind": kind_of(scratch),
        "ledger_kind": kind_of(place.ledgers),
        "cells": [],
        "targets": [],
    }
    for name, contender in bench.able.items():
        if contender.missing:
            say(f"SKIPPED {name}: {contender.missing}")
    say("is every file stored, once, byte for byte?")
    bench.check(cells)
    for i, cell in enumerate(cells):
        corpus.drop_all_but({(v.files or c.files).size for c in cells[i:] for v in (c.base, *c.rivals)})
        results["cells"].append(bench.measured(cell))
        for line in report.cell_text(results["cells"][-1]):
            print(line, flush=True)
        print(flush=True)
        write_results(args.out, results)  # what was measured stays when a later cell is interrupted
    if not args.cell:
        results["micro"] = micro(place, args.quick)
    results["targets"] = verdicts.judge(results["cells"])
    results["load_after"] = os.getloadavg()[0]
    results["wrong"] = bench.wrong
    write_results(args.out, results)
    print(report.text({**results, "cells": []}))  # the cells are out already
    say(f"results.json, results.txt and a chart for each cell are in {args.out}")
    return 1 if bench.wrong else 0


def main():
    args = arguments()
    if args.list:
        for cell in CELLS:
            print(f"{cell.name}: {cell.title}" + ("" if cell.default else " (by name" + (", --full)" if cell.name in FULL else ")")))
        return 0
    args.build = args.build.resolve()
    args.out = (args.out or args.build / "bench" / "results").resolve()
    # Servers and temporaries are released on the way out, whichever signal it was.
    ending.on_sigterm()
    with contextlib.ExitStack() as stack:
        return run(args, stack)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
