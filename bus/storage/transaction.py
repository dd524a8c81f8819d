"""Transactions: the operations on the database that rooms use.

A room writes a statement in one of two ways. SQLAlchemy Core is for rare statements. `Prepared` is for the hot path: its text
goes to the driver, which keeps it prepared. docs/decisions/storage-by-two-ways.md has the figures.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

Parameters = Mapping[str, Any] | tuple[Any, ...]
"""A statement's parameters: by name for `:name`, in order for `?`."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One statement in both dialects, which the driver keeps prepared.

    Every value that changes between calls is a parameter, lists too (`Transaction.numbers`). To prepare a statement takes SQLite
    longer than to run it.

    Attributes:
        sqlite: SQLite's text. Its parameters are `:name` or `?`; no other part of the text may look like a parameter.
        postgres: PostgreSQL's text. A text is empty if the room uses only the other database.
        columns: the names of the rows' columns, in order; each column holds numbers or texts. With `columns`, `rows` reads all
            of SQLite's rows as one row, in no promised order. SQLite's driver releases the interpreter lock at each row. Beside
            a busy event loop, to take the lock back costs more than the row.
    """

    sqlite: str = ""
    postgres: str = ""
    columns: str | None = None

    @classmethod
    def in_both(cls, text: str, columns: str | None = None) -> "Prepared":
        """A statement with one text for both dialects."""
        return cls(text, text, columns)


@dataclass(frozen=True, slots=True, eq=False)
class Insertion:
    """An INSERT of many rows in few statements.

    SQLite takes the values of many rows in one statement, since its driver releases the interpreter lock at each statement.
    PostgreSQL takes one array for each column, which saves round trips.

    Attributes:
        sqlite: SQLite's text, with `{rows}` in the place of the rows' parameters.
        row: the parameters of one row, in parentheses.
        postgres: PostgreSQL's text, with one `?` for each column's array, in order.
        sizes: how many rows one of SQLite's statements may take, the largest number first. The last number is small, so that
            the statements of all sizes below it stay prepared. SQLite has at most 32,766 parameters.
    """

    sqlite: str
    row: str
    postgres: str
    sizes: tuple[int, ...] = (100,)


class Rows(Protocol):
    """Rows that the caller reads in portions."""

    def fetchmany(self, size: int, /) -> Sequence[Any]:
        """The next rows, at most `size`; empty at the end."""
        ...


class Cursor(Rows, Protocol):
    """The result of one statement."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        ...

    def fetchone(self) -> Any:
        """The next row; None at the end."""
        ...

    def close(self) -> None:
        """Drop the rows that were not read."""
        ...


class Driver(Protocol):
    """Runs prepared statements on one connection, in one database's own way. `Transaction` documents each method."""

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        ...

    def run(self, statement: Prepared, parameters: Parameters | None) -> Cursor:
        """Run a statement."""
        ...

    def rows(self, statement: Prepared, parameters: Parameters | None) -> Sequence[Any]:
        """All rows of a statement."""
        ...

    def one_within(self, most_bytes: int, statement: Prepared, parameters: Parameters) -> Any | None:
        """The first row; None if one of its values is larger than `most_bytes`."""
        ...

    def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> int:
        """Insert one row or more, and return how many the table took."""
        ...

    def hold(self, space: int, number: int) -> None:
        """Wait for a lock, and hold it until the transaction ends."""
        ...

    def numbers(self, values: Iterable[int]) -> str | list[int]:
        """A list of numbers as one parameter."""
        ...


class Transaction:
    """One transaction. It ends with the block that `Storage.read` or `Storage.write` opened.

    Attributes:
        has_announced: whether it announced a change. `Storage` tells of it after the commit.
    """

    __slots__ = ("_connection", "_driver", "has_announced")

    def __init__(self, connection: Connection, driver: Driver) -> None:
        self._connection = connection
        self._driver = driver
        self.has_announced = False

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite. A room asks this if two texts of a statement are not enough."""
        return self._driver.is_sqlite

    def execute(
        self, statement: sa.Executable | Prepared, parameters: Parameters | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a statement that changes rows, and return how many it changed.

        Args:
            parameters: one set of values. A statement of Core also takes a list, and runs once for each member.
        """
        return int(self._run(statement, parameters).rowcount)

    def rows(self, statement: sa.Executable | Prepared, parameters: Parameters | None = None) -> Sequence[Any]:
        """All rows of a statement, as tuples. With `Prepared.columns` they may be lists, in no promised order."""
        if isinstance(statement, Prepared):
            return self._driver.rows(statement, parameters)
        return self._core(statement, parameters).all()

    def one(self, statement: sa.Executable | Prepared, parameters: Parameters | None = None) -> Any | None:
        """The first row of a statement; None if it has no row."""
        if isinstance(statement, Prepared):
            return self._driver.run(statement, parameters).fetchone()
        # `first` closes the cursor. An open cursor would tie SQLite's connection to its snapshot.
        return self._core(statement, parameters).first()

    def value(self, statement: sa.Executable | Prepared, parameters: Parameters | None = None) -> Any:
        """The first column of the first row; None if there is no row."""
        row = self.one(statement, parameters)
        return None if row is None else row[0]

    def one_within(self, most_bytes: int, statement: Prepared, parameters: Parameters) -> Any | None:
        """The first row of a statement; None if one of its values has more than `most_bytes` bytes.

        SQLite stops at that size, so a larger value never fills the memory.
        """
        return self._driver.one_within(most_bytes, statement, parameters)

    def stream(
        self, statement: sa.Executable | Prepared, parameters: Parameters | None = None
    ) -> AbstractContextManager[Rows]:
        """The rows of a statement, to be read in portions. PostgreSQL's driver still holds all rows in memory."""
        return closing(self._run(statement, parameters))

    def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> int:
        """Insert one row or more, and return how many the table took."""
        return self._driver.insert(insertion, rows)

    def hold(self, space: int, number: int) -> None:
        """Wait for a lock, and hold it until the transaction ends.

        PostgreSQL has an advisory lock for each pair of numbers. SQLite needs none, since it has one writer at a time.

        Args:
            space: the kind of lock, a number of its own for each kind.
            number: the lock among its kind.
        """
        self._driver.hold(space, number)

    def numbers(self, values: Iterable[int]) -> str | list[int]:
        """A list of numbers as one parameter: a JSON text for SQLite's `json_each`, or an array for PostgreSQL."""
        return self._driver.numbers(values)

    def _run(self, statement: sa.Executable | Prepared, parameters: Any) -> Cursor:
        if isinstance(statement, Prepared):
            return self._driver.run(statement, parameters)
        return self._core(statement, parameters)

    def _core(self, statement: sa.Executable, parameters: Any) -> sa.CursorResult[Any]:
        return self._connection.execute(statement, parameters)


def get_connection(transaction: Transaction) -> Connection:
    """SQLAlchemy's connection of a transaction, for Alembic. Only this room uses it."""
    return transaction._connection
