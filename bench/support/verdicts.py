"""Targets against results."""

from scenarios.targets import MEASURES, TARGETS


def value_of(target, cell):
    """What was measured for a target in one cell's results; None when it was not."""
    if target.measure == "futex_waits":
        return cell["futex_waits"].get(target.rival)
    if target.measure == "peak_mib":
        variant = cell["variants"].get(target.rival)
        return variant and variant["rss_mib"]
    pairs = cell["pairs"].get(target.rival)
    if pairs is None:
        return None
    if target.measure in ("cheaper", "cost"):
        return pairs["cpu"]["median"]
    if target.measure == "over_floor":
        return 1 / pairs["cpu"]["median"]
    kept = pairs[target.measure]
    return kept and kept["median"]


def reached(value, limit, more_is_better):
    if value is None or limit is None:
        return False
    return value >= limit if more_is_better else value <= limit


def judge(cells):
    """One row for each target of the cells that were run."""
    rows = []
    for target in TARGETS:
        cell = next((cell for cell in cells if cell["name"] == target.cell), None)
        if cell is None:
            continue
        says, more_is_better = MEASURES[target.measure]
        value = value_of(target, cell)
        row = {"cell": target.cell, "rival": target.rival, "measure": target.measure, "says": says, "more_is_better": more_is_better}
        row |= {"limit": target.limit, "moonshot": target.moonshot, "value": value}
        for word, limit in (("met", target.limit), ("moonshot_met", target.moonshot)):
            row[word] = reached(value, limit, more_is_better)
        rows.append(row)
    return rows
