"""What hoist is meant to reach, cell by cell. A target that is missed is printed as missed; it never fails a run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    cell: str
    rival: str  # the variant compared with the cell's base
    measure: str  # see MEASURES
    limit: float
    moonshot: float | None = None


# name: (what it says, whether more is better)
MEASURES = {
    "cheaper": ("CPU of the rival over hoist's", True),
    "cost": ("CPU over the base's", False),
    "over_floor": ("CPU over the roofline's", False),
    "added_us": ("CPU added per file, µs", False),
    "speed": ("files/s over the base's", True),
    "peak_mib": ("peak memory, MiB", False),
    "futex_waits": ("futex waits per file", False),
}

TARGETS = (
    Target("small", "libcurl multi", "cheaper", 3.0, 4.0),
    Target("small", "Go net/http", "cheaper", 3.0, 4.0),
    Target("small", "Node fetch", "cheaper", 30, 50),
    Target("small", "Python aiohttp", "cheaper", 30, 50),
    Target("medium", "libcurl multi", "cheaper", 2.0, 2.5),
    Target("medium", "Go net/http", "cheaper", 1.5, 2.0),
    Target("large", "libcurl multi", "cheaper", 1.15, 1.3),
    Target("large", "Go net/http", "cheaper", 1.1, 1.3),
    Target("large", "stock Beast", "cheaper", 4.0, 5.0),
    Target("roofline", "roofline", "over_floor", 1.15, 1.05),
    Target("ledger", "hoist, with ledger", "added_us", 10, 4),
    Target("ledger", "hoist, with ledger", "speed", 0.85),
    Target("md5", "hoist --verify md5", "cost", 1.5, 1.15),
    Target("md5_client", "hoist --verify md5", "cost", 1.5, 1.15),
    Target("threads", "hoist, two threads", "cost", 1.1),
    # None in the steady state; starting and ending a run has a few, whatever the number of files.
    Target("threads", "hoist, two threads", "futex_waits", 0.01),
    Target("latency", "50 ms added", "speed", 0.9),
    Target("million", "a million files", "cost", 1.10, 1.0),
    Target("million", "a million files", "peak_mib", 128, 64),
)
