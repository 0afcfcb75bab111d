"""Before anything is timed: does each contender store every file, once, byte for byte? The server's digests say."""

import collections
import hashlib
import pathlib

from scenarios.cells import Cell, Files, Variant
from support.measure import Wrong, clean_environment, execute, job_for

# Around the sizes where senders divide: records, buffers, batches.
SIZES = (1, 4095, 4096, 4097, 16_384, 16_385, 65_536, 65_537, 262_144, 1_000_003, 5_000_000)
OF_EACH = 3
CONCURRENCY = 4


def write_list(corpus, place):
    """A list of files of many sizes, and what the server must then hold."""
    paths = [path for size in SIZES for path in corpus.list_of(Files(OF_EACH, size)).read_text().splitlines()]
    listed = place.scratch / "list-correctness"
    listed.write_text("".join(path + "\n" for path in paths))
    digests = ((len(body), hashlib.sha256(body).hexdigest()) for body in (pathlib.Path(path).read_bytes() for path in paths))
    return listed, collections.Counter(digests)


def check(place, name, contender, variant, listed, expected):
    cell = Cell("correctness", "", Files(sum(expected.values()), 0), CONCURRENCY, variant, ())
    out, err = place.scratch / "out", place.scratch / "err"
    with place.server(["--digest", "sha256"]) as server:
        command = contender.command(job_for(place, cell, variant, server, listed))
        code = execute(command, clean_environment(place, server, variant.env), out, err)
        stored = server.account()
    complaint = err.read_text(errors="replace")[:2000]
    if code != 0:
        raise Wrong(f"{name}: exit status {code}\n{complaint}")
    if collections.Counter((row["size"], row["sha256"]) for row in stored) != expected:
        raise Wrong(f"{name}: what the server stored is not what was sent\n{complaint}")
    if any(row["puts"] != 1 for row in stored):
        raise Wrong(f"{name}: a file was put more than once")
    said = contender.account(out)
    total = sum(size * count for (size, _), count in expected.items())
    if (said["done"], said["failed"], said["bytes"]) != (len(stored), 0, total):
        raise Wrong(f"{name}: it says {said}, the server holds {len(stored)} files of {total} bytes")


def variants_of(cells):
    """One variant of each contender; of hoist, each set of options."""
    seen = {}
    for cell in cells:
        for variant in (cell.base, *cell.rivals):
            if variant.contender != "roofline":
                seen.setdefault((variant.contender, variant.options), variant)
    return list(seen.values())
