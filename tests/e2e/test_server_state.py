"""`hoist-server --state DIR`: what is not of its making is never removed, changed or given another mode."""

import pathlib
import stat
import subprocess
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403


def seen(top):
    """Everything in a folder and the folder itself: kind and mode, owner, time of change, and content or target."""
    found = {}
    for path in (top, *sorted(top.rglob("*"))):
        there = path.lstat()
        content = (os.readlink(path) if stat.S_ISLNK(there.st_mode) else
                   sha256(path.read_bytes()) if stat.S_ISREG(there.st_mode) else "")
        found[str(path.relative_to(top))] = (oct(there.st_mode), there.st_uid, there.st_gid, there.st_mtime_ns, content)
    return found


def body(first):
    """The name of a body whose id begins with this byte, as the server gives it in the folder of that byte."""
    return f"{first}{str(uuid.uuid4())[2:]}.1"


def start_anyhow(state, *options):
    """A start that is expected to be refused; one that is not is ended."""
    with subprocess.Popen([BIN / "hoist-server", "--state", state, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=clean_environment()) as process:
        line = process.stdout.readline()
        if line:
            process.terminate()
        _, err = process.communicate(timeout=20 * PATIENCE)
    return process.returncode, line, err.decode()


class State(TestCase):
    def write(self, *names, under="theirs"):
        """Files of somebody's, in folders with modes of their own."""
        for name in names:
            file = self.folder / under / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.parent.chmod(0o755)
            file.write_bytes(os.urandom(100))
            file.chmod(0o640)
        return self.folder / under

    def check_refused(self, state, reason, *options):
        """Exit status 2, one line that names the folder, and everything as it was."""
        before = seen(self.folder)
        code, line, err = start_anyhow(state, *options)
        self.assertEqual(seen(self.folder), before, err)
        self.assertEqual((code, line), (2, b""), err)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn("--state '" + str(state).rstrip("/"), err)
        self.assertIn(reason, err)
        self.assertIn("; ", err)

    def store(self, server, count):
        """So many files, uploaded to it; the rows."""
        files = self.make_files(count, under=f"files-{uuid.uuid4()}")
        run = hoist("upload", *server.access(), "--no-resume", str(files))
        self.assertEqual(run.code, 0, run.err)
        return run.rows

    # (regression: it removed everything in objects and aside that it did not know, and changed the folder's mode.)
    def test_folder_of_somebody(self):
        for name, files in {"photos": ["a.jpg", "2024/b.jpg"],
                            "like-a-state": ["objects/a.jpg", "objects/4f/" + body("4f"), "aside/0", "aside/c.jpg"],
                            "with-an-index": ["index", "objects/a.jpg", "aside/1"],
                            "certificates": ["ca.key", "ca.pem", "server.key", "server.pem", "api-key"],
                            "locked": ["lock", "a.jpg"],
                            "hidden": [".keep"]}.items():
            for options in ((), ("--discard",), ("--plain-http", "--fsync")):
                with self.subTest(name, options=options):
                    self.check_refused(self.write(*files, under=name), "it is not empty", *options)

    # A link is not followed, neither in the folder's place nor within the folder.
    def test_links(self):
        theirs = self.write("a.jpg", "aside/0", "objects/4f/b.jpg")
        state = self.folder / "state"
        for name in ("objects", "aside"):
            with self.subTest(name, of="nobody"):
                state.mkdir()
                (state / name).symlink_to(theirs)
                self.check_refused(state, "it is not empty")
                shutil.rmtree(state)
            for target in (theirs, self.folder / "nowhere"):
                with self.subTest(name, of="its own", target=target):
                    with Server(state=state) as server:
                        self.store(server, 2)
                    shutil.rmtree(state / name)
                    (state / name).symlink_to(target)
                    self.check_refused(state, f"/{name}': it is a symbolic link")
                    shutil.rmtree(state)
        with self.subTest("a folder of bodies"):
            with Server(state=state):
                pass
            (state / "objects" / "4f").rmdir()
            (state / "objects" / "4f").symlink_to(theirs)
            self.check_refused(state, "/objects/4f': it is a symbolic link")
        link = self.folder / "link"
        for target, reason in ((theirs, "it is a symbolic link"), (state, "name the folder itself: " + str(state.resolve()))):
            for ending in ("", "/"):
                with self.subTest("the folder", target=target, ending=ending):
                    link.symlink_to(target)
                    self.check_refused(str(link) + ending, reason)
                    link.unlink()
        self.check_refused(theirs / "a.jpg", "it is not a folder")

    # Its own folder is used again, by whatever start; what others put into it stays, whatever is stored and deleted beside it.
    def test_guests(self):
        state = self.folder / "state"
        with Server(state=state) as server:
            key, port = server.key, server.port
            rows = self.store(server, 3)
        guests = ["notes.txt", "aside/photo.jpg", "aside/00", "objects/photo.jpg", "objects/4f/photo.jpg", "objects/photos/1",
                  "objects/" + body("4f"), "objects/4f/" + body("4e")]
        for name in guests:
            (state / name).parent.mkdir(exist_ok=True)
            (state / name).write_bytes(name.encode())
            (state / name).chmod(0o604)
        state.chmod(0o750)
        outside = self.write("a.jpg")
        (state / "aside" / "0").symlink_to(outside / "a.jpg")
        guests.append("aside/0")

        def theirs():
            whole = seen(state)
            return {name: whole[name] for name in guests}, whole["."][0], seen(outside)

        before = theirs()
        for options in ((), ("--discard",), ("--retention", "1s")):
            with Server(*options, state=state, port=port) as server:  # the same one: it stands in the URLs
                self.assertEqual(server.key, key)
                self.assertEqual(self.check_stored(server, rows), 3)
                more = self.store(server, 2)
                if options == ("--retention", "1s"):
                    gone = {row["id"] for row in results(more)}
                    wait_for(lambda: not gone & server.account().keys(), "the end of their retention", 20 * PATIENCE)
            self.assertEqual(theirs(), before, options)
        with Server(state=state) as server:
            run = hoist("delete", *server.access(), *(row["id"] for row in results(rows)))
            self.assertEqual(run.code, 0, run.err)
            self.assertFalse(server.account().keys() & {row["id"] for row in results(rows)})
        self.assertEqual(theirs(), before)

    # They are told of once, by number and example.
    def test_guests_are_told_of(self):
        state = self.folder / "state"
        with Server(state=state):
            pass
        self.assertNotIn("did not make", start_anyhow(state)[2])
        for name in ("a.jpg", "b.jpg"):
            (state / "objects" / name).write_bytes(b"")
        code, line, err = start_anyhow(state)
        self.assertEqual((code, bool(line)), (0, True), err)
        self.assertEqual(err.count("2 entries that hoist-server did not make are left alone, such as "), 1, err)

    # An empty folder is taken, and keeps its mode; that others can look into it is said.
    def test_empty_folder(self):
        state = self.folder / "state"
        state.mkdir()
        for mode, said in ((0o700, None), (0o755, "look into"), (0o775, "write in")):
            state.chmod(mode)
            code, line, err = start_anyhow(state)
            self.assertEqual((code, bool(line)), (0, True), err)
            self.assertEqual(stat.S_IMODE(state.stat().st_mode), mode)
            self.assertEqual("other users can " in err, said is not None, err)
            self.assertIn(said or "", err)
        state.chmod(0o777)
        self.check_refused(state, "every user can write in it")

    # Killed in its first start, at whatever moment, it goes on with what is there.
    def test_killed_in_the_first_start(self):
        for n in range(8):
            state = self.folder / f"state-{n}"
            process = subprocess.Popen([BIN / "hoist-server", "--state", state], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, env=clean_environment())
            wait_for(lambda: state.exists() and len(list(state.iterdir())) >= n or process.poll() is not None, "files")
            process.kill()
            process.communicate()
            with Server(state=state) as server:
                self.store(server, 1)

    # Left by an older one, which wrote its index last: with the index or, killed before that, without it.
    def test_of_an_older_one(self):
        state = self.folder / "state"
        with Server(state=state) as server:
            key = server.key
        (state / "index").chmod(0o644)
        with Server(state=state) as server:
            self.assertEqual(server.key, key)
        (state / "index").unlink()
        for folder in (state / "objects").iterdir():
            folder.rmdir()
        with Server(state=state) as server:
            self.assertEqual(server.key, key)

    # Without --state its folder ends with it, but for what others put into it.
    def test_temporary(self):
        place = self.folder / "tmp"
        place.mkdir()
        for guest in (None, "objects/4f/photo.jpg", "aside/photo.jpg", "photo.jpg"):
            with self.subTest(guest), subprocess.Popen([BIN / "hoist-server"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                                       env=clean_environment(TMPDIR=str(place))) as process:
                try:
                    state = pathlib.Path(json.loads(process.stdout.readline())["state"])
                    self.assertEqual((state.parent, stat.S_IMODE(state.stat().st_mode)), (place, 0o700))
                    if guest:
                        (state / guest).write_bytes(b"theirs")
                finally:
                    process.terminate()
                self.assertEqual(process.wait(timeout=20 * PATIENCE), 0)
                left = [path for path in place.rglob("*") if not path.is_dir()]
                self.assertEqual(left, [state / guest] if guest else [])
                if guest is None:
                    self.assertEqual(list(place.iterdir()), [])
                shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
