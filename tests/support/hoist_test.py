"""What every end-to-end test needs: the two programs, a server that stops by itself, and rows as dictionaries.

The programs' folder comes from HOIST_BIN. Nothing here knows how hoist works inside.

Every command is run in a home of its test's own (a ledger kept by default stays there), logs at trace level into a file
there, and what it put out is searched for secrets: see canary.py.
"""

import atexit
import base64
import hashlib
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import canary

BIN = pathlib.Path(os.environ.get("HOIST_BIN", "build/bin"))
# A sanitizer build is several times slower, and its memory says nothing about ours.
SANITIZED = (BIN / "hoist").exists() and re.search(b"__[at]san_init", (BIN / "hoist").read_bytes()) is not None
PATIENCE = 5 if SANITIZED else 1  # factor for limits of time
DEADLINE = 60 * PATIENCE  # seconds: no command of a test may take longer


def scratch():
    """In memory where there is plenty: on a busy disk, files take longer to make and remove than to upload."""
    if "TMPDIR" in os.environ or not os.access("/dev/shm", os.W_OK):
        return None
    there = os.statvfs("/dev/shm")
    return "/dev/shm" if there.f_bavail * there.f_frsize >= 2 << 30 else None


tempfile.tempdir = scratch()


class Server:
    """A hoist-server on a free loopback port. Use as a context manager."""

    def __init__(self, *options, state=None, port=0, env=None):
        self.options = list(options)
        self.env = env
        self.given_state = state
        self.port = port

    def __enter__(self):
        self.state = self.given_state or tempfile.mkdtemp(prefix="hoist-server-")
        self.start()
        return self

    def start(self):
        command = [BIN / "hoist-server", "--port", str(self.port), "--state", self.state, "--log-level", "warn"]
        self.process = subprocess.Popen(command + self.options, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env=self.env)
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.process.kill()
            raise AssertionError("hoist-server did not get ready")
        said = json.loads(line)
        self.endpoint = said["endpoint"]
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        self.cacert = said.get("cacert") or ""
        self.key_file = said["api_key_file"]
        self.key = pathlib.Path(self.key_file).read_text().strip()
        canary.watch(self.key)
        canary.watch((pathlib.Path(self.state) / "signing-secret").read_text().strip())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not self.process.stdout.closed:
            self.process.stdout.close()
        if not self.given_state:
            shutil.rmtree(self.state, ignore_errors=True)

    def access(self):
        """The options that lead hoist here."""
        trust = ["--cacert", self.cacert] if self.cacert else []
        return ["--endpoint", self.endpoint, "--api-key-file", self.key_file] + trust

    def get(self, url, headers=None):
        """Asks until the connection holds: faults of the server's may hit this request too."""
        context = ssl.create_default_context(cafile=self.cacert) if self.cacert else None
        request = urllib.request.Request(url, headers=headers or {})
        for tries_left in range(20, -1, -1):
            try:
                with urllib.request.urlopen(request, context=context, timeout=20) as answer:
                    return answer.read()
            except urllib.error.HTTPError:
                raise
            except (urllib.error.URLError, ConnectionError, ssl.SSLError, http.client.HTTPException):
                if tries_left == 0:
                    raise

    def metrics(self):
        """All counters: 'puts_total', or with a label 'faults_total{fault="put:reset"}'."""
        lines = self.get(self.endpoint + "/metrics").decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name.removeprefix("hoist_server_"): int(float(value)) for name, value in pairs}

    def metric(self, name):
        return self.metrics()[name.removeprefix("hoist_server_")]

    def account(self):
        """What is stored, by id: the truth."""
        lines = self.get(self.endpoint + "/account", {"X-API-Key": self.key}).splitlines()
        return {row["id"]: row for row in map(json.loads, lines)}


class Result:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    @property
    def rows(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Home:
    """Where the commands of one test keep their state. The user's home is never touched."""

    current = None

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hoist-home-"))
        self.log = self.folder / "hoist.log"
        self.commands = []
        Home.current = self

    def environment(self):
        return {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state"),
                "HOIST_LOG_FILE": str(self.log), "HOIST_LOG_LEVEL": "trace"}

    def guard(self):
        for file in self.folder.rglob("*"):
            canary.guard_file(file)

    def remove(self):
        """Ends what a failed test left running, too: without its server a command would wait for ever."""
        for command in self.commands:
            if command.poll() is None:
                command.kill()
                command.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)
        if Home.current is self:
            Home.current = None


def home():
    """The running test's; without a test, the process's."""
    if Home.current is None:
        atexit.register(Home().remove)
    return Home.current


def clean_environment(**more):
    """Without what could lead hoist elsewhere (keys, options, proxies), and with a home for this test alone."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("HOIST_") and "proxy" not in k.lower()}
    for name in ("EACHLABS_API_KEY", "EACH_API_KEY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        env.pop(name, None)
    env.update(home().environment())
    if "TEST_THREADS" in os.environ:  # how many, where a test does not say
        env["HOIST_THREADS"] = os.environ["TEST_THREADS"]
    env.update(more)
    return env


# Options whose file a command writes.
WRITTEN = re.compile(rb"(-L|--manifest|--log-file|--ledger)(=(?P<file>.*))?$", re.S)


def files_of(arguments, cwd):
    """The files that a command was told to write, and what lies beside its ledger."""
    words = [os.fsencode(a) for a in arguments]
    for word, following in zip(words, words[1:] + [b""]):
        option = WRITTEN.match(word)
        if option:
            name = pathlib.Path(cwd or ".") / os.fsdecode(option["file"] if option["file"] is not None else following)
            yield from name.parent.glob(name.name + "*")


class Command(subprocess.Popen):
    """A hoist command. Whoever takes its output has it searched for secrets."""

    def __init__(self, arguments, env=None, cwd=None, **more):
        self.given, self.folder, self.env = arguments, cwd, env or clean_environment()
        super().__init__([BIN / "hoist", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, cwd=cwd,
                         **more)
        home().commands.append(self)

    def communicate(self, *arguments, **more):
        out, err = super().communicate(*arguments, **more)
        canary.watch(self.env.get("HOIST_API_KEY", ""))
        canary.guard(out or b"", "stdout")
        canary.guard(err or b"", "stderr")
        for file in files_of(self.given, self.folder):
            canary.guard_file(file)
        canary.guard_file(pathlib.Path(self.env.get("HOIST_LOG_FILE", "/nowhere")))
        return out, err


def hoist(*arguments, stdin=None, env=None, cwd=None, timeout=DEADLINE, **more):
    started = time.monotonic()
    with Command(arguments, env, cwd, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, **more) as command:
        try:
            out, err = command.communicate(stdin, timeout=timeout)
        except BaseException:
            command.kill()
            raise
    return Result(command.returncode, out, err.decode(errors="replace"), time.monotonic() - started)


def start_hoist(*arguments, env=None, cwd=None, **more):
    return Command(arguments, env, cwd, stdin=subprocess.DEVNULL, **more)


def read_rows(path):
    return [json.loads(line) for line in pathlib.Path(path).read_bytes().splitlines()]


def whole_rows(path):
    """What a reader takes from a manifest at any moment: lines that are finished."""
    text = pathlib.Path(path).read_bytes() if pathlib.Path(path).exists() else b""
    return [json.loads(line) for line in text[:text.rfind(b"\n") + 1].splitlines()]


def results(rows):
    return [r for r in rows if r["type"] == "result"]


def path_of(row):
    """The bytes of a row's path."""
    return base64.b64decode(row["path_b64"]) if "path_b64" in row else row["path"].encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def wait_for(condition, what, seconds=20):
    """Polls a condition of another process; there is nothing to be told by."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("never happened: " + what)
        select.select([], [], [], 0.01)


class TestCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hoist-test-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.home = Home()
        self.addCleanup(self.home.remove)
        self.addCleanup(self.guard_files)

    def guard_files(self):
        """Whatever was written by a command that no helper ran."""
        self.home.guard()
        for pattern in ("*.jsonl*", "*.ledger*", "*.log*"):
            for file in self.folder.rglob(pattern):
                canary.guard_file(file)

    def make_files(self, count, size=100, under="files"):
        folder = self.folder / under
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (folder / f"{i}.png").write_bytes(os.urandom(size))
        return folder

    def check_stored(self, server, rows, at_most=None):
        """Every done row's URL (or that of so many of them) returns the bytes of its file."""
        done = [r for r in results(rows) if r["status"] == "done"]
        for row in done[:at_most]:
            with open(path_of(row), "rb") as file:
                source = file.read()
            self.assertEqual(sha256(server.get(row["public_url"])), sha256(source), row)
        return len(done)

    def check_settled(self, server, rows):
        """Whatever ended the run: what a done row names is stored with the file's bytes, and named by no other row; a
        failed one has its reason."""
        account = server.account()
        done = [row for row in rows if row["status"] == "done"]
        for row in done:
            stored = account.get(row["id"], {})
            with open(path_of(row), "rb") as file:
                self.assertEqual(stored.get("sha256"), sha256(file.read()), row)
            self.assertTrue(row["public_url"].endswith(row["id"]), row)
        self.assertEqual(len({row["id"] for row in done}), len(done), "ids of different files")
        for row in rows:
            if row["status"] == "failed":
                self.assertTrue(row["error"]["code"] and row["error"]["phase"] and row["error"]["message"], row)

    def check_account(self, server, folder, run):
        """The gate of the scorecard, for a run that came to its end over `folder`. The server keeps SHA-256 digests.

        Each file is in exactly one of done and failed-with-a-reason; what a done row names is stored with the file's
        bytes, and named by no other row; the exit code is 0 only when nothing failed. Returns the rows by status.
        """
        rows = run.rows
        self.assertTrue(rows, run.err)
        summary, by_status = rows[-1], {"done": [], "failed": []}
        for row in results(rows):
            by_status[row["status"]].append(row)
        files = sorted(os.fsencode(p) for p in folder.rglob("*") if p.is_file())
        self.assertEqual(sorted(path_of(row) for row in results(rows)), files, run.err)
        self.check_settled(server, results(rows))
        self.assertEqual((summary["type"], summary["complete"], summary["done"], summary["failed"]),
                         ("summary", True, len(by_status["done"]), len(by_status["failed"])))
        self.assertEqual(run.code, 1 if by_status["failed"] else 0, run.err)
        return by_status


class TimedResult(unittest.TextTestResult):
    """Tells how long each test took: tests/README.md has a budget for each file."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        if self.showAll:
            self.stream.write(f"({time.monotonic() - self.began:.1f} s) ")
        super().addSuccess(test)


def main():
    unittest.main(argv=sys.argv, testRunner=unittest.TextTestRunner(verbosity=2, resultclass=TimedResult))
