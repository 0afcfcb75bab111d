"""The results as text for people, and as Markdown for a README."""

from support import words
from support.words import figure


def about(results):
    """The place, one fact a line; the same for text and Markdown."""
    m = results["machine"]
    yield f"{m['cpu']}, {m['cores']} cores; {m['system']}, kernel {m['kernel']}"
    yield f"{m['hoist']} ({m['revision']}); {m['libraries']}; {m['compiler']}"
    yield "; ".join(f"{name}: {said}" for name, said in m["contenders"].items())
    yield f"{results['suite']} for all; {results['pinning']}; files on {results['scratch_kind']}, ledgers on {results['ledger_kind']}"
    yield f"load average when it began {m['load_before']:.2f}, when it ended {results.get('load_after', 0):.2f}"
    if results["quick"]:
        yield "A tiny run that shows that everything works; its figures mean nothing."


def beats_us(cell, name):
    """A rival, not a variant of ours or the floor, that was cheaper in every pair."""
    contender = {n: v["contender"] for n, v in cell["variants"].items()}
    ours = contender[next(iter(contender))] == "hoist"
    return ours and contender[name] not in ("hoist", "roofline") and cell["pairs"][name]["cpu"]["max"] < 1


def rows_of(cell):
    """Name, CPU, wall, files/s, peak memory, CPU over the base's; the base first."""
    for name, variant in cell["variants"].items():
        pairs = cell["pairs"].get(name)
        wall = variant["wall"]["median"]
        yield (
            name,
            words.ratio(variant["cpu"]),
            f"{figure(wall)} s" if wall else "–",
            figure(variant["files"] / wall) if wall else "–",
            f"{variant['rss_mib']:.0f} MiB" if wall else "–",
            words.ratio(pairs["cpu"]) + (", the rival wins" if beats_us(cell, name) else "") if pairs else "1",
        )


def columns(cell):
    base = next(iter(cell["variants"]))
    return ("", f"CPU, {words.unit(cell)}", "wall", "files/s", "peak memory", f"CPU over that of “{base}”")


def aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip()


def cell_text(cell):
    yield f"{cell['name']}: {cell['title']} ({words.job(cell)})"
    yield from aligned([columns(cell), *rows_of(cell)])
    for name, waits in cell["futex_waits"].items():
        yield f"  {name}: {figure(waits)} futex waits per file"
    for name, why in cell["skipped"].items():
        yield f"  SKIPPED {name}: {why}"


def verdict_rows(results):
    for row in results["targets"]:
        sign = "≥" if row["more_is_better"] else "≤"
        moonshot = f"{sign} {figure(row['moonshot'])}" if row["moonshot"] is not None else "–"
        if row["value"] is None:
            verdict = "not measured"
        elif results["quick"]:
            verdict = "not judged"
        else:
            verdict = "moonshot" if row["moonshot_met"] else "met" if row["met"] else "MISSED"
        yield (row["cell"], row["rival"], row["says"], figure(row["value"]), f"{sign} {figure(row['limit'])}", moonshot, verdict)


def micro_rows(results):
    """Google Benchmark's rows: the name, CPU time of one iteration, and a rate where one was given."""
    for row in results.get("micro") or ():
        rate = f"{row['bytes_per_second'] / 1e9:.2f} GB/s" if "bytes_per_second" in row else ""
        yield (row["name"], f"{figure(row['cpu_time'])} {row['time_unit']}", rate)


VERDICT_COLUMNS = ("cell", "rival", "what", "measured", "target", "moonshot", "")


def text(results):
    """All of it."""
    lines = [*about(results), ""]
    for cell in results["cells"]:
        lines += [*cell_text(cell), ""]
    if results["targets"]:
        lines += ["targets", *aligned([VERDICT_COLUMNS, *verdict_rows(results)]), ""]
    if results.get("micro"):
        lines += ["micro benchmarks, CPU per iteration", *aligned(list(micro_rows(results))), ""]
    return "\n".join(lines)


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def overview(results):
    """Who is in several cells, a row each: CPU, what it is over the base's, peak memory; the cells side by side."""
    everybody = {name: None for cell in results["cells"] for name in cell["variants"]}
    head = ["", *(f"{cell['title']}, {words.unit(cell)}" for cell in results["cells"]), "peak memory"]

    def part(cell, name):
        if name not in cell["variants"]:
            return "–"
        pairs = cell["pairs"].get(name)
        over = f" · {words.ratio(pairs['cpu'])}×" if pairs else ""
        return figure(cell["variants"][name]["cpu"]["median"]) + over + (", the rival wins" if beats_us(cell, name) else "")

    def memory(name):
        return f"{max(cell['variants'][name]['rss_mib'] for cell in results['cells'] if name in cell['variants']):.0f} MiB"

    rows = [(name, *(part(cell, name) for cell in results["cells"]), memory(name)) for name in everybody]
    return "\n".join([*(f"{fact}  " for fact in about(results)), "", *table(head, rows)])


def markdown(results):
    lines = [f"{fact}  " for fact in about(results)] + [""]
    for cell in results["cells"]:
        lines += [f"**{cell['title']}** ({words.job(cell)})", "", *table(columns(cell), rows_of(cell)), ""]
        lines += [f"{name}: {figure(waits)} futex waits per file." for name, waits in cell["futex_waits"].items()]
    if results["targets"]:
        lines += ["**Targets**", "", *table(VERDICT_COLUMNS, verdict_rows(results)), ""]
    if results.get("micro"):
        lines += ["**Micro benchmarks**", "", *table(("part", "CPU", ""), micro_rows(results)), ""]
    return "\n".join(lines)
