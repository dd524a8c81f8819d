"""Keeps the bus's files readable for their own user alone, since they hold residents' data, keys and passwords."""

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
"""What SQLite appends to a database's name for the database and its further files."""


@contextmanager
def private_files() -> Iterator[None]:
    """Inside this context, other users cannot read files and folders that the process makes."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def close_to_others(settings: Settings) -> None:
    """Close the data folder, keys, settings and a SQLite database to other users, if this user owns them."""
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
