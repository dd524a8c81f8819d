"""Copies as files. Promise: a reader of the file sees a whole state of the bus, the one before or the new one.

The copy itself is a SQLite database beside the file, where a change costs little. The file is written anew from it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, Final

from bus.pull.databases import open_sqlite
from bus.pull.errors import CopyDiffers, TargetFailed, TargetForeign
from bus.pull.forms import Form, find_form
from bus.pull.store import Store

_OWNER_ALONE: Final = 0o600
_PIECE: Final = 1024 * 1024


class File:
    """A file with a copy's records in the order of the keys' bytes."""

    def __init__(self, path: Path, store: Store, form: Form) -> None:
        self._path = path
        self._form = form
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
            digest = self._write_part(part)
            part.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise TargetFailed(
                f"{self._path} cannot be written: {error.strerror}. The file before is whole. Mend it, and start the pull again."
            ) from None
        self._store.note_written(f"{state} {digest}")

    def _write_part(self, path: Path) -> str:
        """Write all records. Returns the SHA-256 of the file, in hex."""
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE), "wb") as file:
            digested = _Digested(file)
            self._form(digested, self._store)
            file.flush()
            os.fsync(file.fileno())
        return digested.digest.hexdigest()

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


class _Digested(RawIOBase):
    """A file, and the digest of what was written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self.digest = sha256()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self.digest.update(part)
        return self._file.write(part)

    def tell(self) -> int:
        return self._file.tell()


def find_file(path: Path, contract: str) -> Path:
    """The file that a user means: a folder stands for the contract's file in it. A name without an ending is a folder's."""
    if path.suffix and not path.is_dir():
        return path
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise TargetFailed(f"{path} cannot be made: {error.strerror}.") from None
    return path / f"{contract}.ndjson"


@contextmanager
def open_file(path: Path, contract: str) -> Iterator[tuple[Store, File]]:
    """A contract's copy for a file, locked for this pull.

    Raises:
        TargetBusy, TargetFailed: as `open_sqlite`.
        TargetForeign: the file is no copy of this contract.
        TargetInvalid: the file's name has no known ending, or a library for its form is missing.
    """
    form = find_form(path.suffix)
    beside = path.with_name(f".{path.name}.pull.db")
    if path.exists() and not beside.exists():
        raise TargetForeign(f"{path} was not made by a pull. Name another file, or move it away.")
    with open_sqlite(beside, contract, is_shared=False) as store:
        yield store, File(path, store, form)


def _sync_folder(folder: Path) -> None:
    """Let the new name outlive a failure of power."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
