"""Uploads through kernel TLS, in a machine whose kernel has it: Debian's cloud kernel, emulated by qemu.

Exit status 77, with the reason, where the machine cannot be made. What is proven is that it works, never how fast. See README.md.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ["HOIST_BIN"])
COMPONENT_TEST = pathlib.Path(os.environ["HOIST_COMPONENT_TEST"])
CACHE = pathlib.Path(os.environ["HOIST_VM_CACHE"])  # keeps the kernel from one run to the next
KERNEL = "linux-image-cloud-amd64"
# In the order in which they need one another.
MODULES = ["cryptd", "crypto_simd", "ctr", "gcm", "gf128mul", "ghash-generic", "aesni-intel", "tls"]
BOOT_SECONDS = 480  # one minute on a quiet machine; the rest is patience with a busy one


class CannotBeMade(Exception):
    pass


def need(program):
    if shutil.which(program) is None:
        raise CannotBeMade(f"{program} is not installed (sh cmake/check.sh installs it where it can)")


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, **options)


def kernel():
    """The folder of the unpacked package of the kernel. It is downloaded by the package tool, which verifies it, and
    never installed."""
    unpacked = CACHE / "kernel"
    if unpacked.exists():
        return unpacked
    try:
        said = run("apt-cache", "depends", KERNEL, text=True).stdout
        image = re.search(r"Depends: (linux-image-\S+)", said)
        if not image:
            raise CannotBeMade(f"the package lists do not have {KERNEL}")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            run("apt-get", "download", image.group(1), cwd=folder)
            run("dpkg-deb", "-x", next(pathlib.Path(folder).glob("*.deb")), f"{folder}/kernel")
            os.rename(f"{folder}/kernel", unpacked)
    except (OSError, subprocess.CalledProcessError) as e:
        told = getattr(e, "stderr", None) or str(e)
        reason = told.decode(errors="replace").strip() if isinstance(told, bytes) else told.strip()
        raise CannotBeMade(f"the kernel's package cannot be had: {reason}") from e
    return unpacked


def libraries(program):
    said = run("ldd", program, text=True).stdout
    return set(re.findall(r"(/\S+) \(0x", said))


def put(root, target, file):
    target = root / str(target).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, target)
    target.chmod(0o755)


def initramfs(root, unpacked):
    """A root folder with the programs and what they link, busybox, the modules, and guest.sh as the first process."""
    programs = [BIN / "hoist", BIN / "hoist-server", COMPONENT_TEST]
    put(root, "bin/busybox", shutil.which("busybox"))
    put(root, "init", HERE / "guest.sh")
    for program in programs:
        put(root, f"bin/{program.name}", program)
        for library in libraries(program):
            put(root, library, library)
    for name in MODULES:
        put(root, f"modules/{name}.ko", next(unpacked.glob(f"lib/modules/*/kernel/**/{name}.ko")))
    (root / "modules/order").write_text("".join(f"{name}.ko\n" for name in MODULES))
    names = "\n".join(str(p.relative_to(root)) for p in root.rglob("*"))
    return run("cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0", cwd=root, input=names.encode()).stdout


def boot():
    """What the machine said on its console."""
    unpacked = kernel()
    with tempfile.TemporaryDirectory(prefix="hoist-vm-") as folder:
        root = pathlib.Path(folder) / "root"
        root.mkdir()
        image = pathlib.Path(folder) / "initramfs"
        image.write_bytes(initramfs(root, unpacked))
        command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1024", "-nographic", "-no-reboot",
                   "-nic", "none", "-kernel", str(next(unpacked.glob("boot/vmlinuz-*"))), "-initrd", str(image),
                   "-append", "console=ttyS0 quiet panic=-1"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as machine:
            try:
                said, _ = machine.communicate(timeout=BOOT_SECONDS)
            except subprocess.TimeoutExpired:
                machine.kill()
                said, _ = machine.communicate()
    return said.decode(errors="replace").replace("\r", "")


class KernelTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.console = boot()
        # Without this, the rules below could be broken by a machine that did not run.
        if "vm: finished" not in cls.console or "vm: failed" in cls.console:
            raise AssertionError("the machine did not get to its end:\n" + cls.console[:3000] + "...\n" + cls.console[-6000:])
        cls.counts = {name: (int(status), int(given)) for name, status, given in
                      re.findall(r"^vm: (\w+) status=(\d+) given=(\d+)$", cls.console, re.M)}

    def count(self, name):
        status, given = self.counts[name]
        self.assertEqual(status, 0, self.console[-6000:])
        return given

    def check_digests(self, name):
        sent = re.findall(rf"^vm: sent {name} (\w{{64}})", self.console, re.M)
        stored = re.findall(rf"^vm: stored {name} (\w{{64}})", self.console, re.M)
        self.assertEqual(len(sent), 5)
        self.assertEqual(set(sent) - set(stored), set(), "sent and not stored")

    # Large files go through the kernel (the probe is one connection, and two carry files), and arrive as they are.
    def test_engages(self):
        self.assertGreaterEqual(self.count("auto"), 2)
        self.check_digests("auto")

    # --tls-offload off gives the kernel nothing, not even a probe.
    def test_off(self):
        self.assertEqual(self.count("off"), 0)
        self.check_digests("off")

    # Who digests needs the bytes, and keeps the connection.
    def test_digests_are_made_in_the_process(self):
        self.assertEqual(self.count("md5"), 0)
        self.check_digests("md5")

    # Where the probe works and a connection's suite does not, that connection goes on without: one is the probe.
    def test_suite_that_the_kernel_lacks(self):
        self.assertEqual(self.count("chacha"), 1)
        self.check_digests("chacha")

    # Every fault of a PUT ends over kernel TLS as it does without.
    def test_component_tests(self):
        self.assertGreater(self.count("component"), 10)


def main():
    try:
        for program in ("qemu-system-x86_64", "cpio", "busybox"):
            need(program)
        kernel()
    except CannotBeMade as reason:
        print(f"SKIPPED: kernel TLS was not tested: {reason}")
        sys.exit(77)
    unittest.main()


if __name__ == "__main__":
    main()
