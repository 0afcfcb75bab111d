"""Where figures come from: machine, kernel, compiler, libraries, revision."""

import os
import pathlib
import platform
import re
import subprocess

from support import contenders


def cache_value(build, name):
    found = re.search(rf"^{name}:\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M)
    return found.group(1) if found else ""


def refuse_unless_release(build):
    """Figures of a build that is not optimised, or is instrumented, say nothing."""
    if not (build / "CMakeCache.txt").exists():
        raise SystemExit(f"bench: {build} is no build directory; sh bench/run.sh makes one")
    kind, sanitizer = cache_value(build, "CMAKE_BUILD_TYPE"), cache_value(build, "HOIST_SANITIZE")
    if kind != "Release" or sanitizer not in ("", "none"):
        raise SystemExit(f"bench: {build} is a {kind or 'nameless'} build (sanitizer: {sanitizer or 'none'}); only a Release build is measured")


def first_line(*command, **options):
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
        return said.stdout.splitlines()[0] if said.returncode == 0 and said.stdout else ""
    except OSError:
        return ""


def revision(root):
    commit = first_line("git", "rev-parse", "--short", "HEAD", cwd=root)
    changed = first_line("git", "status", "--porcelain", "--untracked-files=no", cwd=root)
    return (commit + (" with changes" if changed else "")) if commit else "unknown"


def cpu_model():
    found = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return found.group(1) if found else platform.machine()


def release():
    found = re.search(r'^PRETTY_NAME="(.*)"$', pathlib.Path("/etc/os-release").read_text(), re.M)
    return found.group(1) if found else "unknown"


def describe(build, root):
    said = subprocess.run([build / "bin" / "hoist", "--version"], capture_output=True, text=True, check=True).stdout.split("\n")
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "system": release(),
        "kernel": platform.release(),
        "compiler": first_line(cache_value(build, "CMAKE_CXX_COMPILER"), "--version"),
        "libraries": said[1],
        "hoist": said[0],
        "revision": revision(root),
        "contenders": contenders.versions(),
        "load_before": os.getloadavg()[0],
    }
