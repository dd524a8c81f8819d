"""Who may read the bus's files: their own user alone. They hold residents' data, keys and passwords."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from bus.settings import Settings

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_BESIDE: Final = ("", "-wal", "-shm", "-journal")
"""What SQLite adds to the name of a database for the files beside it."""


@contextmanager
def private_files() -> Iterator[None]:
    """Files and folders that are made meanwhile are closed to others."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def close_to_others(settings: Settings) -> None:
    """Take the data folder, its keys and settings, and a SQLite database away from others, where this user owns them."""
    folder = settings.data_dir
    database = make_url(settings.database)
    paths = [folder, folder / "settings.json", folder / "keys", *(folder / "keys").glob("*")]
    if database.get_backend_name() == "sqlite" and database.database:
        paths += [Path(database.database + ending) for ending in _BESIDE]
    for path in paths:
        _close(path)


def _close(path: Path) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
        path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
