"""Who can do the job, how each is called, and why one may be missing.

The convention, the same for all but hoist itself: PROGRAM ENDPOINT LISTFILE CONCURRENCY; the key in HOIST_API_KEY, the CA
file in SSL_CERT_FILE (and, for Node, in NODE_EXTRA_CA_CERTS); on stdout one JSON line {"done", "failed", "bytes"}; exit
status 0 when every file is done.
"""

import json
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent.parent / "contenders"
DEBIAN_PYTHON = "/usr/bin/python3"  # whose packages python3-aiohttp and python3-uvloop are
VERSION_WORDS = 5  # of a program's first line; curl goes on for long


@dataclass(frozen=True)
class Job:
    """What one run is to do, and where."""

    endpoint: str
    listed: pathlib.Path  # one path a line
    concurrency: int  # 0: the contender's own choice
    options: tuple  # of hoist
    ledger: pathlib.Path


class Contender:
    """A program of the convention."""

    def __init__(self, program, missing=None):
        self.program = [str(word) for word in program]
        self.missing = missing  # why it cannot be run here, and what would help

    def command(self, job):
        return [*self.program, job.endpoint, str(job.listed), str(job.concurrency)]

    def account(self, stdout):
        return json.loads(stdout.read_text().splitlines()[-1])


class Hoist(Contender):
    def command(self, job):
        options = [option.replace("{ledger}", str(job.ledger)) for option in job.options]
        at_once = str(job.concurrency) if job.concurrency else "auto"
        command = [*self.program, "upload", "--endpoint", job.endpoint, "--files-from", str(job.listed)]
        return [*command, "-j", at_once, "--progress", "none", "--quiet", *options]

    def account(self, stdout):
        """Its summary, the last of its rows."""
        with open(stdout, "rb") as rows:
            rows.seek(max(0, os.stat(stdout).st_size - 4096))
            return json.loads(rows.read().splitlines()[-1])


def works(*command):
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60).returncode == 0
    except OSError:
        return False


def built(folder, name, packages):
    program = folder / name
    return Contender([program], None if program.exists() else f"not built: needs {packages}")


def known(build):
    """All contenders by name; `build` is the build directory."""
    programs = build / "bench" / "bin"
    node, curl = shutil.which("node"), shutil.which("curl")
    has_fetch = node and works(node, "-e", "process.exit(typeof fetch === 'function' ? 0 : 1)")
    has_aiohttp = works(DEBIAN_PYTHON, "-c", "import aiohttp")
    return {
        "hoist": Hoist([build / "bin" / "hoist"]),
        "stock_beast": built(programs, "stock_beast", "nothing but this build"),
        "libcurl_multi": built(programs, "libcurl_multi", "libcurl4-openssl-dev and libjson-c-dev"),
        "go_net_http": built(programs, "go_net_http", "golang-go"),
        "node_fetch": Contender([node, HERE / "node_fetch.mjs"], None if has_fetch else "needs a node that has fetch: nodejs"),
        "python_aiohttp": Contender([DEBIAN_PYTHON, "-B", HERE / "python_aiohttp.py"], None if has_aiohttp else "needs python3-aiohttp"),
        "curl_parallel": Contender([DEBIAN_PYTHON, "-B", HERE / "curl_parallel.py"], None if curl else "needs curl"),
    }


def versions():
    """What the contenders are made of, as far as it can be asked."""
    questions = {
        "go": ("go", "version"),
        "node": ("node", "-p", "process.version + (process.versions.undici ? ', undici ' + process.versions.undici : '') + ', OpenSSL ' + process.versions.openssl"),
        "curl": ("curl", "--version"),
        "python": (DEBIAN_PYTHON, "--version"),
        "aiohttp": (DEBIAN_PYTHON, "-c", "import aiohttp; print(aiohttp.__version__)"),
        "uvloop": (DEBIAN_PYTHON, "-c", "import uvloop; print(uvloop.__version__)"),
    }
    found = {}
    for name, command in questions.items():
        if shutil.which(command[0]):
            said = subprocess.run(command, capture_output=True, text=True, timeout=60)
            if said.returncode == 0 and said.stdout:
                found[name] = " ".join(said.stdout.splitlines()[0].split()[:VERSION_WORDS])
    return found
