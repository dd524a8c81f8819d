"""The database: one engine, two kinds of transaction, the same for SQLite and PostgreSQL.

All of it is synchronous and called from threads; the event loop never waits on it.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.pool import NullPool, QueuePool

from bus.problem import Refused, Unavailable
from bus.storage.statement import driver

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

_ANNOUNCED: Final = "bus.announced"
"""Under this name a connection remembers that its transaction announced a change."""
_READERS: Final = 4
"""Connections to SQLite that are kept for reading, of the pool's sixteen."""
_CHECKPOINT: Final = "PRAGMA wal_checkpoint(PASSIVE)"
_SQLITE_FULL: Final = ("database or disk is full",)
_POSTGRES_FULL: Final = ("53100", "53200")


@dataclass(frozen=True, slots=True)
class _Keeps:
    """What one connection to SQLite keeps in memory.

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


class StorageFull(Refused):
    """The bus has no room left for new events; nothing that was acknowledged is affected."""

    status = 507
    slug = "storage-full"


class StorageUnavailable(Unavailable):
    """The bus's database does not answer; try again."""

    slug = "storage-unavailable"


class Storage:
    """One database.

    `read()` and `write()` give a connection in a transaction that ends with the block. Writes of one process wait for
    each other in a fair lock rather than in SQLite's sleeping one.

    Attributes:
        writing_engine: of the connections that write; SQLite's one keeps more in memory than its readers do.
        after_announce: called in the writer's thread after the commit of a transaction that announced a change, so that
            whoever should look at once can be told. It must neither block nor fail.
    """

    def __init__(self, engine: Engine, writing_engine: Engine | None = None) -> None:
        self.engine = engine
        self.writing_engine = writing_engine or engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writing = threading.Lock()
        self._writer: Connection | None = None
        self._readers: deque[Connection] = deque()
        self._synchronous = ""
        self.after_announce: Callable[[], None] = _tell_nobody

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, on one snapshot.

        Keep no cursor beyond the block: in SQLite one with rows left holds whoever gets the connection next to this snapshot.
        """
        begun = self._reading() if self.is_sqlite else self.engine.begin()
        with _translated(), begun as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """SQLite's transaction to read. Its connection is kept: from the pool and back takes longer than a short read."""
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = _connected(self.engine)
        asked = driver(connection)
        try:
            asked.execute("BEGIN")
            yield connection
            asked.rollback()
        except BaseException as error:
            if isinstance(error, (exc.DBAPIError, sqlite3.Error)):
                connection.invalidate()
            connection.close()
            raise
        if len(self._readers) < _READERS:
            self._readers.append(connection)
        else:
            connection.close()

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that writes.

        Args:
            durable: the commit is on disk when the block ends. False is for what can be made again from the journal
                (deliveries and their outcomes): a power failure may undo the last of it, never tear it.
        """
        begun = self._writing_sqlite(durable) if self.is_sqlite else self._writing_postgres(durable)
        with _translated(), begun as connection:
            # A transaction that failed may have left its mark on a connection that is used again.
            connection.info.pop(_ANNOUNCED, None)
            yield connection
            announced = connection.info.pop(_ANNOUNCED, False)
        if announced:
            self.after_announce()

    @contextmanager
    def _writing_postgres(self, durable: bool) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
            yield connection

    @contextmanager
    def _writing_sqlite(self, durable: bool) -> Iterator[Connection]:
        with self._writing:
            connection = self._take_writer("FULL" if durable else "NORMAL")
            asked = driver(connection)
            try:
                asked.execute("BEGIN IMMEDIATE")
                yield connection
                asked.execute("COMMIT")
            except (exc.DBAPIError, sqlite3.Error):
                self._drop_writer()
                raise
            except BaseException:
                if asked.in_transaction:
                    asked.execute("ROLLBACK")
                raise

    def _take_writer(self, synchronous: str) -> Connection:
        """SQLite's one connection for writing, whose next commit is of this kind.

        Kept: taking one from the pool, and the ROLLBACK at its return, cost as much as a small group's inserts. And only
        one: each commit on another connection would empty this one's cache of pages.
        """
        if self._writer is None:
            self._writer = _connected(self.writing_engine)
            self._synchronous = ""
        if synchronous != self._synchronous:
            driver(self._writer).execute(f"PRAGMA synchronous={synchronous}")
            self._synchronous = synchronous
        return self._writer

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.invalidate()
            self._writer.close()
            self._writer = None

    def carry_over(self) -> None:
        """Carry SQLite's log into the database file beside the writers, as far as it goes when this begins.

        Raises:
            StorageFull, StorageUnavailable: some of it may be left in the log, where it is safe.
        """
        with _translated(), self.engine.connect() as connection:
            driver(connection).execute(_CHECKPOINT).fetchone()

    def checkpoint(self) -> None:
        """Carry SQLite's log over, then what writers added meanwhile while they wait.

        Only a log that was carried over whole is begun anew. What somebody still reads in an older state stays in it.

        Raises:
            StorageFull, StorageUnavailable: some of it may be left in the log, where it is safe.
        """
        with _translated(), self.engine.connect() as connection:
            asked = driver(connection)
            asked.execute(_CHECKPOINT).fetchone()
            with self.write(durable=False):
                asked.execute(_CHECKPOINT).fetchone()

    def rows_written(self) -> int:
        """How many rows this process has written by the connection to SQLite that it writes with now."""
        with self._writing:
            return 0 if self._writer is None else int(driver(self._writer).total_changes)

    def answers(self) -> bool:
        """Whether the database can be reached now."""
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except exc.DBAPIError:
            return False
        return True

    def close(self) -> None:
        """Let go of every connection."""
        with self._writing:
            self._drop_writer()
        while self._readers:
            self._readers.pop().close()
        self.engine.dispose()
        self.writing_engine.dispose()


def open_storage(url: str) -> Storage:
    """The database at a SQLAlchemy URL: `sqlite:///path/to/bus.db` or `postgresql+psycopg://…` (`postgresql://` too).

    A SQLite file is made with mode 0600 when it is not there.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(parsed, pool_size=8, max_overflow=8, pool_pre_ping=True)
        event.listen(engine, "connect", _prepare_postgres)
        return Storage(engine)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).touch(mode=0o600)
    pool = {"poolclass": QueuePool, "pool_size": 8, "max_overflow": 8}
    return Storage(_sqlite(parsed, _READER, **pool), _sqlite(parsed, _WRITER, poolclass=NullPool))


def _prepare_postgres(dbapi_connection: Any, record: Any) -> None:
    # The bus takes the first rows of an index, in its order. Where statistics are missing or old, PostgreSQL takes a backlog to
    # be a few rows, and would find all of them by a bitmap and sort them.
    dbapi_connection.autocommit = True
    dbapi_connection.execute("SET enable_bitmapscan = off")
    # One plan for whatever a prepared statement may be about walks all deliveries once statistics say that most are due at once.
    dbapi_connection.execute("SET plan_cache_mode = force_custom_plan")
    dbapi_connection.autocommit = False


def _sqlite(url: URL, keeps: _Keeps, **pool: Any) -> Engine:
    engine = sa.create_engine(url, connect_args={"cached_statements": keeps.statements}, **pool)
    event.listen(engine, "connect", partial(_prepare_sqlite, keeps))
    return engine


def _prepare_sqlite(keeps: _Keeps, dbapi_connection: Any, record: Any) -> None:
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


def _connected(engine: Engine) -> Connection:
    """A connection whose transactions go through the driver: SQLAlchemy's own take longer.

    To SQLAlchemy it is in one without end, so that it begins and ends none.
    """
    connection = engine.connect()
    connection.begin()
    return connection


def mark_announced(connection: Connection) -> None:
    """Have `after_announce` called once this transaction is committed."""
    connection.info[_ANNOUNCED] = True


def _tell_nobody() -> None:
    """What changed is found by who looks."""


@contextmanager
def _translated() -> Iterator[None]:
    """The one border where the database's errors become the bus's."""
    try:
        yield
    except exc.OperationalError as error:
        raise _refusal(error.orig) from error
    except sqlite3.OperationalError as error:
        raise _refusal(error) from error
    except (exc.InterfaceError, exc.TimeoutError) as error:
        raise StorageUnavailable("The database does not answer; try again in some seconds.") from error


def _refusal(error: BaseException | None) -> Refused:
    if getattr(error, "sqlstate", None) in _POSTGRES_FULL or any(text in str(error) for text in _SQLITE_FULL):
        return StorageFull("The disk of the bus is full; the operator has to make room.")
    return StorageUnavailable("The database does not answer; try again in some seconds.")
