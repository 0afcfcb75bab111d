"""The canary bites: a command that lets a secret out, anywhere it can, fails the test that ran it."""

import os
import pathlib
import stat
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import canary  # noqa: E402
import hoist_test  # noqa: E402
from hoist_test import *  # noqa: E402,F403

KEY = "canary-key-3f9a41c77be2"


class Bites(TestCase):
    def setUp(self):
        super().setUp()
        programs = self.folder / "bin"
        programs.mkdir()
        self.program = programs / "hoist"
        self.addCleanup(setattr, hoist_test, "BIN", hoist_test.BIN)
        hoist_test.BIN = programs

    def leaky(self, line):
        """A command in hoist's place, which does one line of shell."""
        self.program.write_text(f"#!/bin/sh\n{line}\n")
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        return hoist("upload", "-L", str(self.folder / "m.jsonl"), f"--ledger={self.folder}/l",
                     env=clean_environment(HOIST_API_KEY=KEY))

    # The key is found in each place where a command can leave it.
    def test_everywhere(self):
        for place in (">&1", ">&2", ">m.jsonl", ">m.jsonl.tmp", ">l", ">l-wal", '>"$HOIST_LOG_FILE"'):
            with self.subTest(place):
                with self.assertRaises(canary.SecretLeaked):
                    self.leaky(f'cd {self.folder}; echo "got $HOIST_API_KEY" {place}')
                for file in [*self.folder.glob("m.*"), *self.folder.glob("l*"), self.home.log]:
                    file.unlink(missing_ok=True)

    # So is a part of a signed URL, however it is spelled, and the key in base64.
    def test_spellings(self):
        for text in (b"X-Amz-Signature=1f", b"x-amz-credential%3DAKIA", b'"X-Amz-Credential": "A', b"X-Amz-Signature\\u003d1",
                     b"AKIA/20260101/us-east-1/s3/aws4_request", b"x-amz-security-token=Fwo",
                     base64.b64encode(KEY.encode()), KEY.swapcase().encode()):
            with self.subTest(text):
                canary.watch(KEY)
                self.assertNotEqual(canary.found(b"before " + text + b" after"), [])

    # What a server says of its secrets when it starts is watched for.
    def test_servers_tell(self):
        hoist_test.BIN = pathlib.Path(os.environ.get("HOIST_BIN", "build/bin"))
        with Server() as server:
            secret = (pathlib.Path(server.state) / "signing-secret").read_bytes().strip()
            self.assertNotEqual(canary.found(b"(" + secret + b")"), [])
            self.assertNotEqual(canary.found(server.key.encode()), [])

    # What no helper looked at is looked at when the test ends.
    def test_leftovers(self):
        canary.watch(KEY)
        for file in (self.folder / "rows.jsonl", self.folder / "deep/x.ledger-wal", self.home.folder / "state/hoist/db"):
            with self.subTest(file.name):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(KEY)
                with self.assertRaises(canary.SecretLeaked):
                    self.guard_files()
                file.unlink()

    # It says where and what kind, and does not let the secret out itself.
    def test_message(self):
        canary.watch(KEY)
        with self.assertRaises(canary.SecretLeaked) as caught:
            canary.guard(KEY.encode(), "stdout")
        self.assertIn("stdout", str(caught.exception))
        self.assertNotIn(KEY, str(caught.exception))

    # An innocent command passes.
    def test_innocent(self):
        self.assertEqual(self.leaky("echo '{}'").code, 0)


class Kept(TestCase):
    # No command sees the user's home: what it keeps by default is the test's, and gone with it.
    def test_home(self):
        env = clean_environment()
        for name in ("HOME", "XDG_STATE_HOME", "HOIST_LOG_FILE"):
            self.assertTrue(env[name].startswith(str(self.home.folder)), name)
        self.assertNotEqual(env["HOME"], os.environ.get("HOME"))


if __name__ == "__main__":
    main()
