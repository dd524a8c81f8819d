"""The database of a bus: transactions that read and transactions that write, on SQLite or PostgreSQL.

Everything here is synchronous: call it from threads, so that the event loop never waits for the database.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sqlalchemy.engine import Engine, make_url

from bus.storage.leader import Leadership
from bus.storage.postgres import PostgresDatabase
from bus.storage.sqlite import SqliteDatabase
from bus.storage.transaction import Transaction


class Database(Protocol):
    """The parts in which SQLite and PostgreSQL differ. `sqlite.py` and `postgres.py` implement it."""

    @property
    def engines(self) -> Sequence[Engine]:
        """SQLAlchemy's engines, which make the connections."""
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
    """One database, and the callback that hears of announced changes.

    Attributes:
        after_announce: runs in the writer's thread, after the commit of a transaction that announced a change. It must neither
            block nor fail.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.is_sqlite = isinstance(database, SqliteDatabase)
        self.after_announce: Callable[[], None] = _do_nothing

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads, on one snapshot.

        Leave no rows unread when the block ends. In SQLite, unread rows would tie the connection's next user to this snapshot.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        return self.database.read()

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Transaction]:
        """A transaction that writes.

        Args:
            durable: whether the commit is on disk when the block ends. False is for rows that the bus can make again from the
                journal, such as deliveries. A power failure may then undo the last transactions, each as a whole.

        Raises:
            StorageFull, StorageUnavailable: nothing was written.
            RowConflict: a row breaks a unique key or a reference; nothing was written.
        """
        with self.database.write(durable=durable) as transaction:
            yield transaction
        if transaction.has_announced:
            self.after_announce()

    def answers(self) -> bool:
        """Whether the database can be reached now."""
        return self.database.answers()

    def close(self) -> None:
        """Let go of every connection."""
        self.database.close()


def open_storage(url: str) -> Storage:
    """The database at a SQLAlchemy URL: `sqlite:///path/to/bus.db`, `postgresql+psycopg://…` or `postgresql://…`.

    If a SQLite file does not exist, it is made with mode 0600.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return Storage(PostgresDatabase(parsed))
    return Storage(SqliteDatabase(parsed))


def make_leadership(storage: Storage, job: str) -> Leadership:
    """The leadership of `job` among all processes on this database."""
    return storage.database.make_leadership(job)


def _do_nothing() -> None:
    """Processes find the change at their next look."""
