"""Pairs: base and rival in turns, A B B A, the first pair dropped; then medians and their spread."""

import statistics


def in_pairs(base, rival, kept, dropped=1):
    """Runs both `dropped + kept` times, the order turned round from pair to pair. Each is called without arguments."""
    pairs = []
    for i in range(dropped + kept):
        if i % 2 == 0:
            first = base()
            pairs.append((first, rival()))
        else:
            first = rival()
            pairs.append((base(), first))
    return pairs[dropped:]


def spread(values):
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summary_of_runs(runs, unit):
    return {
        "cpu": spread(run.per(unit) for run in runs),
        "user": statistics.median(run.user for run in runs),
        "sys": statistics.median(run.sys for run in runs),
        "wall": spread(run.wall for run in runs),
        "rss_mib": max(run.rss_kib for run in runs) / 1024,
        "files": runs[0].files,
        "bytes": runs[0].bytes,
        "runs": [run.as_json() for run in runs],
    }


def summary_of_pairs(pairs, unit):
    """The rival against the base. `cpu`: rival over base, so more than 1 says that the base is cheaper."""
    return {
        "cpu": spread(rival.per(unit) / base.per(unit) for base, rival in pairs),
        "added_us": spread(rival.per("file") - base.per("file") for base, rival in pairs),
        # Files per second of the rival over the base's; the roofline has no wall time.
        "speed": spread((base.wall / base.files) / (rival.wall / rival.files) for base, rival in pairs)
        if all(rival.wall for _, rival in pairs)
        else None,
        "pairs": len(pairs),
    }
