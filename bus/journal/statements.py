"""The append's statements in both dialects, side by side.

A group of events goes in with one statement each: Python's sqlite3 gives the interpreter lock away at every step, and a
step for each row would wait for it behind a busy event loop; PostgreSQL is spared round trips.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy.engine import Connection

from bus.storage import driver


class Row(NamedTuple):
    """One row of the journal, in the table's column order. A tuple, since a group's rows are strung together in C."""

    position: int
    contract_id: int
    version_id: int
    participant: str
    identity: bytes
    content: bytes
    key: str | None
    previous: int | None
    person: str | None
    recorded_at: int
    body: bytes


class Head(NamedTuple):
    """Where a record's newest event is."""

    contract_id: int
    key: str
    position: int
    deleted: bool


_COLUMNS: Final = Row._fields
_LAST_POSITION: Final = "SELECT coalesce(max(position), 0) FROM journal"
_SQLITE_ROWS: Final = 100
"""Rows in one statement: below SQLite's limit of variables, and few enough that the statements of all sizes stay prepared."""


class Statements(Protocol):
    """What an append asks of the database, inside its transaction."""

    def hold(self, connection: Connection) -> None:
        """Wait until no other append is under way, and keep others out to the end of the transaction."""
        ...

    def last_position(self, connection: Connection) -> int:
        """The newest position; 0 in an empty journal."""
        ...

    def known(self, connection: Connection, identities: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """Position and content digest of the identities that the journal has."""
        ...

    def heads(self, connection: Connection, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """The newest position of each record that is known."""
        ...

    def insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Append the rows."""
        ...

    def put_heads(self, connection: Connection, heads: Sequence[Head]) -> None:
        """Point the records at their newest events."""
        ...


def statements_for(dialect: str) -> Statements:
    """The statements in a dialect of SQLAlchemy's name."""
    return SqliteStatements() if dialect == "sqlite" else PostgresStatements()


class SqliteStatements:
    """SQLite: BEGIN IMMEDIATE already keeps other writers out.

    Asked through the driver itself: SQLAlchemy's 30 µs a statement would be a third of a small group's commit.
    """

    def hold(self, connection: Connection) -> None:
        pass

    def last_position(self, connection: Connection) -> int:
        return int(driver(connection).execute(_LAST_POSITION).fetchone()[0])

    def known(self, connection: Connection, identities: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        found: dict[bytes, tuple[int, bytes]] = {}
        for some in _batched(identities, _SQLITE_ROWS):
            places = ",".join("?" * len(some))
            sql = f"SELECT identity, position, content FROM journal WHERE identity IN ({places})"  # noqa: S608
            found.update({row[0]: (row[1], row[2]) for row in driver(connection).execute(sql, some)})
        return found

    def heads(self, connection: Connection, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
        found: dict[tuple[int, str], int] = {}
        for some in _batched(keys, _SQLITE_ROWS):
            # SQLite would read the whole table for (contract_id, key) IN (VALUES …), and may for a plain join.
            sql = (
                f"WITH wanted (contract_id, key) AS (VALUES {_places(len(some), 2)}) "  # noqa: S608
                "SELECT contract_id, key, position FROM wanted CROSS JOIN records USING (contract_id, key)"
            )
            rows = driver(connection).execute(sql, _flat(some))
            found.update({(row[0], row[1]): row[2] for row in rows})
        return found

    def insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        for some in _batched(rows, _SQLITE_ROWS):
            sql = f"INSERT INTO journal ({','.join(_COLUMNS)}) VALUES {_places(len(some), len(_COLUMNS))}"  # noqa: S608
            driver(connection).execute(sql, _flat(some))

    def put_heads(self, connection: Connection, heads: Sequence[Head]) -> None:
        for some in _batched(heads, _SQLITE_ROWS):
            sql = (
                "INSERT INTO records (contract_id, key, position, deleted) "  # noqa: S608
                f"VALUES {_places(len(some), 4)} ON CONFLICT (contract_id, key) "
                "DO UPDATE SET position = excluded.position, deleted = excluded.deleted"
            )
            driver(connection).execute(sql, _flat(some))


class PostgresStatements:
    """PostgreSQL: an advisory lock to the commit makes positions visible in order."""

    def hold(self, connection: Connection) -> None:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7102, 1)")

    def last_position(self, connection: Connection) -> int:
        return int(connection.exec_driver_sql(_LAST_POSITION).scalar_one())

    def known(self, connection: Connection, identities: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        sql = "SELECT identity, position, content FROM journal WHERE identity = ANY(%s::bytea[])"
        return {row[0]: (row[1], row[2]) for row in connection.exec_driver_sql(sql, (list(identities),))}

    def heads(self, connection: Connection, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
        sql = (
            "SELECT contract_id, key, position FROM records "
            "JOIN unnest(%s::int[], %s::text[]) AS wanted (contract_id, key) USING (contract_id, key)"
        )
        rows = connection.exec_driver_sql(sql, _columns(keys))
        return {(row[0], row[1]): row[2] for row in rows}

    def insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        sql = (
            f"INSERT INTO journal ({','.join(_COLUMNS)}) SELECT * FROM unnest("  # noqa: S608
            "%s::bigint[], %s::int[], %s::int[], %s::text[], %s::bytea[], %s::bytea[], %s::text[], %s::bigint[], "
            "%s::text[], %s::bigint[], %s::bytea[])"
        )
        connection.exec_driver_sql(sql, _columns(rows))

    def put_heads(self, connection: Connection, heads: Sequence[Head]) -> None:
        sql = (
            "INSERT INTO records (contract_id, key, position, deleted) "
            "SELECT * FROM unnest(%s::int[], %s::text[], %s::bigint[], %s::bool[]) ON CONFLICT (contract_id, key) "
            "DO UPDATE SET position = excluded.position, deleted = excluded.deleted"
        )
        connection.exec_driver_sql(sql, _columns(heads))


def _batched(values: Sequence[Any], size: int) -> Iterable[tuple[Any, ...]]:
    return (tuple(values[start : start + size]) for start in range(0, len(values), size))


def _places(rows: int, columns: int) -> str:
    return ",".join(["(" + ",".join("?" * columns) + ")"] * rows)


def _flat(rows: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(rows))


def _columns(rows: Iterable[Sequence[Any]]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))
