"""The append's statements in both dialects, side by side.

A group of events goes in with one statement each: Python's sqlite3 gives the interpreter lock away at every step, and a
step for each row would wait for it behind a busy event loop; PostgreSQL is spared round trips.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final, Protocol

from sqlalchemy.engine import Connection

from bus.storage import driver

Row = tuple[int, int, int, str, bytearray, str | None, str | None, int, bytes | bytearray]
"""One row of the journal, in the order of `_FIELDS`. Plain, since a named tuple takes longer to make."""

Known = tuple[int, bytes]
"""An event that is there already: position and body."""

_FIELDS: Final = (
    "position", "contract_id", "version_id", "participant", "identity", "key", "person", "recorded_at", "body",
)  # fmt: skip
_COLUMNS: Final = ",".join(_FIELDS)
_LAST_POSITION: Final = "SELECT coalesce(max(position), 0) FROM journal"
_SQLITE_ROWS: Final = 100
"""Rows in one statement: few enough that the statements of all sizes stay prepared."""
_SQLITE_MANY: Final = 500
"""Rows in one statement where there are so many: below SQLite's limit of variables, and one size more to keep prepared."""
_IF_UNKNOWN: Final = "ON CONFLICT (identity) DO NOTHING"
_POSTGRES_INSERT: Final = f"""INSERT INTO journal ({_COLUMNS}) SELECT * FROM unnest(
    %s::bigint[], %s::int[], %s::int[], %s::text[], %s::bytea[], %s::text[], %s::text[], %s::bigint[], %s::bytea[])
    {_IF_UNKNOWN}"""  # noqa: S608


class Statements(Protocol):
    """What an append asks of the database, inside its transaction."""

    def hold(self, connection: Connection) -> None:
        """Wait until no other append is under way, and keep others out to the end of the transaction."""
        ...

    def last_position(self, connection: Connection) -> int:
        """The newest position; 0 in an empty journal."""
        ...

    def known(self, connection: Connection, identities: Sequence[bytes]) -> dict[bytes, Known]:
        """The events that the journal has, by those of the identities that are theirs."""
        ...

    def insert(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Append the rows, save those whose identity the journal has; how many were appended."""
        ...


def statements_for(dialect: str) -> Statements:
    """The statements in a dialect of SQLAlchemy's name."""
    return SqliteStatements() if dialect == "sqlite" else PostgresStatements()


class SqliteStatements:
    """SQLite: BEGIN IMMEDIATE already keeps other writers out.

    Asked through the driver itself: SQLAlchemy's own work would be much of a small group's commit.
    """

    def hold(self, connection: Connection) -> None:
        pass

    def last_position(self, connection: Connection) -> int:
        return int(driver(connection).execute(_LAST_POSITION).fetchone()[0])

    def known(self, connection: Connection, identities: Sequence[bytes]) -> dict[bytes, Known]:
        found: dict[bytes, Known] = {}
        for some in _batched(identities, _SQLITE_ROWS):
            places = ",".join("?" * len(some))
            sql = f"SELECT identity, position, body FROM journal WHERE identity IN ({places})"  # noqa: S608
            found.update({row[0]: (row[1], row[2]) for row in driver(connection).execute(sql, some)})
        return found

    def insert(self, connection: Connection, rows: Sequence[Row]) -> int:
        return sum(
            int(driver(connection).execute(_sqlite_insert(len(some)), _flat(some)).rowcount)
            for some in _in_statements(rows)
        )


class PostgresStatements:
    """PostgreSQL: an advisory lock to the commit makes positions visible in order."""

    def hold(self, connection: Connection) -> None:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7102, 1)")

    def last_position(self, connection: Connection) -> int:
        return int(connection.exec_driver_sql(_LAST_POSITION).scalar_one())

    def known(self, connection: Connection, identities: Sequence[bytes]) -> dict[bytes, Known]:
        sql = "SELECT identity, position, body FROM journal WHERE identity = ANY(%s::bytea[])"
        return {row[0]: (row[1], row[2]) for row in connection.exec_driver_sql(sql, (list(identities),))}

    def insert(self, connection: Connection, rows: Sequence[Row]) -> int:
        return int(connection.exec_driver_sql(_POSTGRES_INSERT, _columns(rows)).rowcount)


@cache
def _sqlite_insert(rows: int) -> str:
    return f"INSERT INTO journal ({_COLUMNS}) VALUES {_places(rows, len(_FIELDS))} {_IF_UNKNOWN}"  # noqa: S608


def _batched(values: Sequence[Any], size: int) -> Iterable[tuple[Any, ...]]:
    return (tuple(values[start : start + size]) for start in range(0, len(values), size))


def _in_statements(rows: Sequence[Row]) -> Iterable[tuple[Row, ...]]:
    many = len(rows) // _SQLITE_MANY * _SQLITE_MANY
    return chain(_batched(rows[:many], _SQLITE_MANY), _batched(rows[many:], _SQLITE_ROWS))


def _places(rows: int, columns: int) -> str:
    return ",".join(["(" + ",".join("?" * columns) + ")"] * rows)


def _flat(rows: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(rows))


def _columns(rows: Iterable[Sequence[Any]]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))
