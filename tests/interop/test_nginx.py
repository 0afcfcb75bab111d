"""Behind Debian's nginx with its defaults: a backend that is killed in mid-run, and a limit of requests.

nginx listens on 127.0.0.2 and the server behind it on 127.0.0.1, at the same port, so that the signed Host is that of
nginx. What nginx answered is in its access log. Skipped, with the reason, where there is no nginx.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403

# Where check.sh has unpacked it, or the system's.
NGINX = next((p for p in (BIN.absolute().parent / "interop/nginx/usr/sbin/nginx", pathlib.Path("/usr/sbin/nginx")) if p.exists()), None)
FRONT = "127.0.0.2"
OUTAGE = 45  # seconds

# The lines of Debian's nginx.conf that matter here, as they come, and a server that passes everything on.
CONFIGURATION = """
{user}worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{
    worker_connections 768;
}}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    log_format times '$msec $status $request_method $connection';
    access_log {folder}/access.log times;
    {more}
    server {{
        listen {front}:{port};
        location / {{
            proxy_pass http://127.0.0.1:{port};
            proxy_set_header Host $http_host;
        }}
        location /v1/ {{
            {limit}
            proxy_pass http://127.0.0.1:{port};
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Front:
    """nginx before a server at `port`."""

    def __init__(self, port, more="", limit=""):
        self.port = port
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hoist-nginx-"))
        user = "user www-data;\n" if os.geteuid() == 0 else ""
        self.folder.chmod(0o755)
        (self.folder / "nginx.conf").write_text(CONFIGURATION.format(user=user, folder=self.folder, front=FRONT, port=port,
                                                                     more=more, limit=limit))

    def __enter__(self):
        self.process = subprocess.Popen([NGINX, "-c", self.folder / "nginx.conf", "-p", self.folder, "-g", "daemon off;"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.listens, "nginx")
        return self

    def listens(self):
        with socket.socket() as one:
            return one.connect_ex((FRONT, self.port)) == 0

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def answers(self):
        """(time, status, method, connection) of each request, as nginx logged it."""
        lines = (self.folder / "access.log").read_text().split("\n")
        return [(float(t), int(status), method, int(connection)) for t, status, method, connection in
                (line.split() for line in lines if line.count(" ") == 3)]


@unittest.skipUnless(NGINX, "there is no nginx: neither in build/interop nor in /usr/sbin")
class Nginx(TestCase):
    def backend(self, port, *options):
        return Server("--plain-http", "--advertise-host", FRONT, "--discard", *options, port=port)

    def access(self, server):
        return ["--endpoint", f"http://{FRONT}:{server.port}", "--api-key-file", server.key_file, "--allow-plain-http",
                "--allow-private-storage"]

    # The backend is gone for 45 s, and nginx answers 502 meanwhile: that is an outage. No file fails, though each may fail
    # for 10 s only; after the first second it is asked about once a second; and it is told what is waited for.
    def test_backend_killed(self):
        port = free_port()
        folder = self.make_files(20000, size=100)
        with self.backend(port, "--put-delay", "5ms") as server, Front(port) as front:
            run = start_hoist("upload", *self.access(server), "--give-up-after", "10s", "--progress", "plain",
                              "--stats", "5s", "-j", "16", str(folder))
            told = {}

            def read():
                told["out"], told["err"] = run.communicate(timeout=DEADLINE + 3 * OUTAGE)

            reader = threading.Thread(target=read)
            reader.start()
            wait_for(lambda: len(front.answers()) > 4000, "some files", 60)
            gone = time.time()
            server.kill()
            time_to_return = threading.Event()
            time_to_return.wait(OUTAGE)  # it is this outage's length that is tested
            back = time.time()
            server.start()
            reader.join()
            rows = [json.loads(line) for line in told["out"].splitlines()]
            self.assertEqual(run.returncode, 0, told["err"][-2000:])
            self.assertEqual((rows[-1]["done"], rows[-1]["failed"]), (20000, 0))
            refused = [t for t, status, _, _ in front.answers() if status in (502, 503, 504)]
            self.assertLessEqual(len([t for t in refused if gone + 1 < t < back]), 60)
            self.assertLess(len(refused), 400)
            err = told["err"].decode() if isinstance(told["err"], bytes) else told["err"]
            self.assertIn("waiting for", err)
            self.assertRegex(err, r"does not answer \(.*502")
            self.assertIn("answers again", err)

    def limited(self, name, limit, files, options=()):
        port = free_port()
        folder = self.make_files(files, size=100, under=name)
        more = "limit_req_zone $server_addr zone=all:1m rate=200r/s; limit_req_status 429;"
        with self.backend(port) as server, Front(port, more, limit) as front:
            run = hoist("upload", *self.access(server), *options, str(folder), timeout=DEADLINE + 60)
            self.assertEqual(run.code, 0, run.err[-2000:])
            answers = front.answers()
        begun = answers[0][0]
        answers = [answer for answer in answers if answer[2] == "POST"]
        refused = len([1 for _, status, _, _ in answers if status == 429])
        served = [t for t, status, _, _ in answers if status == 200]
        last = max(served)
        steady = [t for t in served if begun + 10 < t < last - 1]
        rate = len(steady) / (last - 1 - (begun + 10))
        return refused / len(answers), rate

    # nginx takes 200 presigns a second and refuses the others with 429: of all at most one in twenty is refused, and from the
    # tenth second on four fifths of what is allowed are served.
    def test_limited(self):
        for name, options in (("eight", ("-j", "8")), ("auto", ())):
            with self.subTest(name):
                share, rate = self.limited(name, "limit_req zone=all burst=20 nodelay;", 5000, options)
                self.assertLessEqual(share, 0.05)
                self.assertGreaterEqual(rate, 0.8 * 200)


if __name__ == "__main__":
    main()
