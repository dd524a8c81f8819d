"""What an append costs does not grow with the journal, and neither does what is brought up beside it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.journal import Appender, Persons, Projection
from bus.journal.statements import SQLITE_PROJECTION
from bus.storage import Storage, open_storage, upgrade
from tests.services.appending import a_record_submission
from tests.storage.a_plan import explained, plans


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    yield storage
    storage.close()


def test_an_append_reads_no_table(storage: Storage):
    steps = plans(storage, lambda: asyncio.run(_append(storage, 10)))
    assert [step for step in steps if step.startswith(("SCAN journal", "SCAN r", "SEARCH r"))] == []


def test_projecting_reads_what_is_new(storage: Storage):
    asyncio.run(_append(storage, 10))
    steps = plans(storage, Projection(storage).reach_end)
    scanned = {step for step in steps if step.startswith(("SCAN journal", "SCAN j", "SCAN r"))}
    # Of one row.
    assert scanned == {"SCAN journal_projected"}
    # What its triggers do. The table of an event's persons is one that is made of a text.
    for statement in SQLITE_PROJECTION:
        first, *others = explained(storage, statement)
        assert first == "SEARCH journal USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
        assert all(step.startswith("SCAN each VIRTUAL TABLE") for step in others)


def test_a_question_about_a_person_reads_what_is_about_them(storage: Storage):
    asyncio.run(_append(storage, 10))
    steps = plans(storage, lambda: Persons(storage).events_about("3524"))
    assert "SEARCH p USING PRIMARY KEY (stretch=? AND person=?)" in steps
    assert "SCAN p" not in steps


async def _append(storage: Storage, count: int) -> None:
    appender = Appender(storage, lambda position: None)
    await appender.append([a_record_submission("plan", number) for number in range(count)])
    await appender.close()
