"""PostgreSQL: a server, many writers at a time. `sqlite.py` has the same parts in the same order."""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine

from bus.storage.errors import RowConflict, make_storage_full, make_storage_unavailable
from bus.storage.transaction import Insertion, Parameters, Prepared, Transaction

_FULL: Final = ("53100", "53200")
"""The server's disk is full, and its memory."""
_CONFLICTS: Final = ("23503", "23505")
"""A reference without its row, and a unique key that is taken."""
_HOLD: Final = "SELECT pg_advisory_xact_lock(%s::int, %s::int)"
_NAMED: Final = re.compile(r"(?<![:\w]):(\w+)")
"""A parameter, `:name`, but no cast, `::type`."""


class PostgresDatabase:
    """A database on a server.

    Attributes:
        engines: of the connections, which both read and write.
    """

    def __init__(self, url: URL) -> None:
        self.engines = (_make_engine(url),)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction to read."""
        with _translate_errors(), self.engines[0].begin() as connection:
            yield Transaction(connection, _Driver(connection))

    @contextmanager
    def write(self, *, durable: bool) -> Iterator[Transaction]:
        """A transaction to write, beside others."""
        with _translate_errors(), self.engines[0].begin() as connection:
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
            yield Transaction(connection, _Driver(connection))

    def make_leadership(self, job: str) -> "SessionLeadership":
        """The leadership of a job among the processes on this database."""
        return SessionLeadership(self.engines[0], job)

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
        self.engines[0].dispose()


class SessionLeadership:
    """Leadership by a session's advisory lock, which ends with the session."""

    def __init__(self, engine: Engine, job: str) -> None:
        self._engine = engine
        self._key = zlib.crc32(f"bus.{job}".encode())
        self._session: Connection | None = None

    def acquire(self) -> bool:
        """Try to lead; True while this process leads. It notices a lost session."""
        try:
            if self._session is None:
                self._session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                if not self._session.scalar(sa.select(sa.func.pg_try_advisory_lock(self._key))):
                    self.release()
                    return False
            else:
                self._session.scalar(sa.select(1))
        except exc.DBAPIError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Let another process lead."""
        # Closed for good rather than given back to the pool: the session holds the lock.
        if self._session is not None:
            self._session.invalidate()
            self._session.close()
            self._session = None


class _Driver:
    """Statements through psycopg, without what SQLAlchemy adds to a result."""

    __slots__ = ("_connection",)
    is_sqlite: Final = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, statement: Prepared, parameters: Parameters | None) -> sa.CursorResult[Any]:
        # By SQLAlchemy's connection, which drops a session that the server ended.
        return self._connection.exec_driver_sql(_write_for_psycopg(statement.postgres), parameters)

    def rows(self, statement: Prepared, parameters: Parameters | None) -> Sequence[Any]:
        # SQLAlchemy's rows are slow to compare.
        return list(map(tuple, self.run(statement, parameters)))

    def one_within(self, most_bytes: int, statement: Prepared, parameters: Parameters) -> Any | None:
        row = self.run(statement, parameters).fetchone()
        is_larger = row is None or any(isinstance(value, (str, bytes)) and len(value) > most_bytes for value in row)
        return None if is_larger else row

    def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> int:
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        return self._connection.exec_driver_sql(_write_for_psycopg(insertion.postgres), columns).rowcount

    def hold(self, space: int, number: int) -> None:
        self._connection.exec_driver_sql(_HOLD, (space, number))

    def numbers(self, values: Iterable[int]) -> list[int]:
        return list(values)


@cache
def _write_for_psycopg(text: str) -> str:
    return _NAMED.sub(r"%(\1)s", text.replace("%", "%%")).replace("?", "%s")


def _make_engine(url: URL) -> Engine:
    # Errors name no parameters: those may be personal data.
    pool = {"pool_size": 8, "max_overflow": 8, "pool_pre_ping": True}
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), hide_parameters=True, **pool)
    event.listen(engine, "connect", _prepare_connection)
    return engine


def _prepare_connection(dbapi_connection: Any, record: Any) -> None:
    # The bus takes the first rows of an index, in its order. Where statistics are missing or old, PostgreSQL takes a backlog to
    # be a few rows, and would find all of them by a bitmap and sort them: 55 ms for the next thousand of 300,000.
    dbapi_connection.autocommit = True
    dbapi_connection.execute("SET enable_bitmapscan = off")
    # One plan for whatever a prepared statement may be about walks all deliveries once statistics say that most are due at once.
    dbapi_connection.execute("SET plan_cache_mode = force_custom_plan")
    dbapi_connection.autocommit = False


@contextmanager
def _translate_errors() -> Iterator[None]:
    """The one border where PostgreSQL's errors become the bus's."""
    try:
        yield
    except exc.OperationalError as error:
        raise (
            make_storage_full() if getattr(error.orig, "sqlstate", None) in _FULL else make_storage_unavailable()
        ) from error
    except (exc.InterfaceError, exc.TimeoutError) as error:
        raise make_storage_unavailable() from error
    except exc.IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) not in _CONFLICTS:
            raise
        # Not chained: PostgreSQL's message names the row's values, which may be personal data.
        raise RowConflict from None
