"""Files to upload, made in one scratch folder and kept in the page cache. No two are alike."""

import os
import pathlib
import random
import shutil

BLOCK_BYTES = 1 << 20
FILES_PER_FOLDER = 1000


class Corpus:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.noise = random.Random(1).randbytes(BLOCK_BYTES)
        self.made = {}  # size: how many there are

    def list_of(self, files):
        """A file with the paths of `files.count` files of `files.size` bytes, one a line. They exist."""
        for i in range(self.made.get(files.size, 0), files.count):
            self._write(self._path(files.size, i), i, files.size)
        self.made[files.size] = max(files.count, self.made.get(files.size, 0))
        listed = self.folder / f"list-{files.size}-{files.count}"
        if not listed.exists():
            with open(listed, "w") as out:
                out.writelines(f"{self._path(files.size, i)}\n" for i in range(files.count))
        return listed

    def drop_all_but(self, sizes):
        for size in set(self.made) - set(sizes):
            shutil.rmtree(self.folder / str(size), ignore_errors=True)
            del self.made[size]

    def _path(self, size, i):
        return f"{self.folder}/{size}/{i // FILES_PER_FOLDER:04}/{i:07}.bin"

    def _write(self, path, i, size):
        if i % FILES_PER_FOLDER == 0:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        begin = i * 4099 % (BLOCK_BYTES // 2)  # each file begins elsewhere in the noise
        with open(path, "wb", buffering=0) as out:
            left = size - out.write(i.to_bytes(8, "little")[:size])
            while left > 0:
                left -= out.write(self.noise[begin : begin + left])
