"""SQLite: one file, one writer at a time. `postgres.py` has the same parts in the same order."""

import fcntl
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import NullPool, QueuePool

from bus import json
from bus.storage.errors import RowConflict, make_storage_full, make_storage_unavailable
from bus.storage.transaction import Insertion, Parameters, Prepared, Transaction

_READERS: Final = 4
"""Connections that are kept for reading, of the pool's sixteen."""
_CHECKPOINT: Final = "PRAGMA wal_checkpoint(PASSIVE)"
_FULL: Final = "database or disk is full"
_CONFLICTS: Final = frozenset(
    (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY)
)


@dataclass(frozen=True, slots=True)
class _Keeps:
    """What one connection keeps in memory.

    Attributes:
        statements: that stay prepared.
        pages: of the database, in KiB.
    """

    statements: int
    pages: int


_WRITER: Final = _Keeps(statements=256, pages=32_768)
"""Statements for groups of every size up to a hundred stay prepared: preparing costs a tenth of a commit."""
_READER: Final = _Keeps(statements=32, pages=8_192)
"""There are eight and more, and what one keeps of the database ends with the next commit on another connection."""


class _Kept(NamedTuple):
    """SQLAlchemy's connection and the driver's below it."""

    connection: Connection
    raw: sqlite3.Connection

    def drop(self) -> None:
        """Close it for good."""
        self.connection.invalidate()
        self.connection.close()


class SqliteDatabase:
    """A database in one file. Writes of one process wait for each other in a fair lock rather than in SQLite's sleeping one.

    Attributes:
        path: of the file.
        engines: of the connections that read, and of the one that writes, which keeps more in memory.
    """

    def __init__(self, url: URL) -> None:
        self.path = url.database or ":memory:"
        if self.path != ":memory:":
            Path(self.path).touch(mode=0o600)
        pool = {"poolclass": QueuePool, "pool_size": 8, "max_overflow": 8}
        self.engines = (_make_engine(url, _READER, **pool), _make_engine(url, _WRITER, poolclass=NullPool))
        self._writing = threading.Lock()
        self._writer: _Kept | None = None
        self._readers: deque[_Kept] = deque()
        self._synchronous = ""

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction to read. Its connection is kept: from the pool and back took 75 µs, a short read takes 10."""
        with _translate_errors():
            kept = self._take_reader()
            try:
                kept.raw.execute("BEGIN")
                yield Transaction(kept.connection, _Driver(kept.raw))
                kept.raw.rollback()
            except (exc.DBAPIError, sqlite3.Error):
                kept.drop()
                raise
            except BaseException:
                kept.connection.close()
                raise
            if len(self._readers) < _READERS:
                self._readers.append(kept)
            else:
                kept.connection.close()

    def _take_reader(self) -> _Kept:
        try:
            return self._readers.pop()
        except IndexError:
            return _connect(self.engines[0])

    @contextmanager
    def write(self, *, durable: bool) -> Iterator[Transaction]:
        """A transaction to write: BEGIN IMMEDIATE keeps other writers out, those of other processes too."""
        with _translate_errors(), self._writing:
            kept = self._take_writer("FULL" if durable else "NORMAL")
            try:
                kept.raw.execute("BEGIN IMMEDIATE")
                yield Transaction(kept.connection, _Driver(kept.raw))
                kept.raw.execute("COMMIT")
            except (exc.DBAPIError, sqlite3.Error):
                self._drop_writer()
                raise
            except BaseException:
                if kept.raw.in_transaction:
                    kept.raw.execute("ROLLBACK")
                raise

    def _take_writer(self, synchronous: str) -> _Kept:
        """The one connection for writing, whose next commit is of this kind.

        Kept: taking one from the pool, and the ROLLBACK at its return, cost as much as a small group's inserts. And only
        one: each commit on another connection would empty this one's cache of pages.
        """
        if self._writer is None:
            self._writer = _connect(self.engines[1])
            self._synchronous = ""
        if synchronous != self._synchronous:
            self._writer.raw.execute(f"PRAGMA synchronous={synchronous}")
            self._synchronous = synchronous
        return self._writer

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.drop()
            self._writer = None

    def carry_over(self) -> None:
        """Carry the log into the database file beside the writers, as far as it goes when this begins.

        Raises:
            StorageFull, StorageUnavailable: some of it may be left in the log, where it is safe.
        """
        with _translate_errors(), self.engines[0].connect() as connection:
            _get_driver_connection(connection).execute(_CHECKPOINT).fetchone()

    def checkpoint(self) -> None:
        """Carry the log over, then what writers added meanwhile while they wait.

        Only a log that was carried over whole is begun anew. What somebody still reads in an older state stays in it.

        Raises:
            StorageFull, StorageUnavailable: some of it may be left in the log, where it is safe.
        """
        with _translate_errors(), self.engines[0].connect() as connection:
            raw = _get_driver_connection(connection)
            raw.execute(_CHECKPOINT).fetchone()
            with self.write(durable=False):
                raw.execute(_CHECKPOINT).fetchone()

    def count_rows_written(self) -> int:
        """How many rows this process has written by the connection that it writes with now."""
        with self._writing:
            return 0 if self._writer is None else self._writer.raw.total_changes

    def make_leadership(self, job: str) -> "FileLeadership":
        """The leadership of a job among the processes on this file."""
        return FileLeadership(f"{self.path}.{job}.lock")

    def answers(self) -> bool:
        """Whether the database can be reached now."""
        try:
            with self.engines[0].connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except exc.DBAPIError:
            return False
        return True

    def close(self) -> None:
        """Let go of every connection."""
        with self._writing:
            self._drop_writer()
        while self._readers:
            self._readers.pop().connection.close()
        for engine in self.engines:
            engine.dispose()


class FileLeadership:
    """Leadership by a lock on a file beside the database, which ends with the process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Try to lead; True while this process leads."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let another process lead."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class _Driver:
    """Statements through sqlite3, which SQLAlchemy would take 25 µs longer for."""

    __slots__ = ("_raw",)
    is_sqlite: Final = True

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def run(self, statement: Prepared, parameters: Parameters | None) -> sqlite3.Cursor:
        return self._raw.execute(statement.sqlite, parameters or ())

    def rows(self, statement: Prepared, parameters: Parameters | None) -> Sequence[Any]:
        if statement.columns is None:
            return self.run(statement, parameters).fetchall()
        text = _select_as_one_row(statement.columns, statement.sqlite)
        rows: list[Any] = json.loads(self._raw.execute(text, parameters or ()).fetchone()[0])
        return rows

    def one_within(self, most_bytes: int, statement: Prepared, parameters: Parameters) -> Any | None:
        usual = self._raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, most_bytes)
        try:
            with closing(self.run(statement, parameters)) as cursor:
                return cursor.fetchone()
        except sqlite3.DataError:
            return None
        finally:
            self._raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, usual)

    def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> int:
        return sum(
            self._raw.execute(_write_places(insertion, len(part)), tuple(chain.from_iterable(part))).rowcount
            for part in _split_rows(rows, insertion.sizes)
        )

    def hold(self, space: int, number: int) -> None:
        # BEGIN IMMEDIATE keeps other writers out already.
        pass

    def numbers(self, values: Iterable[int]) -> str:
        return f"[{','.join(map(str, values))}]"


@cache
def _select_as_one_row(columns: str, query: str) -> str:
    return f"SELECT json_group_array(json_array({columns})) FROM ({query})"  # noqa: S608


@cache
def _write_places(insertion: Insertion, rows: int) -> str:
    return insertion.sqlite.format(rows=",".join([insertion.row] * rows))


def _split_rows(rows: Sequence[Any], sizes: Iterable[int]) -> Iterator[Sequence[Any]]:
    """The rows in whole parts of the larger sizes, then of the last size, of which the last part may be smaller."""
    *larger, last = sizes
    start = 0
    for size in larger:
        for _ in range((len(rows) - start) // size):
            yield rows[start : start + size]
            start += size
    yield from (rows[at : at + last] for at in range(start, len(rows), last))


def _make_engine(url: URL, keeps: _Keeps, **pool: Any) -> Engine:
    # Errors name no parameters: those may be personal data.
    arguments = {"cached_statements": keeps.statements}
    engine = sa.create_engine(url, connect_args=arguments, hide_parameters=True, **pool)
    event.listen(engine, "connect", partial(_prepare_connection, keeps))
    return engine


def _prepare_connection(keeps: _Keeps, dbapi_connection: Any, record: Any) -> None:
    # The driver must not begin transactions by itself: who reads or writes says which kind is wanted.
    dbapi_connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        f"cache_size=-{keeps.pages}",
        # 64 MB: in a bus that runs the log is carried over before, beside the commits.
        "wal_autocheckpoint=16000",
        "temp_store=MEMORY",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _connect(engine: Engine) -> _Kept:
    """A connection whose transactions go through the driver: SQLAlchemy's own take three times as long.

    To SQLAlchemy it is in one without end, so that it begins and ends none.
    """
    connection = engine.connect()
    connection.begin()
    return _Kept(connection, _get_driver_connection(connection))


def _get_driver_connection(connection: Connection) -> sqlite3.Connection:
    raw: Any = connection.connection.driver_connection
    return raw  # type: ignore[no-any-return]


@contextmanager
def _translate_errors() -> Iterator[None]:
    """The one border where SQLite's errors become the bus's."""
    try:
        yield
    except (sqlite3.OperationalError, exc.OperationalError) as error:
        raise (make_storage_full() if _FULL in str(error) else make_storage_unavailable()) from error
    except (exc.InterfaceError, exc.TimeoutError) as error:
        raise make_storage_unavailable() from error
    except (sqlite3.IntegrityError, exc.IntegrityError) as error:
        if _read_code(error) not in _CONFLICTS:
            raise
        raise RowConflict from error


def _read_code(error: sqlite3.IntegrityError | exc.IntegrityError) -> int:
    """SQLite's own code of an error; -1 without one."""
    return getattr(error.orig if isinstance(error, exc.IntegrityError) else error, "sqlite_errorcode", -1)
