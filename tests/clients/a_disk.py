"""A small disk for a spool, which can be filled and emptied while a client runs."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

_BLOCK = b"x" * 4096


class Disk(Protocol):
    """A disk.

    Attributes:
        folder: where it is.
    """

    folder: Path

    def fill(self, process: int) -> None:
        """Let a process write no more."""
        ...

    def empty(self, process: int) -> None:
        """Give the process room again."""
        ...


class SmallDisk:
    """A disk of 1 MB in memory. What fills it is a file, as on the disks of offices."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, process: int) -> None:
        """See `Disk`."""
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(_BLOCK)

    def empty(self, process: int) -> None:
        """See `Disk`."""
        self._filler.unlink()


class BoundedFiles:
    """A disk where the process's files may not grow: for systems on which a test may mount nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, process: int) -> None:
        """See `Disk`."""
        _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, hard))

    def empty(self, process: int) -> None:
        """See `Disk`."""
        _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def a_disk(folder: Path) -> Iterator[Disk]:
    """A disk in a new folder."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        yield BoundedFiles(folder)
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", folder], check=True)
