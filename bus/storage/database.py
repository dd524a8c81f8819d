"""The database of a bus: transactions to read and to write, the same for SQLite and PostgreSQL.

All of it is synchronous and called from threads; the event loop never waits on it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sqlalchemy.engine import Engine, make_url

from bus.storage.errors import StorageFull
from bus.storage.leader import Leadership
from bus.storage.postgres import PostgresDatabase
from bus.storage.sqlite import SqliteDatabase
from bus.storage.transaction import Transaction


def _do_nothing() -> None:
    """What changed is found by who looks."""


class Database(Protocol):
    """What SQLite and PostgreSQL do in their own ways. `sqlite.py` and `postgres.py` have one each."""

    @property
    def engines(self) -> Sequence[Engine]:
        """Of its connections."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads."""
        ...

    def write(self, *, durable: bool) -> AbstractContextManager[Transaction]:
        """A transaction that writes."""
        ...

    def make_leadership(self, job: str) -> Leadership:
        """The leadership of a job among all processes on this database."""
        ...

    def answers(self) -> bool:
        """Whether the database can be reached now."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


class Storage:
    """One database, and who is told of changes in it.

    Attributes:
        is_full: the last transaction that wrote found no disk space.
    """

    def __init__(self, database: Database, announced: Callable[[], None] = _do_nothing) -> None:
        """Works on a database.

        Args:
            announced: called in the writer's thread after the commit of a transaction that announced a change. It must neither
                block nor fail.
        """
        self.database = database
        self.is_sqlite = isinstance(database, SqliteDatabase)
        self.is_full = False
        self._announced = announced

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads, on one snapshot.

        Keep no rows unread beyond the block: in SQLite they would hold whoever gets the connection next to this snapshot.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        return self.database.read()

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Transaction]:
        """A transaction that writes.

        Args:
            durable: the commit is on disk when the block ends. False is for what can be made again from the journal
                (deliveries and their outcomes): a power failure may undo the last of it, never tear it.

        Raises:
            StorageFull, StorageUnavailable: nothing was written.
            RowConflict: a row breaks a unique key; nothing was written.
        """
        try:
            with self.database.write(durable=durable) as transaction:
                yield transaction
        except StorageFull:
            self.is_full = True
            raise
        self.is_full = False
        if transaction.has_announced:
            self._announced()

    def answers(self) -> bool:
        """Whether the database can be reached now."""
        return self.database.answers()

    def close(self) -> None:
        """Let go of every connection."""
        self.database.close()


def open_storage(url: str, announced: Callable[[], None] = _do_nothing) -> Storage:
    """The database at a SQLAlchemy URL: `sqlite:///path/to/bus.db` or `postgresql+psycopg://…` (`postgresql://` too).

    A SQLite file is made with mode 0600 when it is not there. `announced` is told of changes; see `Storage`.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return Storage(PostgresDatabase(parsed), announced)
    return Storage(SqliteDatabase(parsed), announced)


def make_leadership(storage: Storage, job: str) -> Leadership:
    """The leadership of `job` among all processes on this database."""
    return storage.database.make_leadership(job)
