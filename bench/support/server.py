"""A hoist-server that ends with its user, however that one ends."""

import json
import pathlib
import select
import socket
import ssl
import subprocess
import tempfile
import urllib.request

from support import ending

START_LIMIT = 30  # seconds
STOP_LIMIT = 15


class Server:
    def __init__(self, program, scratch, cpu, suite, options):
        self.state = tempfile.mkdtemp(prefix="server-", dir=scratch)
        pinned = ["taskset", "-c", str(cpu)] if cpu is not None else []
        # setpriv: the server gets SIGTERM even when the runner is killed outright.
        command = ["setpriv", "--pdeathsig", "TERM", *pinned, str(program), "--state", self.state, "--threads", "1"]
        command += ["--suite", suite, "--discard", "--log-level", "warn", *options]
        self.process = None
        try:
            with ending.held():
                self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
            ready, _, _ = select.select([self.process.stdout], [], [], START_LIMIT)
            line = self.process.stdout.readline() if ready else b""
            if not line:
                raise RuntimeError("hoist-server did not get ready: " + " ".join(command))
        except BaseException:  # nobody else has it yet
            self.stop()
            raise
        said = json.loads(line)
        self.endpoint = said["endpoint"]
        self.cacert = said["cacert"]
        self.key = pathlib.Path(said["api_key_file"]).read_text().strip()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.cacert)),
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def _get(self, path):
        request = urllib.request.Request(self.endpoint + path, headers={"X-API-Key": self.key})
        with self.opener.open(request, timeout=60) as answer:
            return answer.read().decode()

    def stored(self):
        """Accepted PUTs and their bytes since it began, by its own count."""
        lines = self._get("/metrics").splitlines()
        count = {line.split()[0]: int(float(line.split()[1])) for line in lines if not line.startswith("#")}
        return count["hoist_server_puts_total"], count["hoist_server_put_bytes_total"]

    def account(self):
        """Every stored object: id, size, digests, how often it was put."""
        return [json.loads(line) for line in self._get("/account").splitlines()]

    def suite(self):
        """Protocol and suite that a handshake with it ends in."""
        host, port = self.endpoint.removeprefix("https://").rsplit(":", 1)
        context = ssl.create_default_context(cafile=self.cacert)
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secured:
                return secured.cipher()[1] + " " + secured.cipher()[0]
