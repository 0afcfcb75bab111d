"""The README's command lines are run as they stand, and what it points to is there."""

import fnmatch
import pathlib
import re
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOP = ("include", "src", "bench", "tests", "cmake")
README = (ROOT / "README.md").read_text()


def names_of_tests():
    """As the pages write them: suite.case and case, Class.test and test, fuzz.target, soak/script; and ctest's own."""
    known = set()
    for lists in (ROOT / "tests").rglob("CMakeLists.txt"):
        known |= set(re.findall(r"add_test\(NAME (\w+)", lists.read_text()))
    for source in (ROOT / "tests").rglob("*.cpp"):
        text = source.read_text()
        prefixes = {suite: prefix for prefix, suite in re.findall(r"INSTANTIATE_TEST_SUITE_P\(\s*(\w+),\s*(\w+)", text)}
        for suite, case in re.findall(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)", text):
            known |= {case, f"{suite}.{case}", f"{prefixes.get(suite)}/{suite}.{case}"}
    for source in (ROOT / "tests").rglob("test_*.py"):
        name = ""
        for line in source.read_text().splitlines():
            if found := re.match(r"class (\w+)", line):
                name = found.group(1)
                known.add(name)
            elif found := re.match(r"    def (test_\w+)", line):
                known |= {found.group(1), f"{name}.{found.group(1)}"}
    known |= {f"fuzz.{source.name.removesuffix('_fuzz.cpp')}" for source in (ROOT / "tests/fuzz").glob("*_fuzz.cpp")}
    return known | {f"soak/{script.stem}" for script in (ROOT / "tests/soak").glob("*.py")}


class Readme(TestCase):
    # Every line of the command-line section works, in a folder that has what it names.
    def test_command_lines(self):
        block = re.search(r"## Use the command\n.*?```sh\n(.*?)```", README, re.S).group(1)
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        self.assertEqual(len(lines), 5)
        for name in ("photos/a.jpg", "photos/b.png", "clips/c.mp4", "cat.png"):
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_bytes(name.encode())
        with Server() as server:
            env = clean_environment(HOIST_API_KEY=server.key, HOIST_ENDPOINT=server.endpoint, HOIST_CACERT=server.cacert)
            env["PATH"] = f"{BIN.resolve()}:{env['PATH']}"
            for line in lines:
                done = subprocess.run(["sh", "-c", line], cwd=self.folder, env=env, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, line + "\n" + done.stderr)

    # The block that joins server and command works as it stands, and leaves nothing running.
    def test_one_machine(self):
        block = re.search(r"## Try it on one machine\n.*?```sh\n(.*?)```", README, re.S).group(1)
        (self.folder / "build").mkdir()
        (self.folder / "build/bin").symlink_to(BIN.resolve())
        (self.folder / "README.md").write_text(README)
        with socket.create_server(("127.0.0.1", 0)) as free:
            block = block.replace("8443", str(free.getsockname()[1]))
        done = subprocess.run(["sh", "-ec", block + "wait $!"], cwd=self.folder, env=clean_environment(), capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^https://127\.0\.0\.1:\d+/files/[0-9a-f-]+$")

    # Files, folders and tests that the pages name exist.
    def test_pointers(self):
        for page in [ROOT / "README.md", *(page for top in TOP for page in (ROOT / top).glob("**/README.md"))]:
            for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page.relative_to(ROOT)} points to {target}")

    # Each test that a table of promises, faults or threats names as its proof is a test.
    def test_proofs(self):
        known = names_of_tests()
        missing = []
        for page, heading in (("tests/README.md", "## What it promises"), ("tests/README.md", "## The scorecard"),
                              ("tests/README.md", "## Threats")):
            table = re.search(rf"{heading}\n.*?\n\|---.*?\n(.*?)\n(?:\n|\Z)", (ROOT / page).read_text(), re.S).group(1)
            for row in table.splitlines():
                proof = row.strip("|").split("|")[-1]
                # What is in brackets explains; what has a colon is a fault's name.
                named = [n for n in re.findall(r"`([^`]+)`", re.sub(r"\([^)]*\)", "", proof)) if ":" not in n]
                if not named:
                    missing.append("no test in: " + row)
                missing += [n for n in named if not fnmatch.filter(known, n)]
        self.assertEqual(missing, [])

    # A room's README names each of its files.
    def test_every_file_is_introduced(self):
        missing = []
        for room in filter(pathlib.Path.is_dir, (ROOT / "src").rglob("*")):
            text = (room / "README.md").read_text()
            stems = {file.name.split(".")[0] for file in room.glob("*.?pp")} - {"main"}
            missing += [f"{room.relative_to(ROOT)}/{stem}" for stem in sorted(stems) if not re.search(rf"`{stem}\b", text)]
        self.assertEqual(missing, [])

    # Each folder says what lives in it.
    def test_folders_have_readmes(self):
        folders = [ROOT / "include/hoist", *(p for p in (ROOT / "src").rglob("*") if p.is_dir()), ROOT / "tests", ROOT / "bench", ROOT / "cmake"]
        missing = [str(f.relative_to(ROOT)) for f in folders if not (f / "README.md").exists()]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    main()
