"""Places of one epoch are never taken for those of another, however often a bus is restored."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bus import clock, json
from bus.backup import RestoreRefused, note_restored
from bus.journal import Appender, Epochs, JournalReader, begin_epoch, join_place, split_place
from bus.journal.epochs import number_epoch
from bus.journal.tables import EPOCHS
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.services.appending import a_record_submission

NOW = clock.now()


def begin(storage: Storage, later: timedelta = timedelta()) -> int:
    with storage.write() as transaction:
        begin_epoch(transaction, NOW + later)
    return read(storage).current


def read(storage: Storage) -> Epochs:
    epochs = Epochs(storage)
    epochs.refresh()
    return epochs


def append(storage: Storage, first: int, count: int) -> None:
    async def run() -> None:
        appender = Appender(storage, lambda position: None, epochs=read(storage))
        await appender.append([a_record_submission("epoch", number) for number in range(first, first + count)])
        await appender.close()

    asyncio.run(run())


def test_places_grow_over_restores(storage: Storage):
    append(storage, 1, 2)
    number = begin(storage)
    append(storage, 3, 1)
    bodies = [json.loads(entry.body) for entry in JournalReader(storage).at([2, 3]).values()]
    assert [int(body["sequence"]) for body in bodies] == [2, join_place(number, 3)]
    assert all(len(body["sequence"]) == 20 for body in bodies)
    assert split_place(join_place(number, 3)) == (number, 3)


def test_what_a_restore_undid(storage: Storage):
    append(storage, 1, 4)
    first = begin(storage)
    append(storage, 5, 4)
    second = begin(storage, timedelta(days=1))
    append(storage, 9, 4)
    epochs = read(storage)
    assert [epochs.find_common(0, position) for position in (3, 4, 5, 12)] == [3, 4, 4, 4]
    assert [epochs.find_common(first, position) for position in (4, 8, 9)] == [4, 8, 8]
    assert epochs.find_common(second, 12) == 12
    # Of an epoch that another restore undid nothing is known.
    assert epochs.find_common(first + 1, 3) == 0


def test_the_same_back_up_restored_twice_is_two_epochs(storage: Storage):
    append(storage, 1, 1)
    first = begin(storage)
    with storage.write() as transaction:
        transaction.execute(sa.delete(EPOCHS))
    assert begin(storage, timedelta(minutes=3)) > first


def test_numbers_are_larger_than_those_of_the_spans_of_ten_minutes(storage: Storage):
    since = datetime(2026, 1, 1, tzinfo=UTC)
    assert number_epoch(NOW) >= (NOW - since) // timedelta(minutes=10)


def test_two_restores_within_a_minute_in_one_folder_are_two_epochs(storage: Storage, tmp_path: Path):
    append(storage, 1, 1)
    numbers: list[int] = []
    for _ in range(3):
        note_restored(storage, tmp_path, OPERATOR)
        numbers.append(read(storage).current)
        # The next restore has none of the epochs before: its back-up is older.
        with storage.write() as transaction:
            transaction.execute(sa.delete(EPOCHS))
    assert numbers == sorted(set(numbers))


def test_a_folder_whose_last_epoch_is_unknown_restores_nothing(storage: Storage, tmp_path: Path):
    (tmp_path / "epoch").write_text("?")
    with pytest.raises(RestoreRefused, match="does not hold a number"):
        note_restored(storage, tmp_path, OPERATOR)
    assert read(storage).current == 0


@pytest.mark.parametrize("later", [timedelta(), timedelta(days=-400)])
def test_a_clock_that_was_set_back_gives_no_number_twice(storage: Storage, later: timedelta):
    append(storage, 1, 1)
    assert begin(storage) < begin(storage, later)
