"""The cells: which files, who is compared with whom, how often. Data only; support/ runs them."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Files:
    count: int
    size: int  # bytes of each


@dataclass(frozen=True)
class Variant:
    """One way to do a cell's job."""

    name: str
    contender: str  # a key of support/contenders.py
    options: tuple = ()  # hoist: further flags
    env: dict = field(default_factory=dict)
    files: Files | None = None  # instead of the cell's
    server: str = "plain"  # a key of the cell's servers
    pairs: int | None = None  # instead of the cell's


@dataclass(frozen=True)
class Cell:
    name: str
    title: str
    files: Files
    concurrency: int  # PUTs in flight
    base: Variant
    rivals: tuple
    unit: str = "file"  # CPU time is shown per file, or per GB (10^9 bytes)
    pairs: int = 5  # kept; one more is run first and dropped
    servers: dict = field(default_factory=lambda: {"plain": ()})  # name: options beside --discard and --digest
    digest: str = "none"  # of the servers
    cpus: str = "one"  # the client's: "one", or "all" of this machine
    counts_futexes: bool = False  # once more under strace, at the end
    default: bool = True  # part of a run without --cell


SMALL = Files(20_000, 4096)
MEDIUM = Files(4_000, 262_144)
LARGE = Files(12, 100_000_000)

# Nothing recorded, nothing resumed: what the others do. Sizes are verified all the same.
BARE = ("--no-resume", "--threads", "1")
HOIST = Variant("hoist", "hoist", BARE)
# hoist as it comes, but for the one thread: every done file is on disk before its row is out.
DEFAULTS = Variant("hoist, with ledger", "hoist", ("--ledger", "{ledger}", "--threads", "1"))

PEERS = (
    Variant("libcurl multi", "libcurl_multi"),
    Variant("Go net/http", "go_net_http", env={"GOMAXPROCS": "1"}),
    Variant("stock Beast", "stock_beast"),
    Variant("curl --parallel", "curl_parallel", pairs=3),
    Variant("Python aiohttp", "python_aiohttp", pairs=2),
    Variant("Node fetch", "node_fetch", pairs=2),
)


def hoist(name, *options, **more):
    return Variant(name, "hoist", options, **more)


def presign_depth(n):
    return hoist(f"depth {n}", *BARE, "--presign-depth", str(n))


def curl_buffer(kib):
    return Variant(f"{kib} KiB", "libcurl_multi", env={"BENCH_CURL_BUFFER": str(kib * 1024)})


DIGESTED = Files(16, 100_000_000)
MD5 = hoist("hoist --verify md5", *BARE, "--verify", "md5")

CELLS = (
    Cell("small", "4 KB files", SMALL, 32, HOIST, (DEFAULTS, *PEERS)),
    Cell("medium", "256 KB files", MEDIUM, 16, HOIST, (DEFAULTS, *PEERS)),
    Cell("large", "100 MB files", LARGE, 4, HOIST, (DEFAULTS, *PEERS), unit="GB"),
    Cell("roofline", "100 MB files against plain send() + AES-GCM", LARGE, 4, HOIST, (Variant("roofline", "roofline"),), unit="GB"),
    Cell("ledger", "4 KB files, the ledger on and off", SMALL, 32, HOIST, (DEFAULTS,), pairs=7),
    # Against a server that digests what comes, as a storage does, and which one core makes slower than the client; and the
    # client's side alone.
    Cell("md5", "16 large files at once, --verify md5", DIGESTED, 16, HOIST, (MD5,), unit="GB", digest="md5"),
    Cell("md5_client", "16 large files at once, --verify md5, the server digests nothing", DIGESTED, 16, HOIST, (MD5,), unit="GB"),
    Cell(
        "threads", "4 KB files, two threads against one", SMALL, 32,
        HOIST, (hoist("hoist, two threads", "--no-resume", "--threads", "2"),), cpus="all", counts_futexes=True,
    ),
    Cell(
        "latency", "4 KB files, every answer 50 ms later, -j auto", Files(60_000, 4096), 0,
        HOIST, (hoist("50 ms added", *BARE, server="slow"),), pairs=3,
        servers={"plain": (), "slow": ("--put-delay", "50ms", "--presign-delay", "50ms")},
    ),
    # Takes minutes, so only with --full or by its name. Ten thousand files hardly pay for 256 handshakes; the step from a
    # hundred thousand to a million is the one that shows growth.
    Cell(
        "million", "a million 4 KB files against ten thousand, 256 at once", Files(10_000, 4096), 256,
        HOIST,
        (
            hoist("a hundred thousand", *BARE, files=Files(100_000, 4096)),
            hoist("a million files", *BARE, files=Files(1_000_000, 4096)),
        ),
        pairs=2, default=False,
    ),
    # Sweeps: by name only.
    Cell(
        "presign_depth", "4 KB files by presigns unanswered on a connection", SMALL, 32,
        HOIST, tuple(map(presign_depth, (1, 2, 4, 8, 16, 32))), pairs=3, default=False,
    ),
    Cell(
        "curl_buffer_small", "libcurl's upload buffer, 4 KB files", SMALL, 32,
        curl_buffer(64), tuple(map(curl_buffer, (16, 128, 256, 512, 2048))), pairs=3, default=False,
    ),
    Cell(
        "curl_buffer_large", "libcurl's upload buffer, 100 MB files", LARGE, 4,
        curl_buffer(64), tuple(map(curl_buffer, (16, 128, 256, 512, 2048))), unit="GB", pairs=3, default=False,
    ),
)

FULL = ("million",)  # what --full adds to the default cells
