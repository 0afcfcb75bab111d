"""What every end-to-end test needs: the two programs, a server that stops by itself, and rows as dictionaries.

The programs' folder comes from HOIST_BIN. Nothing here knows how hoist works inside.
"""

import base64
import hashlib
import json
import os
import pathlib
import select
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

BIN = pathlib.Path(os.environ.get("HOIST_BIN", "build/bin"))
DEADLINE = 60  # seconds: no command of a test may take longer


class Server:
    """A hoist-server on a free loopback port. Use as a context manager."""

    def __init__(self, *options, state=None, port=0):
        self.options = list(options)
        self.given_state = state
        self.port = port

    def __enter__(self):
        self.state = self.given_state or tempfile.mkdtemp(prefix="hoist-server-")
        self.start()
        return self

    def start(self):
        command = [BIN / "hoist-server", "--port", str(self.port), "--state", self.state, "--log-level", "warn"]
        self.process = subprocess.Popen(command + self.options, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
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
        context = ssl.create_default_context(cafile=self.cacert) if self.cacert else None
        request = urllib.request.Request(url, headers=headers or {})
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:
            return answer.read()

    def metric(self, name):
        for line in self.get(self.endpoint + "/metrics").decode().splitlines():
            if line.startswith(name + " "):
                return int(float(line.split()[1]))
        raise AssertionError("no metric " + name)


class Result:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    @property
    def rows(self):
        return [json.loads(line) for line in self.out.splitlines()]


def clean_environment(**more):
    """Without what could lead hoist elsewhere: keys, options, proxies."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("HOIST_") and "proxy" not in k.lower()}
    for name in ("EACHLABS_API_KEY", "EACH_API_KEY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        env.pop(name, None)
    env.update(more)
    return env


def hoist(*arguments, stdin=None, env=None, cwd=None, timeout=DEADLINE):
    started = time.monotonic()
    done = subprocess.run([BIN / "hoist", *arguments], input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env or clean_environment(), cwd=cwd,
                          timeout=timeout)
    return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"), time.monotonic() - started)


def start_hoist(*arguments, **more):
    return subprocess.Popen([BIN / "hoist", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=clean_environment(), **more)


def read_rows(path):
    return [json.loads(line) for line in pathlib.Path(path).read_bytes().splitlines()]


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

    def make_files(self, count, size=100, under="files"):
        folder = self.folder / under
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (folder / f"{i}.png").write_bytes(os.urandom(size))
        return folder

    def check_stored(self, server, rows):
        """Every done row's URL returns the bytes of its file."""
        done = [r for r in results(rows) if r["status"] == "done"]
        for row in done:
            with open(path_of(row), "rb") as file:
                source = file.read()
            self.assertEqual(sha256(server.get(row["public_url"])), sha256(source), row)
        return len(done)


def main():
    unittest.main(argv=sys.argv, verbosity=2)
