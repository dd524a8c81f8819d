"""Copies as files. Promise: a reader of the file sees a whole state of the bus, the one before or the new one.

The copy itself is a SQLite database beside the file, where a change costs little. The file is written anew from it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from bus.pull.databases import open_sqlite
from bus.pull.errors import CopyDiffers, TargetFailed, TargetForeign, TargetInvalid
from bus.pull.store import Store

_OWNER_ALONE: Final = 0o600
_ENDINGS: Final = (".ndjson", ".jsonl")
_PIECE: Final = 1024 * 1024


class File:
    """A file with a copy's records: one CloudEvent on each line, in the order of the keys' bytes."""

    def __init__(self, path: Path, store: Store) -> None:
        self._path = path
        self._store = store

    def write(self) -> None:
        """Bring the file to the copy's state. It is replaced at once, and not at all if nothing changed.

        Raises:
            TargetFailed: the file cannot be written; the one before stays.
        """
        # All records may be read anew without a new event: the grant changed, and the cursor did not.
        state = f"{self._store.state.round}.{self._store.state.cursor}"
        if self._store.state.written.partition(" ")[0] == state and self._path.exists():
            return
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            digest = _write_lines(part, self._store)
            part.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise TargetFailed(
                f"{self._path} cannot be written: {error.strerror}. The file before is whole. Mend it, and start the pull again."
            ) from None
        self._store.note_written(f"{state} {digest}")

    def check(self) -> None:
        """Compare the file with what was written last.

        Raises:
            CopyDiffers: somebody else changed it. It is written anew by the next pull.
        """
        digest = sha256()
        try:
            with self._path.open("rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
        except OSError as error:
            raise TargetFailed(f"{self._path} cannot be read: {error.strerror}.") from None
        if self._store.state.written.partition(" ")[2] != digest.hexdigest():
            self._store.note_written("")
            raise CopyDiffers(f"Somebody else changed {self._path}. Start the pull again: it writes the file anew.")


@contextmanager
def open_file(path: Path, contract: str) -> Iterator[tuple[Store, File]]:
    """A contract's copy for a file, locked for this pull.

    Raises:
        TargetBusy, TargetFailed: as `open_sqlite`.
        TargetForeign: the file is no copy of this contract.
        TargetInvalid: the file's name has no known ending.
    """
    if path.suffix.lower() not in _ENDINGS or path.is_dir():
        raise TargetInvalid(f"Name a file that ends with {' or '.join(_ENDINGS)}, or a database as sqlite:///copy.db.")
    beside = path.with_name(f".{path.name}.pull.db")
    if path.exists() and not beside.exists():
        raise TargetForeign(f"{path} was not made by a pull. Name another file, or move it away.")
    with open_sqlite(beside, contract, is_shared=False) as store:
        yield store, File(path, store)


def _write_lines(path: Path, store: Store) -> str:
    """Write all records. Returns the SHA-256 of the file, in hex."""
    digest = sha256()
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE), "wb") as file:
        for _, event in store.read_events():
            line = event.encode() + b"\n"
            digest.update(line)
            file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Let the new name outlive a failure of power."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
