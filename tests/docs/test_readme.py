"""The README's command lines are run as they stand, and what it points to is there."""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import *  # noqa: E402,F403

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()


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

    # Files, folders and tests that the pages name exist.
    def test_pointers(self):
        for page in [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("src/*/README.md")]:
            for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page.relative_to(ROOT)} points to {target}")

    # Each folder says what lives in it.
    def test_folders_have_readmes(self):
        folders = [ROOT / "include/hoist", *(p for p in (ROOT / "src").iterdir() if p.is_dir()), ROOT / "tests", ROOT / "bench", ROOT / "cmake"]
        missing = [str(f.relative_to(ROOT)) for f in folders if not (f / "README.md").exists()]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    main()
