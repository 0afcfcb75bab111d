"""The same command again: what is done stays done, whatever ended the run before. The server's own account is the truth."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from hoist_test import (BIN, PATIENCE, SANITIZED, Server, TestCase, clean_environment, hoist, main, path_of, read_rows,
                        results, start_hoist, wait_for, whole_rows)


class Resume(TestCase):
    def setUp(self):
        super().setUp()
        self.manifest = self.folder / "m.jsonl"

    def run_hoist(self, server, *arguments, **more):
        return hoist("upload", *server.access(), *arguments, **more)

    def requests(self, server):
        return server.metric("hoist_server_presigns_total"), server.metric("hoist_server_puts_total")

    def check_manifest(self, paths):
        """One row for each of the paths, then one summary, and nothing else."""
        rows = read_rows(self.manifest)
        self.assertEqual([r["type"] for r in rows].count("summary"), 1)
        self.assertEqual(rows[-1]["type"], "summary")
        self.assertEqual(sorted(path_of(r) for r in results(rows)), sorted(os.fsencode(p) for p in paths))
        return rows

    # The second run makes no request, and its rows name the same URLs.
    def test_same_command_again(self):
        files = self.make_files(50)
        with Server() as server:
            first = self.run_hoist(server, files, "-L", self.manifest)
            self.assertEqual(first.code, 0, first.err)
            urls = {path_of(r): r["public_url"] for r in results(read_rows(self.manifest))}
            before = self.requests(server)
            second = self.run_hoist(server, files, "-L", self.manifest)
            self.assertEqual(second.code, 0, second.err)
            self.assertEqual(self.requests(server), before)
        rows = self.check_manifest(files.iterdir())
        self.assertEqual({path_of(r): r["public_url"] for r in results(rows)}, urls)
        self.assertTrue(all(r["from_ledger"] for r in results(rows)))
        self.assertEqual((rows[-1]["done"], rows[-1]["from_ledger"], rows[-1]["presigns"], rows[-1]["puts"]), (50, 50, 0, 0))
        self.assertIn("50 by an earlier run", second.err)

    # Without a manifest the record is in the user's state folder, one for each API and key, readable by nobody else.
    def test_state_folder(self):
        files = self.make_files(3)
        env = clean_environment(XDG_STATE_HOME=str(self.folder / "state"))
        with Server() as server:
            self.assertEqual(self.run_hoist(server, files, env=env).code, 0)
            again = self.run_hoist(server, files, env=env)
            self.assertEqual([r.get("from_ledger") for r in results(again.rows)], [True] * 3)
            self.assertEqual(server.metric("hoist_server_puts_total"), 3)
            # --no-resume without a place for a ledger keeps none, and so may run beside another.
            self.assertEqual(self.run_hoist(server, files, "--no-resume", env=env).code, 0)
            self.assertEqual(server.metric("hoist_server_puts_total"), 6)
        made = list((self.folder / "state" / "hoist").iterdir())
        self.assertEqual(len(made), 1, made)
        self.assertEqual(made[0].stat().st_mode & 0o777, 0o600)
        self.assertEqual(made[0].parent.stat().st_mode & 0o777, 0o700)

    # A state folder that cannot be made costs the resumption, said once, and not the upload.
    def test_no_state_folder(self):
        files = self.make_files(2)
        env = clean_environment(XDG_STATE_HOME="/proc/none")
        with Server() as server:
            done = self.run_hoist(server, files, env=env)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("cannot be resumed", done.err)

    # A file that grew, was touched, or was rewritten with its time set back is uploaded again; the others are not.
    def test_changed_files(self):
        files = self.make_files(5)
        with Server() as server:
            self.assertEqual(self.run_hoist(server, files, "-L", self.manifest).code, 0)
            (files / "0.png").write_bytes(b"longer than it was, by far" * 9)
            os.utime(files / "1.png", (1, 1))
            was = (files / "2.png").stat()
            (files / "2.png").write_bytes(os.urandom(was.st_size))
            os.utime(files / "2.png", ns=(was.st_atime_ns, was.st_mtime_ns))
            (files / "new.png").write_bytes(b"new")
            again = self.run_hoist(server, files, "-L", self.manifest)
            self.assertEqual(again.code, 0, again.err)
            rows = self.check_manifest(files.iterdir())
            sent = {path_of(r).rsplit(b"/")[-1] for r in results(rows) if "from_ledger" not in r}
            self.assertEqual(sent, {b"0.png", b"1.png", b"2.png", b"new.png"})
            self.check_stored(server, rows)

    # What failed is tried again by the same command; --retry-failed tries that and nothing that is new.
    def test_failed_files(self):
        files = self.make_files(6)
        with Server("--fault", "put:return-413=first-2") as server:
            first = self.run_hoist(server, files, "-L", self.manifest)
            self.assertEqual(first.code, 1, first.err)
            failed = {path_of(r) for r in results(read_rows(self.manifest)) if r["status"] == "failed"}
            self.assertEqual(len(failed), 2)
            (files / "new.png").write_bytes(b"new")
            retried = self.run_hoist(server, files, "-L", self.manifest, "--retry-failed")
            self.assertEqual(retried.code, 0, retried.err)
            rows = self.check_manifest(files.iterdir())
            by_status = {s: {path_of(r) for r in results(rows) if r["status"] == s} for s in ("done", "skipped")}
            self.assertEqual(by_status["skipped"], {os.fsencode(files / "new.png")})
            self.assertEqual({path_of(r) for r in results(rows) if "from_ledger" not in r and r["status"] == "done"}, failed)
            self.assertEqual(self.run_hoist(server, files, "-L", self.manifest).code, 0)
            self.assertEqual(server.metric("hoist_server_puts_total"), 7)

    # --no-resume sends everything again and replaces a manifest only when told to; what it did is recorded.
    def test_no_resume(self):
        files = self.make_files(4)
        with Server() as server:
            self.assertEqual(self.run_hoist(server, files, "-L", self.manifest).code, 0)
            before = self.manifest.read_bytes()
            refused = self.run_hoist(server, files, "-L", self.manifest, "--no-resume")
            self.assertEqual(refused.code, 2)
            self.assertIn("--overwrite", refused.err)
            self.assertEqual(self.manifest.read_bytes(), before)
            anew = self.run_hoist(server, files, "-L", self.manifest, "--no-resume", "--overwrite")
            self.assertEqual(anew.code, 0, anew.err)
            self.assertEqual(server.metric("hoist_server_puts_total"), 8)
            urls = {path_of(r): r["public_url"] for r in results(self.check_manifest(files.iterdir()))}
            self.assertEqual(self.run_hoist(server, files, "-L", self.manifest).code, 0)
            self.assertEqual({path_of(r): r["public_url"] for r in results(read_rows(self.manifest))}, urls)
            self.assertEqual(server.metric("hoist_server_puts_total"), 8)

    # A manifest that is not hoist's, or whose ledger is gone, is kept as it is.
    def test_manifests_that_are_not_gone_on_with(self):
        files = self.make_files(1)
        with Server() as server:
            for content, ledger, reason in ((b"my notes\n", True, "no manifest of hoist's"),
                                            (b'{"v":1,"type":"summary"}\n', False, "not the ledger")):
                self.manifest.write_bytes(content)
                place = pathlib.Path(str(self.manifest) + ".ledger")
                if ledger:
                    self.assertEqual(self.run_hoist(server, files, "--ledger", place).code, 0)
                refused = self.run_hoist(server, files, "-L", self.manifest)
                self.assertEqual(refused.code, 2, refused.err)
                self.assertIn(reason, refused.err)
                self.assertEqual(self.manifest.read_bytes(), content)
                place.unlink(missing_ok=True)

    # A repeated list entry gets its row again, and one upload; the run after that makes none.
    def test_repeated_entries(self):
        files = self.make_files(40)
        names = [os.fsencode(p) for p in sorted(files.iterdir())]
        listed = b"\n".join(names + names[:10] + names[:10])
        with Server() as server:
            for puts in (40, 40):
                done = self.run_hoist(server, "-", "-L", self.manifest, stdin=listed)
                self.assertEqual(done.code, 0, done.err)
                rows = results(read_rows(self.manifest))
                self.assertEqual(sorted(path_of(r) for r in rows), sorted(listed.split(b"\n")))
                self.assertEqual(len({r["public_url"] for r in rows}), 40)
                self.assertEqual(server.metric("hoist_server_puts_total"), puts)

    # A run that ends for a reason of its own lets go of whoever still waits: of a repeated entry's first time, and of a list
    # that its producer holds open.
    def test_fatal_end_while_waiting(self):
        files = self.make_files(2)
        name = os.fsencode(files / "0.png")
        with Server() as server:
            access = ["--endpoint", server.endpoint, "--cacert", server.cacert]
            env = clean_environment(HOIST_API_KEY="no-such-key")
            repeated = hoist("upload", *access, "-", stdin=name + b"\n" + name + b"\n", env=env, timeout=20)
            self.assertEqual(repeated.code, 4, repeated.err)
            held, write_end = os.pipe()
            os.write(write_end, name + b"\n")
            waiting = subprocess.Popen([BIN / "hoist", "upload", *access, "-q", "-"], stdin=held, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=env)
            self.assertEqual(waiting.wait(timeout=20), 4)
            os.close(held)
            os.close(write_end)

    # A refusal is one every time: it leaves no ledger behind that would make the next command go on with the file.
    def test_refused_again(self):
        files = self.make_files(1)
        content = b'{"v":1,"type":"result","path":"elsewhere","status":"done"}\n'
        self.manifest.write_bytes(content)
        with Server() as server:
            for option in ([], [], ["--no-resume"], []):
                refused = self.run_hoist(server, files, "-L", self.manifest, *option)
                self.assertEqual(refused.code, 2, refused.err)
                self.assertEqual(self.manifest.read_bytes(), content)
            both = self.run_hoist(server, files, "-L", self.manifest, "--ledger", self.manifest, "--overwrite")
            self.assertEqual(both.code, 2)
            self.assertIn("one file", both.err)
            self.assertEqual(self.manifest.read_bytes(), content)

    # Another API's ledger and another key's are refused; the key's can be taken over.
    def test_owners(self):
        files = self.make_files(2)
        with Server() as server, Server() as other:
            self.assertEqual(self.run_hoist(server, files, "-L", self.manifest).code, 0)
            before = self.manifest.read_bytes()
            elsewhere = self.run_hoist(other, files, "-L", self.manifest)
            self.assertEqual(elsewhere.code, 2)
            self.assertIn("belongs to the API at " + server.endpoint, elsewhere.err)
            access = ["--endpoint", server.endpoint, "--cacert", server.cacert]
            env = clean_environment(HOIST_API_KEY="another-key")
            stranger = hoist("upload", *access, files, "-L", self.manifest, env=env)
            self.assertEqual(stranger.code, 2)
            self.assertIn("--rekey", stranger.err)
            self.assertEqual(self.manifest.read_bytes(), before)
            taken_over = hoist("upload", *access, files, "-L", self.manifest, "--rekey", env=env)
            self.assertEqual(taken_over.code, 0, taken_over.err)
            self.assertEqual(server.metric("hoist_server_puts_total"), 2)

    # A second process is refused at once while the first goes on.
    def test_two_at_once(self):
        files = self.make_files(400)
        with Server("--put-delay", "100ms") as server:
            first = start_hoist("upload", *server.access(), "-j", "2", files, "-L", self.manifest)
            wait_for(lambda: whole_rows(self.manifest), "a first row")
            second = self.run_hoist(server, files, "-L", self.manifest)
            self.assertEqual(second.code, 2, second.err)
            self.assertIn("in use by another process", second.err)
            self.assertLess(second.seconds, 5 * PATIENCE)
            first.send_signal(signal.SIGINT)
            first.communicate(timeout=60)
            self.assertEqual(first.returncode, 130)
            self.assertEqual(self.run_hoist(server, files, "-L", self.manifest).code, 0)
        self.check_manifest(files.iterdir())

    # A ledger that is cut short, or is none, stops the run before any request and is kept as it is.
    def test_damaged_ledger(self):
        files = self.make_files(300)
        ledger = self.folder / "l"
        with Server() as server:
            self.assertEqual(self.run_hoist(server, files, "--ledger", ledger).code, 0)
            sound = ledger.read_bytes()
            before = self.requests(server)
            for broken in (sound[:len(sound) // 2], b"x" * 5000, sound[:4096] + os.urandom(len(sound) - 4096)):
                ledger.write_bytes(broken)
                refused = self.run_hoist(server, files, "--ledger", ledger)
                self.assertEqual(refused.code, 2, refused.err)
                self.assertIn(str(ledger), refused.err)
                self.assertEqual(ledger.read_bytes(), broken)
            self.assertEqual(self.requests(server), before)

    # A disk that is full under the ledger ends the run with the reason; with room again the same command finishes.
    def test_full_disk(self):
        files = self.make_files(3000, size=10)
        small = self.folder / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", small], capture_output=True).returncode != 0:
            self.skipTest("mounting needs root")
        try:
            with Server() as server:
                full = self.run_hoist(server, files, "--ledger", small / "l")
                self.assertEqual(full.code, 4, full.err)
                self.assertIn("disk is full", full.err)
                done = {path_of(r): r["public_url"] for r in results(full.rows) if r["status"] == "done"}
                self.assertGreater(len(done), 0)
                self.assertFalse([r for r in results(full.rows) if r["status"] == "failed"])
                subprocess.run(["mount", "-o", "remount,size=20m", small], check=True)
                again = self.run_hoist(server, files, "--ledger", small / "l")
                self.assertEqual(again.code, 0, again.err)
                urls = {path_of(r): r["public_url"] for r in results(again.rows)}
                self.assertEqual(len(urls), 3000)
                self.assertEqual({p: urls[p] for p in done}, done)
        finally:
            subprocess.run(["umount", small], check=True)

    def kill_while_answers_are_late(self, server, files, stored):
        """A run whose PUTs are stored and not answered yet, killed when their intents are on disk."""
        running = start_hoist("upload", *server.access(), files, "-L", self.manifest)
        wait_for(lambda: server.metric("hoist_server_puts_total") == stored, "the PUTs")
        # Intents are taken every 100 ms and committed within 50; the answers are 20 s away.
        enough = time.monotonic() + (6 if SANITIZED else 3)
        wait_for(lambda: time.monotonic() > enough, "a commit")
        running.kill()
        running.communicate(timeout=60)
        self.assertEqual(whole_rows(self.manifest), [])

    # What was stored when the run was killed is found by its URL, by anyone's HEAD, and is not sent again.
    def test_adoption(self):
        files = self.make_files(5, size=5000)
        with Server("--put-delay", "20s") as server:
            self.kill_while_answers_are_late(server, files, stored=5)
            again = self.run_hoist(server, files, "-L", self.manifest)
            self.assertEqual(again.code, 0, again.err)
            rows = self.check_manifest(files.iterdir())
            self.assertEqual([r["verified"] for r in results(rows)], ["md5"] * 5)
            self.assertEqual(self.requests(server), (5, 5))
            self.check_stored(server, rows)

    # What is stored and is not the file, by its digest or since the file has changed, is sent again.
    def test_nothing_wrong_is_adopted(self):
        files = self.make_files(4, size=5000)
        with Server("--put-delay", "20s", "--fault", "put:corrupt-body=first-2") as server:
            self.kill_while_answers_are_late(server, files, stored=4)
            state, port = server.state, server.port
            os.utime(files / "3.png")
            server.kill()
            server.options = []
            server.start()
            self.assertEqual((server.state, server.port), (state, port))
            again = self.run_hoist(server, files, "-L", self.manifest)
            self.assertEqual(again.code, 0, again.err)
            rows = self.check_manifest(files.iterdir())
            self.assertIn(server.metric("hoist_server_puts_total"), (2, 3)) # the touched one may be a corrupt one
            self.check_stored(server, rows)

    # A run that is interrupted leaves one row for each settled file and a summary; an interrupted second run loses none
    # of them; the third finishes.
    def test_interrupted_twice(self):
        files = self.make_files(1000)
        with Server("--put-delay", "50ms") as server:
            seen = {}
            for _ in range(2):
                wanted = len(seen) + 60
                running = start_hoist("upload", *server.access(), "-j", "8", files, "-L", self.manifest)
                wait_for(lambda: len({path_of(r) for r in results(whole_rows(self.manifest))}) >= wanted, "rows")
                running.send_signal(signal.SIGINT)
                running.communicate(timeout=60)
                self.assertEqual(running.returncode, 130)
                settled = {path_of(r): r["public_url"] for r in results(read_rows(self.manifest))}
                self.check_manifest(os.fsdecode(p) for p in settled)
                self.assertEqual({p: settled.get(p) for p in seen}, seen)
                seen = settled
            self.assertLess(len(seen), 1000)
            self.assertEqual(self.run_hoist(server, files, "-L", self.manifest).code, 0)
            self.check_manifest(files.iterdir())
            self.assertEqual(server.metric("hoist_server_puts_total"), 1000)

    # Nobody reads the rows: the uploads go on as far as the window goes, and so do the commits. Killed then, the next run sends
    # again at most what was in flight or not yet committed.
    def test_killed_with_a_slow_reader(self):
        files = self.make_files(3500, size=64)
        in_flight = 8
        uncommitted = in_flight * (100 + 50) // 10  # what 8 slots settle, 10 ms each, in a group and the commit of it
        with Server("--put-delay", "10ms") as server:
            running = start_hoist("upload", *server.access(), "-q", "-j", str(in_flight), files)
            wait_for(lambda: server.metric("hoist_server_puts_total") >= 2500, "uploads beyond what a pipe holds", 60)
            running.kill()
            before = server.metric("hoist_server_puts_total")
            rows, _ = running.communicate(timeout=60)
            self.assertLess(rows.count(b"\n"), 1500, "the reader was not slow")
            again = self.run_hoist(server, "-q", files)
            self.assertEqual(again.code, 0, again.err)
            self.assertEqual(len(results(again.rows)), 3500)
            self.assertGreaterEqual(sum(bool(r.get("from_ledger")) for r in results(again.rows)), before - in_flight - uncommitted)
            self.assertLessEqual(server.metric("hoist_server_puts_total"), 3500 + in_flight + uncommitted)

    # Killed twenty times: nothing is lost, nothing is sent again whose row was out, and each kill costs at most what was
    # in flight or not yet committed. One more run makes no request.
    def test_killed_twenty_times(self):
        files = self.make_files(6000, size=64)
        seed = int(os.environ.get("HOIST_KILL_SEED", random.SystemRandom().randrange(1 << 30)))
        draw = random.Random(seed)
        in_flight = 8
        uncommitted = in_flight * (100 + 50) // 25  # what 8 slots settle, 25 ms each, in a group and the commit of it
        with Server("--put-delay", "25ms") as server, self.subTest(seed=seed):
            told = {}
            for _ in range(20):
                running = start_hoist("upload", *server.access(), "-q", "-j", str(in_flight), files, "-L", self.manifest)
                time_left = time.monotonic() + draw.uniform(0.05, 1.2)
                wait_for(lambda: time.monotonic() > time_left, "the moment to kill")
                running.kill()
                running.communicate(timeout=60)
                now = {path_of(r): r["public_url"] for r in results(whole_rows(self.manifest))}
                self.assertEqual({p: now.get(p, u) for p, u in told.items()}, told)
                told.update(now)
            self.assertLess(len(told), 6000)
            last = self.run_hoist(server, files, "-q", "-L", self.manifest, "-j", "64")
            self.assertEqual(last.code, 0, last.err)
            rows = self.check_manifest(files.iterdir())
            urls = {path_of(r): r["public_url"] for r in results(rows)}
            self.assertEqual({p: urls[p] for p in told}, told)
            self.assertLessEqual(server.metric("hoist_server_puts_total"), 6000 + 20 * (in_flight + uncommitted))
            before = self.requests(server)
            self.assertEqual(self.run_hoist(server, files, "-q", "-L", self.manifest).code, 0)
            self.assertEqual(self.requests(server), before)


if __name__ == "__main__":
    main()
