"""The server is away in mid-run: no file fails, it is asked once a second, and found again within half a minute. Both when
nobody is at its address and when somebody is who takes connections and hangs up, as a balancer without its servers does."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import contextlib
import os
import socket
import threading
import time

from faults import faulty
from hoist_test import Result, wait_for
from soak import Soak

LIBRARY = os.environ.get("HOIST_FAIL_NTH", "build/tests/support/fail_nth_call.so")
HOSTS = 2  # the API and the storage: each is asked by itself, also where both are one address
IN_FLIGHT = 8


@contextlib.contextmanager
def hanging_up(port):
    """Takes every connection to the port and closes it at once."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        def take():
            with contextlib.suppress(OSError):  # the listener is shut
                while True:
                    listener.accept()[0].close()

        taking = threading.Thread(target=take)
        taking.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            taking.join()


class Outage(Soak):
    short = {"away": 6.0, "files": 800}
    long = {"away": 300.0, "files": 5000}

    def soak(self, figures):
        files = self.make_many(figures.files, 1000)
        self.outlast("nobody", figures, files, lambda port: contextlib.nullcontext())
        self.outlast("hanging_up", figures, files, hanging_up)

    def outlast(self, name, figures, files, in_its_place):
        manifest, counted = self.folder / f"{name}.jsonl", self.folder / f"{name}.connects"
        count = {"LD_PRELOAD": LIBRARY, "NTH_CALL": "connect", "NTH_OF": "socket:*", "NTH_REPORT": str(counted), "NTH_AT": "0"}
        with faulty(options=["--put-delay", "20ms"]) as server:
            running = self.begin(server, "-q", "-j", str(IN_FLIGHT), str(files), "-L", str(manifest), more=count)
            wait_for(lambda: server.metric("puts_total") >= figures.files // 4, "a quarter of the PUTs")
            server.kill()
            back = time.monotonic() + figures.away
            with in_its_place(server.port):
                wait_for(lambda: time.monotonic() > back, "the return", figures.away + 60)
            self.assertIsNone(running.poll(), "it did not wait")
            server.start()
            returned = time.monotonic()
            wait_for(lambda: server.metric("puts_total") > 0, "a PUT after the return", 60)
            going_again_after = round(time.monotonic() - returned, 1)
            _, err = running.communicate(timeout=600)
            self.assertEqual(running.returncode, 0, err.decode(errors="replace"))
            done = self.check_account(server, files, Result(0, manifest.read_bytes(), "", 0))["done"]
        connects = int(counted.read_text().split()[1])
        self.facts[name] = {"done": len(done), "connects": connects, "going_again_after": going_again_after}
        self.assertEqual(len(done), figures.files)
        self.assertLess(going_again_after, 30)
        # Connections before it went and after it came; what was in flight, which tries once more before anybody knows; and
        # from then on one that asks for all.
        self.assertLessEqual(connects, 6 * IN_FLIGHT + HOSTS * (figures.away + 1))


Outage.main()
