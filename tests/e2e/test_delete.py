"""`hoist delete` against `hoist-server`: argv to exit code, rows, and what the server has left."""

import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403

NO_ONE = "00000000-0000-4000-8000-000000000000"


class Delete(TestCase):
    def stored(self, server, count):
        """A manifest of so many uploads."""
        manifest = self.folder / f"urls-{server.port}.jsonl"
        run = hoist("upload", *server.access(), str(self.make_files(count, under=f"files-{server.port}")), "-L", str(manifest))
        self.assertEqual(run.code, 0, run.err)
        return manifest

    # Everything that a manifest has is deleted, with a row for each; a second time changes nothing and succeeds.
    def test_manifest(self):
        with Server() as server:
            manifest = self.stored(server, 30)
            for _ in range(2):
                run = hoist("delete", *server.access(), str(manifest))
                self.assertEqual(run.code, 0, run.err)
                self.assertEqual({r["status"] for r in results(run.rows)}, {"deleted"})
                self.assertEqual(len(results(run.rows)), 30)
                self.assertEqual(run.rows[-1]["deleted"], 30)
                self.assertEqual(server.account(), {})

    # Ids, manifests and a list on stdin go together.
    def test_sources(self):
        with Server() as server:
            rows = results(read_rows(self.stored(server, 6)))
            ids = [r["id"] for r in rows]
            (self.folder / "two.ids").write_text("\n".join(ids[1:3]) + "\n")
            run = hoist("delete", *server.access(), ids[0], str(self.folder / "two.ids"), "-", stdin="\n".join(ids[3:5]).encode())
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(list(server.account()), ids[5:])

    # A rehearsal says what it would do, without a key and without a request.
    def test_dry_run(self):
        with Server() as server:
            manifest = self.stored(server, 3)
            run = hoist("delete", "-n", "--endpoint", "https://127.0.0.1:1", str(manifest))
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual([r["action"] for r in run.rows if r["type"] == "plan"], ["delete"] * 3)
            self.assertEqual(len(server.account()), 3)

    # What cannot be deleted is a failed row with its reason, and the rest is deleted.
    def test_failures(self):
        with Server() as server:
            manifest = self.stored(server, 3)
            run = hoist("delete", *server.access(), "no-uuid", NO_ONE, "a b", str(manifest))
            self.assertEqual(run.code, 1, run.err)
            failed = {r["id"]: r["error"]["code"] for r in results(run.rows) if r["status"] == "failed"}
            self.assertEqual(failed, {"no-uuid": "removal_rejected", NO_ONE: "not_stored", "a b": "removal_rejected"})
            self.assertEqual(server.account(), {})

    # Rows of a deletion are a list of what it could not delete.
    def test_again(self):
        with Server("--fault", "delete:return-403=first-4") as server:
            run = hoist("delete", *server.access(), str(self.stored(server, 10)))
            self.assertEqual((run.code, run.rows[-1]["failed"]), (1, 4), run.err)
            again = hoist("delete", *server.access(), "-", stdin=run.out)
            self.assertEqual((again.code, again.rows[-1]["deleted"]), (0, 4), again.err)
            self.assertEqual(server.account(), {})

    # A server that asks to wait is waited for.
    def test_retry_after(self):
        with Server("--fault", "delete:return-429=first-3") as server:
            run = hoist("delete", *server.access(), str(self.stored(server, 20)))
            self.assertEqual(run.code, 0, run.err)
            self.assertEqual(server.account(), {})

    # A file that is not there is a mistake, and nothing is deleted because of the other words either.
    def test_usage(self):
        with Server() as server:
            manifest = self.stored(server, 2)
            for words in ([str(manifest), "nosuch.jsonl"], [], [str(self.folder)], [str(manifest), ""]):
                run = hoist("delete", *server.access(), *words)
                self.assertEqual(run.code, 2, run.err)
            self.assertEqual(len(server.account()), 2)

    # The key is refused: exit 4, and nothing is tried twice.
    def test_wrong_key(self):
        with Server() as server:
            manifest = self.stored(server, 5)
            (self.folder / "key").write_text("wrong")
            run = hoist("delete", "--endpoint", server.endpoint, "--cacert", server.cacert, "--api-key-file",
                        str(self.folder / "key"), str(manifest))
            self.assertEqual(run.code, 4, run.err)
            self.assertEqual(run.rows[-1]["error"]["code"], "key_refused")
            self.assertEqual(len(server.account()), 5)

    # The first signal lets what is under way be answered, the second does not; what is told is true either way.
    def test_signals(self):
        with Server("--fault", "delete:stall-300ms") as server:
            running = start_hoist("delete", *server.access(), "-j", "2", str(self.stored(server, 60)))
            wait_for(lambda: server.metrics().get('faults_total{fault="delete:stall-300ms"}', 0) > 2, "deletion begun")
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=DEADLINE)
            self.assertEqual(running.returncode, 130, err)
            rows = [json.loads(line) for line in out.splitlines()]
            self.assertEqual(len(server.account()), 60 - rows[-1]["deleted"])
            self.assertEqual(rows[-1]["complete"], False)
        with Server("--fault", "delete:stall-60s") as server:
            running = start_hoist("delete", *server.access(), str(self.stored(server, 5)))
            wait_for(lambda: server.metrics().get('faults_total{fault="delete:stall-60s"}', 0) > 0, "deletion begun")
            running.send_signal(signal.SIGINT)
            running.send_signal(signal.SIGTERM)
            running.communicate(timeout=DEADLINE)
            self.assertIn(running.returncode, (130, 143))

    # Nobody reads the rows any more: it stops, exit 141.
    def test_closed_output(self):
        with Server("--fault", "delete:stall-20ms") as server:
            manifest = self.stored(server, 400)
            running = start_hoist("delete", *server.access(), "-j", "4", str(manifest))
            running.stdout.close()
            running.wait(timeout=DEADLINE)
            self.assertEqual(running.returncode, 141)
            self.assertGreater(len(server.account()), 0)

    # Rows that cannot be written are a failure of their own, and it is said, be it the last row alone.
    def test_full_disk(self):
        with Server() as server, open("/dev/full", "wb") as full:
            for count in (3, 0):
                listed = self.folder / "ids"
                listed.write_text("".join(f"{NO_ONE[:-1]}{i}\n" for i in range(count)))
                run = subprocess.run([BIN / "hoist", "delete", *server.access(), str(listed)], stdout=full,
                                     stderr=subprocess.PIPE, env=clean_environment(), timeout=DEADLINE)
                self.assertEqual(run.returncode, 4, run.stderr)
                self.assertIn(b"the rows cannot be written", run.stderr)


if __name__ == "__main__":
    main()
