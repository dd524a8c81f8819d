"""SQLite's log: it begins anew while the bus writes, and nothing that is read or written meanwhile is the worse for it."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from bus.storage import Checkpoints, Prepared, Storage, StorageFull, StorageUnavailable, Transaction
from bus.storage.sqlite import SqliteDatabase
from tests.services.waiting import until

_MAKE = Prepared(sqlite="CREATE TABLE written (body BLOB)")
_ADD = Prepared(
    sqlite="WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) "
    "INSERT INTO written SELECT zeroblob(400) FROM n"
)
_COUNT = Prepared(sqlite="SELECT count(*) FROM written")
_NOWHERE = Prepared(sqlite="INSERT INTO nowhere VALUES (1)")
ROWS = 3_000
"""Rows of a transaction: enough for a checkpoint, and some 300 pages."""


class Watched(SqliteDatabase):
    """A database that notes the parts of checkpoints with the priority of their thread; of a full disk they fail."""

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self.made = list[tuple[str, int]]()
        self.failures = 0

    def carry_over(self) -> None:
        self._note("carry_over")
        super().carry_over()

    def checkpoint(self) -> None:
        self._note("checkpoint")
        super().checkpoint()

    def _note(self, part: str) -> None:
        self.made.append((part, priority()))
        if self.failures:
            self.failures -= 1
            raise StorageFull("The disk of the bus is full; the operator has to make room.")

    def parts(self) -> list[str]:
        return [part for part, _ in self.made]


class Overtaken(SqliteDatabase):
    """A database to which somebody else writes before the next transaction that this process begins."""

    overtaking: Callable[[], None] | None = None

    def write(self, *, durable: bool) -> AbstractContextManager[Transaction]:
        overtaking, self.overtaking = self.overtaking, None
        if overtaking is not None:
            overtaking()
        return super().write(durable=durable)


def priority() -> int:
    """Of this thread; elsewhere than on Linux, of the process."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.fixture
def url(tmp_path: Path) -> URL:
    return make_url(f"sqlite:///{tmp_path / 'bus.db'}")


@pytest.fixture
def database(url: URL) -> Iterator[Watched]:
    database = Watched(url)
    with database.write(durable=True) as transaction:
        transaction.execute(_MAKE)
    yield database
    database.close()


@pytest.fixture
def storage(database: Watched) -> Storage:
    return Storage(database)


def write(storage: Storage, rows: int = ROWS) -> None:
    with storage.write() as transaction:
        transaction.execute(_ADD, {"rows": rows})


def count(storage: Storage) -> int:
    with storage.read() as transaction:
        return int(transaction.value(_COUNT))


def log_bytes(database: SqliteDatabase) -> int:
    return Path(f"{database.path}-wal").stat().st_size


def test_a_log_that_was_carried_over_begins_anew(storage: Storage, database: Watched):
    checkpoints = Checkpoints(storage)
    write(storage)
    once = log_bytes(database)
    for _ in range(5):
        checkpoints.look()
        write(storage)
    # A file of the log's length at most; without checkpoints six times that.
    assert log_bytes(database) < 1.5 * once
    assert count(storage) == 6 * ROWS


def test_what_is_committed_beside_a_checkpoint_is_carried_over_with_it(storage: Storage, url: URL):
    write(storage)
    database = Overtaken(url)
    once = log_bytes(database)
    database.overtaking = lambda: write(storage)
    database.checkpoint()
    assert count(storage) == 2 * ROWS
    for _ in range(2):
        write(storage)
    # Begun anew, and as long as it was.
    assert log_bytes(database) < 2.5 * once
    database.close()


def test_for_few_rows_the_log_is_left_as_it_is(storage: Storage, database: Watched):
    checkpoints = Checkpoints(storage)
    write(storage, 10)
    checkpoints.look()
    assert database.made == []
    write(storage)
    checkpoints.look()
    checkpoints.look()
    assert database.parts() == ["carry_over", "checkpoint"]


def test_most_of_the_log_is_carried_over_by_a_thread_that_gives_way(storage: Storage, database: Watched):
    usual = priority()
    write(storage)
    Checkpoints(storage).look()
    # Elsewhere a thread has no priority of its own.
    less = min(19, usual + 10) if sys.platform == "linux" else usual
    assert database.made == [("carry_over", less), ("checkpoint", usual)]


def test_what_cannot_be_carried_over_aside_is_told_and_tried_again(storage: Storage, database: Watched):
    database.failures = 1
    write(storage)
    checkpoints = Checkpoints(storage)
    with pytest.raises(StorageFull):
        checkpoints.look()
    for _ in range(2):
        checkpoints.look()
    assert database.parts() == ["carry_over", "carry_over", "checkpoint"]


def test_who_reads_an_older_state_goes_on_reading_it(storage: Storage, database: SqliteDatabase):
    write(storage)
    with storage.read() as transaction:
        assert transaction.value(_COUNT) == ROWS
        write(storage)
        database.checkpoint()
        assert transaction.value(_COUNT) == ROWS
    assert count(storage) == 2 * ROWS


def test_checkpoints_beside_writers_and_readers_lose_nothing(storage: Storage, database: SqliteDatabase):
    stopping, seen = threading.Event(), list[int]()

    def read() -> None:
        while not stopping.is_set():
            seen.append(count(storage))

    reading = threading.Thread(target=read)
    writers = [threading.Thread(target=lambda: [write(storage, 100) for _ in range(50)]) for _ in range(2)]
    for thread in (reading, *writers):
        thread.start()
    while any(writer.is_alive() for writer in writers):
        database.checkpoint()
    stopping.set()
    reading.join(20)
    assert seen == sorted(seen)
    assert all(number % 100 == 0 for number in seen)
    assert count(storage) == 2 * 50 * 100


def test_rows_are_counted_while_the_writer_is_made_anew(storage: Storage, database: SqliteDatabase):
    stopping, counted = threading.Event(), list[int]()

    def look() -> None:
        while not stopping.is_set():
            counted.append(database.rows_written())

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(200):
        # An error of the database lets go of the connection.
        with pytest.raises(StorageUnavailable), storage.write() as transaction:
            transaction.execute(_NOWHERE)
        write(storage, 1)
    before = len(counted)
    until(lambda: len(counted) > before)
    stopping.set()
    looking.join(20)
    assert set(counted) <= {0, 1}


async def test_a_checkpoint_that_fails_is_made_again(storage: Storage, database: Watched):
    database.failures = 1
    write(storage)
    following = asyncio.create_task(Checkpoints(storage, pause=0.01).follow())
    await asyncio.to_thread(until, lambda: "checkpoint" in database.parts())
    following.cancel()
    await asyncio.wait([following])
    assert following.cancelled()
