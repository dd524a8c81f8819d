"""Transaction: what rooms may ask of the database between its begin and its end.

A room writes a statement in one of two ways. SQLAlchemy Core is for what is rare. `Prepared` is for the hot path: its text goes
to the driver, which keeps it prepared. docs/decisions/storage-by-two-ways.md has the figures.
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

    All that changes from one call to the next is a parameter, lists as well (`Transaction.numbers`). To prepare a statement took
    SQLite three to ten times as long as to run it for four deliveries.

    Attributes:
        sqlite: SQLite's text. Parameters stand in it as `:name` or as `?`; no other part of it may look like one.
        postgres: PostgreSQL's text. Either is empty where a room asks only the other database.
        columns: the names of the rows' columns, in order, all of them numbers or texts. Given, `rows` reads SQLite's rows as one
            row, in no promised order. SQLite's driver releases the interpreter lock at each row. Beside a busy event loop,
            taking the lock back costs both threads more than the row.
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

    SQLite takes the values of many rows in one statement: its driver releases the interpreter lock at each statement.
    PostgreSQL takes one array a column, which spares round trips.

    Attributes:
        sqlite: with `{rows}` where the rows' places stand.
        row: the places of one row, in parentheses.
        postgres: with one `?` for each column's array, in order.
        sizes: the numbers of rows in one of SQLite's statements, the largest first. The last is small, so that the statements of
            all sizes below it stay prepared. SQLite has at most 32,766 parameters.
    """

    sqlite: str
    row: str
    postgres: str
    sizes: tuple[int, ...] = (100,)


class Rows(Protocol):
    """Rows that are read in portions."""

    def fetchmany(self, size: int, /) -> Sequence[Any]:
        """The next rows, at most `size`; none at the end."""
        ...


class Cursor(Rows, Protocol):
    """What a driver gives for a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        ...

    def fetchone(self) -> Any:
        """The next row; None at the end."""
        ...

    def close(self) -> None:
        """Let go of the rows that are left."""
        ...


class Driver(Protocol):
    """Runs prepared statements in one database's own way, on one connection. `Transaction` says what each method does."""

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
        """The first row, if its values are small enough."""
        ...

    def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> int:
        """Insert rows, at least one."""
        ...

    def hold(self, space: int, number: int) -> None:
        """Take a lock until the transaction ends."""
        ...

    def numbers(self, values: Iterable[int]) -> str | list[int]:
        """A list of numbers as one parameter."""
        ...


class Transaction:
    """One transaction. It ends with the block that `Storage.read` or `Storage.write` opened.

    Attributes:
        has_announced: it announced a change, of which `Storage` tells after the commit.
    """

    __slots__ = ("_connection", "_driver", "has_announced")

    def __init__(self, connection: Connection, driver: Driver) -> None:
        self._connection = connection
        self._driver = driver
        self.has_announced = False

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite: for a room's `statements.py`, where another text is not enough."""
        return self._driver.is_sqlite

    def execute(
        self, statement: sa.Executable | Prepared, parameters: Parameters | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a statement that changes rows, and return how many it changed.

        Args:
            parameters: with a list, a statement of Core runs once for each of its members.
        """
        return int(self._run(statement, parameters).rowcount)

    def rows(self, statement: sa.Executable | Prepared, parameters: Parameters | None = None) -> Sequence[Any]:
        """All rows of a statement: tuples, or lists in no promised order where `Prepared.columns` is given."""
        if isinstance(statement, Prepared):
            return self._driver.rows(statement, parameters)
        return self._core(statement, parameters).all()

    def one(self, statement: sa.Executable | Prepared, parameters: Parameters | None = None) -> Any | None:
        """The first row of a statement; None without one."""
        if isinstance(statement, Prepared):
            return self._driver.run(statement, parameters).fetchone()
        # Closes the cursor, which would hold SQLite's connection to its snapshot.
        return self._core(statement, parameters).first()

    def value(self, statement: sa.Executable | Prepared, parameters: Parameters | None = None) -> Any:
        """The first column of the first row; None without a row."""
        row = self.one(statement, parameters)
        return None if row is None else row[0]

    def one_within(self, most_bytes: int, statement: Prepared, parameters: Parameters) -> Any | None:
        """The first row of a statement that gives one; None where one of its values would have more than `most_bytes`.

        SQLite stops at that size, before it holds more.
        """
        return self._driver.one_within(most_bytes, statement, parameters)

    def stream(
        self, statement: sa.Executable | Prepared, parameters: Parameters | None = None
    ) -> AbstractContextManager[Rows]:
        """The rows of a statement in portions. SQLite finds them as they are read; PostgreSQL's driver holds all of them."""
        return closing(self._run(statement, parameters))

    def insert(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> int:
        """Insert rows, at least one, and return how many the table took."""
        return self._driver.insert(insertion, rows)

    def hold(self, space: int, number: int) -> None:
        """Wait for a lock and keep it until the transaction ends.

        PostgreSQL has an advisory lock for each pair of numbers. SQLite has one writer at a time anyway.

        Args:
            space: tells the locks of one kind from others in the database.
        """
        self._driver.hold(space, number)

    def numbers(self, values: Iterable[int]) -> str | list[int]:
        """A list of numbers as one parameter: for SQLite's `json_each`, in PostgreSQL an array."""
        return self._driver.numbers(values)

    def _run(self, statement: sa.Executable | Prepared, parameters: Any) -> Cursor:
        if isinstance(statement, Prepared):
            return self._driver.run(statement, parameters)
        return self._core(statement, parameters)

    def _core(self, statement: sa.Executable, parameters: Any) -> sa.CursorResult[Any]:
        return self._connection.execute(statement, parameters)


def get_connection(transaction: Transaction) -> Connection:
    """SQLAlchemy's connection in a transaction, which Alembic needs to migrate; for this room alone."""
    return transaction._connection
