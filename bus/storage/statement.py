"""Statements asked of the database as they stand, where SQLAlchemy's share of the time would count."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy.engine import Connection

from bus import json

Parameters = Mapping[str, int | str | bytes | list[int] | None]
_NAMED: Final = re.compile(r"(?<![:\w]):(\w+)")
"""A parameter, `:name`, but no cast, `::type`."""


class Statement(NamedTuple):
    """One statement in both dialects. Parameters stand in it as `:name`.

    All that changes from one call to the next is a parameter, lists as well (`numbers`): a text that stays the same is prepared
    once for each connection. To prepare one takes SQLite longer than to run it for a few deliveries.
    """

    sqlite: str
    postgres: str

    def text(self, connection: Connection) -> str:
        """In the dialect of a connection."""
        return self.sqlite if connection.dialect.name == "sqlite" else self.postgres


def execute(connection: Connection, statement: str | Statement, parameters: Parameters | None = None) -> Any:
    """Run a statement; gives a cursor of tuples with `rowcount`.

    SQLAlchemy's way takes longer than SQLite's own, which is much where a few events pass through a dozen of statements.

    Args:
        statement: a text where it is the same in both dialects.
        parameters: stand as `:name` in it; no text in it may look like one.
    """
    text = statement if isinstance(statement, str) else statement.text(connection)
    if connection.dialect.name == "sqlite":
        return driver(connection).execute(text, parameters or {})
    return connection.exec_driver_sql(_in_psycopg(text), parameters)


def fetch(
    connection: Connection, columns: str, query: str | Statement, parameters: Parameters | None = None
) -> list[Any]:
    """The rows of a query, in no promised order; for numbers and texts.

    From SQLite they come as one row: its driver gives the interpreter lock away at each, and where an event loop is busy
    beside it, taking that back costs both threads more than the row.

    Args:
        columns: the query's, by name, in its order.
    """
    if connection.dialect.name != "sqlite":
        # SQLAlchemy's rows are slow to compare.
        return list(map(tuple, execute(connection, query, parameters)))
    together = _together(columns, query if isinstance(query, str) else query.text(connection))
    rows: list[Any] = json.loads(execute(connection, together, parameters).fetchone()[0])
    return rows


def numbers(connection: Connection, values: Iterable[int]) -> str | list[int]:
    """A list of numbers as one parameter: for SQLite's `json_each`, in PostgreSQL an array."""
    if connection.dialect.name == "sqlite":
        return f"[{','.join(map(str, values))}]"
    return list(values)


def driver(connection: Connection) -> Any:
    """The driver's own connection below SQLAlchemy's, for statements so many that its share counts."""
    return connection.connection.driver_connection


@cache
def _in_psycopg(text: str) -> str:
    return _NAMED.sub(r"%(\1)s", text.replace("%", "%%"))


@cache
def _together(columns: str, query: str) -> str:
    return f"SELECT json_group_array(json_array({columns})) FROM ({query})"  # noqa: S608
