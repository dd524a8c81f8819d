"""Databases that hold copies, and the locks that keep two pulls from one copy."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from bus.pull.errors import TargetBusy, TargetFailed, TargetForeign, TargetInvalid
from bus.pull.store import Store, translated
from bus.pull.tables import name_table

_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = "postgresql://"
_OWNER_ALONE: Final = 0o600
_OTHERS: Final = 0o077
_BUSY: Final = "Another pull writes this copy. Wait until it ends, or stop it."
_SQLITE_WAIT: Final = 60
"""Seconds that SQLite waits for another contract's pull, or for a reader."""


def is_database(target: str) -> bool:
    """Whether a target is a database's URL."""
    return target.startswith((_SQLITE, _POSTGRES))


@contextmanager
def open_database(target: str, contract: str) -> Iterator[Store]:
    """A contract's copy in the database at a URL, locked for this pull.

    Raises:
        TargetBusy: another pull has the copy.
        TargetFailed: the database does not answer, or takes nothing.
        TargetForeign: the database has a table of the contract's name that is no copy of it.
        TargetInvalid: the URL names no database.
    """
    if target.startswith(_SQLITE):
        path = target.removeprefix(_SQLITE).partition("?")[0]
        if not path or path == ":memory:":
            raise TargetInvalid("Name the database's file, such as sqlite:///copy.db.")
        with open_sqlite(Path(path), contract) as store:
            yield store
        return
    try:
        url = make_url(target).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise TargetInvalid("Name the database as postgresql://user:password@host/database.") from None
    with _connect(url) as connection:
        # The lock ends with the connection that writes, so nobody writes without it.
        number = int.from_bytes(sha256(name_table(contract).encode()).digest()[:8], signed=True)
        with translated():
            is_free = connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": number})
            connection.commit()
        if not is_free:
            raise TargetBusy(_BUSY)
        yield Store(connection, contract)


@contextmanager
def open_sqlite(path: Path, contract: str, *, is_shared: bool = True) -> Iterator[Store]:
    """A contract's copy in a SQLite file that its owner alone may read, locked for this pull.

    Args:
        is_shared: whether the file may hold other contracts' copies too.

    Raises:
        TargetBusy, TargetFailed: as `open_database`.
        TargetForeign: as `open_database`; or the file holds this copy alone, and others could read it.
    """
    lock = path.with_name(f"{path.name}.{name_table(contract)}.lock" if is_shared else f"{path.name}.lock")
    if not path.parent.is_dir():
        raise TargetFailed(f"There is no folder {path.parent}. Make it, and start the pull again.")
    try:
        # SQLite makes its file as the umask says, and further files beside it as this one.
        _touch(path, is_shared=is_shared)
        held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, _OWNER_ALONE)
    except OSError as error:
        raise TargetFailed(f"{path} cannot be written: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TargetBusy(_BUSY) from None
        with _connect(URL.create("sqlite", database=str(path))) as connection:
            with translated():
                # Readers of the copy go on while the pull writes.
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.commit()
            yield Store(connection, contract, is_shared=is_shared)
    finally:
        os.close(held)


def _touch(path: Path, *, is_shared: bool) -> None:
    """Make a database's file if there is none. A file that holds one copy alone has to be made by the pull itself.

    In a folder where others write, the name could be a link to their file. Or they made the file, and could read the copy.
    """
    opened = os.open(path, os.O_RDWR | os.O_CREAT | (0 if is_shared else os.O_NOFOLLOW), _OWNER_ALONE)
    try:
        found = os.fstat(opened)
    finally:
        os.close(opened)
    if not is_shared and (found.st_mode & _OTHERS or found.st_uid != os.geteuid()):
        raise TargetForeign(f"Others may read {path}, so no pull made it. Remove it, or name another file.")


@contextmanager
def _connect(url: URL) -> Iterator[Connection]:
    options = {"timeout": _SQLITE_WAIT} if url.drivername == "sqlite" else {}
    with translated():
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=options)
        connection = engine.connect()
    try:
        yield connection
    finally:
        connection.close()
