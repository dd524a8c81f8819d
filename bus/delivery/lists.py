"""Lists of numbers in the text of statements, and how each dialect finds rows by them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an UPDATE finds rows by a list of numbers: what its FROM holds, and its condition."""

    source: str
    condition: str


def wanted(connection: Connection, column: str, values: Iterable[int]) -> Wanted:
    """The rows of `deliveries` with one of some values in a column."""
    # PostgreSQL without fresh statistics takes a subscription's backlog to be a few rows, and for an IN list it read all of
    # them (measured: 15 ms instead of 2 for a run out of 60,000). It joins a list whose length it cannot see row by row.
    if connection.dialect.name == "sqlite":
        return Wanted("", f"{column} IN ({numbers(values)})")
    return Wanted(f" FROM {unnested(column, values)}", f"deliveries.{column}=wanted.{column}")


def unnested(column: str, values: Iterable[int]) -> str:
    """PostgreSQL's table `wanted` of one column."""
    return f"unnest((SELECT ARRAY[{numbers(values)}]::bigint[])) AS wanted ({column})"


def by(index: str, connection: Connection) -> str:
    """Has SQLite use an index: it keeps no statistics here and would walk all of a subscription's deliveries by their key."""
    return f" INDEXED BY {index}" if connection.dialect.name == "sqlite" else ""


def number(value: int | None) -> str:
    """A number or NULL."""
    return "NULL" if value is None else str(int(value))


def rows(values: Iterable[int]) -> str:
    """Rows of one number each, for VALUES."""
    return ",".join(f"({int(value)})" for value in values)


def numbers(values: Iterable[int]) -> str:
    """Numbers, for IN."""
    return ",".join(str(int(value)) for value in values)
