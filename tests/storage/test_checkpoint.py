"""SQLite's log: it begins anew while the bus writes, and nothing that is read or written meanwhile is the worse for it."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bus.storage import Checkpoints, Prepared, Storage, StorageFull, StorageUnavailable, Transaction
from bus.storage import checkpoint as checkpoint_module
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


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(make_url(f"sqlite:///{tmp_path / 'bus.db'}"))
    with database.write(durable=True) as transaction:
        transaction.execute(_MAKE)
    yield database
    database.close()


@pytest.fixture
def storage(database: SqliteDatabase) -> Storage:
    return Storage(database)


def write(storage: Storage, rows: int = ROWS) -> None:
    with storage.write() as transaction:
        transaction.execute(_ADD, {"rows": rows})


def count(storage: Storage) -> int:
    with storage.read() as transaction:
        return int(transaction.value(_COUNT))


def log_bytes(database: SqliteDatabase) -> int:
    return Path(f"{database.path}-wal").stat().st_size


def may_not(_: int) -> int:
    raise PermissionError


@pytest.mark.parametrize("nice", [os.nice, may_not])
def test_a_log_that_was_carried_over_begins_anew(
    storage: Storage, database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, nice: Callable[[int], int]
):
    monkeypatch.setattr(os, "nice", nice)
    checkpoints = Checkpoints(storage)
    write(storage)
    once = log_bytes(database)
    for _ in range(5):
        checkpoints.look()
        write(storage)
    # A file of the log's length at most; without checkpoints six times that.
    assert log_bytes(database) < 1.5 * once
    assert count(storage) == 6 * ROWS


def test_what_is_committed_beside_a_checkpoint_is_carried_over_with_it(
    storage: Storage, database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
):
    write(storage)
    once, holding = log_bytes(database), database.write

    def after_somebody_else(*, durable: bool) -> AbstractContextManager[Transaction]:
        monkeypatch.undo()
        write(storage)
        return holding(durable=durable)

    monkeypatch.setattr(database, "write", after_somebody_else)
    database.checkpoint()
    assert count(storage) == 2 * ROWS
    for _ in range(2):
        write(storage)
    # Begun anew, and as long as it was.
    assert log_bytes(database) < 2.5 * once


def test_for_few_rows_the_log_is_left_as_it_is(
    storage: Storage, database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
):
    made: list[int] = []
    monkeypatch.setattr(database, "checkpoint", lambda: made.append(1))
    checkpoints = Checkpoints(storage)
    write(storage, 10)
    checkpoints.look()
    assert made == []
    write(storage)
    checkpoints.look()
    checkpoints.look()
    assert made == [1]


def test_most_of_the_log_is_carried_over_by_a_thread_that_gives_way(
    storage: Storage, database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
):
    asked = list[tuple[str, int]]()

    def note(name: str) -> None:
        asked.append((name, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))

    monkeypatch.setattr(database, "carry_over", lambda: note("carry_over"))
    monkeypatch.setattr(database, "checkpoint", lambda: note("checkpoint"))
    usual = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    write(storage)
    Checkpoints(storage).look()
    # Elsewhere a thread has no priority of its own.
    less = min(19, usual + 10) if sys.platform == "linux" else usual
    assert asked == [("carry_over", less), ("checkpoint", usual)]


def test_what_cannot_be_carried_over_aside_is_told_and_tried_again(
    storage: Storage, database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
):
    asked = list[int]()

    def fail_once() -> None:
        asked.append(1)
        if len(asked) == 1:
            raise StorageFull("The disk of the bus is full; the operator has to make room.")

    monkeypatch.setattr(database, "carry_over", fail_once)
    write(storage)
    checkpoints = Checkpoints(storage)
    with pytest.raises(StorageFull):
        checkpoints.look()
    checkpoints.look()
    checkpoints.look()
    assert len(asked) == 2


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
            counted.append(database.count_rows_written())

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


async def test_a_checkpoint_that_fails_is_made_again(
    storage: Storage, database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checkpoint_module, "_PAUSE_SECONDS", 0.01)
    made, checkpoint = list[int](), database.checkpoint

    def failing_once() -> None:
        made.append(1)
        if len(made) == 1:
            raise StorageFull("The disk of the bus is full; the operator has to make room.")
        checkpoint()

    monkeypatch.setattr(database, "checkpoint", failing_once)
    write(storage)
    following = asyncio.create_task(Checkpoints(storage).follow())
    await asyncio.to_thread(until, lambda: len(made) == 2)
    following.cancel()
    await asyncio.wait([following])
    assert following.cancelled()
