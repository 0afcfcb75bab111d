"""The README's ten-line program, built against hoist in each way that a user can get it, and run."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from hoist_test import Server, clean_environment  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = os.environ["HOIST_BUILD"]
CXX = os.environ.get("CXX", "c++")


def readme_program():
    found = re.search(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert found, "the README has a C++ program"
    return found.group(1)


def run(*command, **more):
    subprocess.run([str(c) for c in command], check=True, timeout=1500, **more)


def write_project(folder, find):
    (folder / "main.cpp").write_text(readme_program())
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(user CXX)\n" + find +
        "\nadd_executable(user main.cpp)\ntarget_link_libraries(user PRIVATE hoist::hoist)\n")


def find_package(folder):
    prefix = folder / "prefix"
    run("cmake", "--install", BUILD, "--prefix", prefix, stdout=subprocess.DEVNULL)
    installed = {p.name for p in (prefix / "include/hoist").iterdir()}
    assert installed == {p.name for p in (ROOT / "include/hoist").glob("*.hpp")}, "exactly the public headers are installed"
    write_project(folder, "find_package(hoist CONFIG REQUIRED)")
    run("cmake", "-S", folder, "-B", folder / "b", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={CXX}")
    run("cmake", "--build", folder / "b")
    return folder / "b/user"


def add_subdirectory(folder):
    write_project(folder, f"add_subdirectory({ROOT} hoist)")
    run("cmake", "-S", folder, "-B", folder / "b", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_CXX_COMPILER={CXX}")
    run("cmake", "--build", folder / "b")
    return folder / "b/user"


def pkg_config(folder):
    prefix = folder / "prefix"
    run("cmake", "--install", BUILD, "--prefix", prefix, stdout=subprocess.DEVNULL)
    (folder / "main.cpp").write_text(readme_program())
    place = next(prefix.rglob("hoist.pc"))
    # The file names the prefix of the configured build; --define-variable is pkg-config's own way to relocate it.
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", f"--define-variable=prefix={prefix}", "hoist"],
                           env=dict(os.environ, PKG_CONFIG_PATH=str(place.parent)), check=True, capture_output=True, text=True)
    run(CXX, folder / "main.cpp", "-o", folder / "user", *flags.stdout.split())
    return folder / "user"


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hoist-install-"))
    try:
        program = globals()[sys.argv[1]](folder)
        (folder / "cat.png").write_bytes(b"not really a cat")
        with Server() as server:
            env = clean_environment(HOIST_API_KEY=server.key, HOIST_ENDPOINT=server.endpoint, SSL_CERT_FILE=server.cacert)
            said = subprocess.run([program, "cat.png"], cwd=folder, env=env, check=True, capture_output=True, text=True, timeout=60)
            url = said.stdout.split()[-1]
            assert server.get(url) == b"not really a cat", said.stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
