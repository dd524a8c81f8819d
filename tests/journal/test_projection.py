"""What is looked up beside the journal agrees with it, however many steps it took and whoever else took some."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.journal import Appender, JournalReader, Persons, Projection, projection
from bus.journal.persons import write_persons
from bus.journal.projection import next_size
from bus.journal.statements import LAST, REACHED
from bus.journal.tables import JOURNAL, STRETCH
from bus.storage import Storage, StorageFull, Transaction, open_storage, upgrade
from tests.journeys.verdict import assert_records_agree, stored
from tests.services.appending import a_record_submission
from tests.services.waiting import until

MANY = 1_700
"""Events: several steps."""


async def _append(storage: Storage, *numbers: int) -> None:
    """Append events in requests that are not large."""
    appender = Appender(storage, lambda position: None)
    for some in batched(numbers, 50):
        await appender.append([a_record_submission("projected", number) for number in some])
    await appender.close()


def batched(numbers: Sequence[int], size: int) -> list[Sequence[int]]:
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _project_and_fail(storage: Storage, count: int) -> None:
    with storage.write() as transaction:
        Projection(storage).take_along(transaction, count)
        raise RuntimeError


def _reached(storage: Storage) -> int:
    with storage.read() as transaction:
        return int(transaction.value(REACHED))


def test_no_more_is_done_than_what_is_asked_for_needs(storage: Storage):
    asyncio.run(_append(storage, *range(MANY)))
    Projection(storage).reach(3)
    assert 3 <= _reached(storage) < MANY


def test_steps_link_to_each_other(storage: Storage):
    asyncio.run(_append(storage, *range(MANY)))
    Projection(storage).reach_end()
    asyncio.run(_append(storage, *range(MANY, MANY + 7)))
    assert_records_agree(storage, stored(storage))


async def test_a_full_disk_does_not_end_it(tmp_path: Path):
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    await _append(storage, *range(MANY))
    most = [1]
    # One: as few as there are. With each failure the connection is made anew.
    sa.event.listen(
        storage.database.engines[-1], "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={most[0]}")
    )
    storage.close()
    with pytest.raises(StorageFull):
        Projection(storage).reach_end()
    following = asyncio.create_task(Projection(storage).follow())
    await asyncio.wait([following], timeout=3 * projection._PAUSE_SECONDS)
    assert not following.done()
    most[0] = 1_000_000
    storage.close()
    await asyncio.to_thread(until, lambda: _reached(storage) == MANY)
    following.cancel()
    await asyncio.wait([following])
    storage.close()


async def test_large_appends_take_as_many_events_along(storage: Storage):
    await _append(storage, *range(5))
    assert _reached(storage) == 0
    appender = Appender(storage, lambda position: None)
    for some in batched(range(5, 2_255), 250):
        await appender.append([a_record_submission("projected", number) for number in some])
    await appender.close()
    # With PostgreSQL nobody waits for the steps, which go on beside it.
    assert _reached(storage) == (2_000 if storage.is_sqlite else 0)
    assert_records_agree(storage, stored(storage))


async def test_no_more_is_taken_along_than_there_is(storage: Storage):
    await _append(storage, *range(5))
    with storage.write() as transaction:
        Projection(storage).take_along(transaction, 5_000)
    assert _reached(storage) == (5 if storage.is_sqlite else 0)
    await _append(storage, *range(5, 10))
    assert_records_agree(storage, stored(storage))


async def test_what_was_taken_back_is_projected_the_next_time(storage: Storage):
    appender = Appender(storage, lambda position: None)
    await appender.append([a_record_submission("projected", number) for number in range(99)])
    with pytest.raises(RuntimeError):
        _project_and_fail(storage, 2_000)
    await appender.append([a_record_submission("projected", number) for number in range(99, 300)])
    await appender.close()
    assert_records_agree(storage, stored(storage))


async def test_a_process_that_stops_waits_for_one_step_alone(storage: Storage, monkeypatch: pytest.MonkeyPatch):
    await _append(storage, *range(MANY))
    begun, goes_on, advance = threading.Event(), threading.Event(), projection._advance

    def held(transaction: Transaction, most: int) -> int | None:
        begun.set()
        assert goes_on.wait(20)
        return advance(transaction, most)

    monkeypatch.setattr(projection, "_advance", held)
    following = asyncio.create_task(Projection(storage).follow())
    assert await asyncio.to_thread(begun.wait, 20)
    following.cancel()
    goes_on.set()
    # As the event loop does when it ends.
    await asyncio.get_running_loop().shutdown_default_executor()
    assert 0 < _reached(storage) < MANY


def test_nothing_is_done_beyond_the_journal(storage: Storage):
    asyncio.run(_append(storage, 1, 2))
    Projection(storage).reach(1_000_000)
    assert _reached(storage) == 2


def test_two_who_project_at_once_do_it_once(storage: Storage):
    asyncio.run(_append(storage, *range(MANY)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Projection(storage).reach_end(), range(4)))
    assert _reached(storage) == MANY
    assert_records_agree(storage, stored(storage))


@pytest.mark.parametrize(
    ("size", "seconds", "then"),
    [(500, 0.001, 1000), (2000, 0.001, 2000), (500, 0.003, 500), (500, 1, 250), (50, 1, 50)],
)
def test_a_step_is_as_large_as_appends_can_wait_for(size: int, seconds: float, then: int):
    assert next_size(size, seconds) == then


def test_a_question_finds_what_was_appended_before_it(storage: Storage):
    asyncio.run(_append(storage, 0, 1, 5))
    journal = JournalReader(storage)
    newest = journal.record(1, "projected-0")
    assert newest is not None
    assert newest.position == 3
    assert journal.preceding([2, 3]) == {3: 1}
    asyncio.run(_append(storage, 10))
    assert [entry.position for entry in journal.records(1).read(0, 10).entries] == [2, 4]
    lines = journal.records(1).read_lines(4, 10)
    assert lines is not None
    assert (lines.end, lines.positions) == (4, [])


def test_events_about_a_person_are_found_in_every_stretch(storage: Storage):
    positions = [1, STRETCH - 1, STRETCH, STRETCH + 1, 5 * STRETCH]
    row = {"version_id": 1, "participant": "dpmptsp", "recorded_at": 1, "body": b"{}"}
    with storage.write() as transaction:
        for position in positions:
            about = {"person": "3524", "contract_id": position % 7, "identity": str(position).encode()}
            transaction.execute(sa.insert(JOURNAL).values(position=position, **about, **row))
            about |= {"person": "3525", "identity": b"other %d" % position}
            transaction.execute(sa.insert(JOURNAL).values(position=position + 10, **about, **row))
    assert Persons(storage).events_about("3524") == [(position, position % 7) for position in positions]
    assert Persons(storage).events_about("3526") == []


def an_event_about(storage: Storage, position: int, *persons: str) -> None:
    with storage.write() as transaction:
        row = {"contract_id": 1, "version_id": 1, "participant": "dpmptsp", "recorded_at": 1, "body": b"{}"}
        about = {"position": position, "person": write_persons(persons), "identity": b"%d" % position}
        transaction.execute(sa.insert(JOURNAL).values(**row, **about))


PERSONS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
    | st.sampled_from(["3524", "[", '["3524"]', "[]", "null", '"3524"', "[3524]"]),
    max_size=5,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PERSONS, min_size=1, max_size=20))
def test_an_event_is_found_by_each_of_its_persons_and_by_no_other(storage: Storage, events: list[list[str]]):
    with storage.read() as transaction:
        last = int(transaction.value(LAST))
    expected: dict[str, list[tuple[int, int]]] = {}
    for position, persons in enumerate(events, last + 1):
        an_event_about(storage, position, *persons)
        for person in set(persons):
            expected.setdefault(person, []).append((position, 1))
    for person in {*expected, "[", "3524", "nobody"}:
        about = [found for found in Persons(storage).events_about(person) if found[0] > last]
        assert about == expected.get(person, [])
