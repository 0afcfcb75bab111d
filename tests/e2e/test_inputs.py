"""What lies on this machine's side: odd names, special files, and few descriptors."""

import os
import pathlib
import random
import resource
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403


def digesting(*options):
    return Server("--discard", "--digest", "sha256", *options)


class Names(TestCase):
    odd = [b"new\nline", b"\nfirst", b"last\n", b"cr\rlf\r\n", b"tab\t", b"esc\x1b[2J\x1b]0;title\x07", b"quote\"s'`$(x)",
           b"back\\slash\\n", b"bad\xff\xfe", b"half\xe2\x82", b"surrogate\xed\xa0\x80", b"overlong\xc0\xaf", b"c1\xc2\x9b2J",
           "bidi\u202egnp.exe".encode(), "\u2028\u2029".encode(), "\ufeffbom".encode(), "e\u0301 \u00e9".encode(), b"-rf", b"--", b"-",
           b" ", b"  lead and trail  ", b"{}[]*?", b"%2F%00", b"#fragment?query=1", b"~", b"...", b"con.", b"\x7f", b"\x01\x02",
           b"x" * 255, b"\xff" * 255, "\U0001f600".encode() * 60]

    def write(self, folder, names):
        for name in names:
            with open(os.path.join(os.fsencode(folder), name), "wb") as file:
                file.write(b"<" + name + b">")

    # Each name, and hundreds at random, is mapped back by its row to the very file, whose bytes are stored; and nothing
    # of it reaches stderr as it is.
    def test_round_trip(self):
        folder = self.folder / "names"
        folder.mkdir()
        dice = random.Random(20)
        alphabet = bytes(set(range(1, 256)) - {ord("/")})
        chance = {bytes(dice.choices(alphabet, k=dice.randint(1, 40))) for _ in range(300)} - {b".", b".."}
        self.write(folder, [*self.odd, *chance])
        with digesting() as server:
            run = hoist("upload", *server.access(), str(folder))
            self.assertEqual(len(self.check_account(server, folder, run)["done"]), len({*self.odd, *chance}))
            # Names stand in the log as they are, but for what a terminal could take for a command, or a reader for another name.
            self.assertNotRegex(run.err, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")

    # So it is when they are given by name: as words of the command line, and in a NUL-separated list.
    def test_by_name(self):
        folder = self.folder / "names"
        folder.mkdir()
        self.write(folder, self.odd)
        with digesting() as server:
            words = hoist("upload", *server.access(), "--no-resume", "--", *self.odd, cwd=folder)
            listed = hoist("upload", *server.access(), "--no-resume", "-0", "-", stdin=b"\0".join(self.odd), cwd=folder)
            account = server.account()
            # A dash alone is stdin, as a word; there is nothing on it.
            for run, names in ((words, set(self.odd) - {b"-"}), (listed, set(self.odd))):
                self.assertEqual(run.code, 0, run.err)
                rows = results(run.rows)
                self.assertEqual(sorted(path_of(r) for r in rows), sorted(names))
                for row in rows:
                    self.assertEqual(account[row["id"]]["sha256"], sha256(b"<" + path_of(row) + b">"))

    # Paths longer than the system takes at once are uploaded all the same, being walked to.
    def test_deep(self):
        folder = self.folder / "deep"
        folder.mkdir()
        part = "d" * 200
        descriptor = os.open(folder, os.O_RDONLY)
        for _ in range(25):  # 5 000 bytes
            os.mkdir(part, dir_fd=descriptor)
            inner = os.open(part, os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        os.close(os.open("leaf.png", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
        os.close(descriptor)
        (folder / "beside.png").write_bytes(b"x")
        self.addCleanup(subprocess.run, ["rm", "-rf", folder], check=True)
        with digesting() as server:
            run = hoist("upload", *server.access(), str(folder))
            rows = results(run.rows)
            self.assertEqual(len(rows), 2, run.err)
            status = {os.path.basename(path_of(r)): (r["status"], (r.get("error") or {}).get("code")) for r in rows}
            self.assertEqual(status.pop(b"beside.png"), ("done", None))
            # The walk gets there; opening it by its whole path is what the system refuses.
            self.assertIn(status.pop(b"leaf.png"), (("done", None), ("failed", "source_unreadable")))
            self.assertEqual(run.code, 0 if run.rows[-1]["failed"] == 0 else 1)


class Special(TestCase):
    def make(self):
        folder = self.folder / "special"
        (folder / "inner").mkdir(parents=True)
        os.mkfifo(folder / "fifo")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(folder / "socket"))
        for link, target in (("dangling", "nowhere"), ("loop", "loop"), ("escaping", "/etc/passwd"), ("up", ".."),
                             ("inner/cycle", "../inner")):
            os.symlink(target, folder / link)
        (folder / "empty").touch()
        for name, size in (("largest", 104_857_600), ("too large", 104_857_601)):
            with open(folder / name, "wb") as file:
                file.truncate(size)
        return folder

    # In a walk: links and special files are skipped with the reason, the limit is exact, and nothing hangs.
    def test_walked(self):
        folder = self.make()
        with digesting() as server:
            run = hoist("upload", *server.access(), str(folder))
            outcome = {os.path.relpath(r["path"], folder): r.get("reason") or (r.get("error") or {}).get("code")
                       for r in results(run.rows)}
            self.assertEqual(outcome, {
                "fifo": "special", "socket": "special", "dangling": "symlink", "loop": "symlink", "escaping": "symlink",
                "up": "symlink", "inner/cycle": "symlink", "too large": "source_too_large", "empty": None, "largest": None})
            self.assertEqual((run.code, run.rows[-1]["done"], run.rows[-1]["failed"]), (1, 2, 1))
            self.assertEqual(sorted(o["size"] for o in server.account().values()), [0, 104_857_600])

    # By name: each fails with its reason, but a link to a regular file, which somebody has meant.
    def test_named(self):
        folder = self.make()
        named = {"fifo": "source_not_regular", "socket": "source_not_regular", "dangling": "source_missing",
                 "loop": "source_unreadable", "missing": "source_missing", "too large": "source_too_large", "escaping": None}
        devices = {"/dev/null": "source_not_regular", "/dev/zero": "source_not_regular", "/dev/tty": "source_not_regular"}
        with digesting() as server:
            run = hoist("upload", *server.access(), *(str(folder / name) for name in named), *devices)
            outcome = {r["path"]: (r.get("error") or {}).get("code") for r in results(run.rows)}
            self.assertEqual(outcome, {**{str(folder / name): code for name, code in named.items()}, **devices}, run.err)

    # Files that claim to be empty and are not are no files that one could take.
    def test_files_of_the_kernel(self):
        with digesting() as server:
            run = hoist("upload", *server.access(), "/proc/self/status", "/proc/cpuinfo", "/proc/self/mem")
            self.assertEqual([r["status"] for r in results(run.rows)], ["failed"] * 3)

    # What may not be read fails with that reason; the others go on.
    def test_unreadable(self):
        if os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"):
            self.skipTest("root reads everything, and there is no setpriv to be somebody else")
        folder = self.make_files(3)
        (folder / "1.png").chmod(0)
        (folder / "closed").mkdir(mode=0o700)
        (folder / "closed").chmod(0)
        self.addCleanup((folder / "closed").chmod, 0o700)
        with digesting() as server:
            somebody = {}
            if os.geteuid() == 0:
                for path in (self.folder, self.home.folder, pathlib.Path(server.state)):
                    path.chmod(0o755)
                pathlib.Path(server.key_file).chmod(0o644)
                somebody = {"user": 65534, "group": 65534, "extra_groups": []}
            run = hoist("upload", *server.access(), str(folder),
                        env=clean_environment(HOIST_LOG_FILE="/dev/null", XDG_STATE_HOME="/nonexistent"), **somebody)
            failed = {os.path.basename(r["path"].rstrip("/")): r["error"]["code"] for r in results(run.rows) if r["status"] == "failed"}
            self.assertEqual(failed, {"1.png": "source_unreadable", "closed": "source_unreadable"}, run.err)
            self.assertEqual((run.code, run.rows[-1]["done"]), (1, 2))


@unittest.skipIf(SANITIZED, "UBSan asks the kernel about pointers through a pipe, for which no descriptor is left")
class Descriptors(TestCase):
    def upload(self, soft, hard, count):
        folder = self.make_files(count, size=3000)
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with digesting("--put-delay", "5ms") as server:
            run = hoist("upload", *server.access(), "-j", "500", "--presign-concurrency", "100", str(folder), preexec_fn=limit)
            self.assertEqual(len(self.check_account(server, folder, run)["done"]), count)
            return run.rows[-1]

    # With 64 descriptors and 500 PUTs wished for, it makes do with what there is: no file fails.
    def test_few(self):
        self.upload(64, 64, 100)

    # It takes no more upon itself than the descriptors allow, instead of finding out time and again for each file.
    def test_few_are_reckoned_with(self):
        self.assertLess(self.upload(64, 64, 100)["puts"], 200)

    # A low soft limit is raised to the hard one.
    def test_soft_limit(self):
        self.assertEqual(self.upload(64, 4096, 300)["puts"], 300)


if __name__ == "__main__":
    main()
