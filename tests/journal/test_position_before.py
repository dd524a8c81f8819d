"""Where the journal was at a moment: found without reading what was recorded since."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bus.journal import JournalReader
from bus.journal.tables import JOURNAL
from bus.storage import Storage, open_storage, upgrade
from tests.storage.a_plan import plans

Recorded = list[tuple[int, int]]
"""Positions that grow, and when their events were recorded, which does not fall."""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    folder: Path = tmp_path_factory.mktemp("journal")
    storage = open_storage(f"sqlite:///{folder / 'bus.db'}")
    upgrade(storage)
    yield storage
    storage.close()


def _record(storage: Storage, recorded: Recorded) -> None:
    same = {"contract_id": 1, "version_id": 1, "participant": "dinkes", "body": b"{}"}
    rows = [{**same, "position": p, "recorded_at": at, "identity": b"%d" % p} for p, at in recorded]
    with storage.write() as transaction:
        transaction.execute(sa.delete(JOURNAL))
        if rows:
            transaction.execute(sa.insert(JOURNAL), rows)


@st.composite
def recordings(draw: st.DrawFn) -> Recorded:
    steps = draw(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=12))
    position, at, recorded = 0, 10, []
    for further, later in steps:
        position, at = position + further, at + later
        recorded.append((position, at))
    return recorded


@given(recorded=recordings(), moment=st.integers(8, 40))
def test_it_is_the_last_position_recorded_before(journal: Storage, recorded: Recorded, moment: int):
    _record(journal, recorded)
    expected = max((position for position, at in recorded if at < moment), default=0)
    assert JournalReader(journal).position_before(moment) == expected


def test_nothing_but_some_places_is_read(journal: Storage):
    _record(journal, [(position, position) for position in range(1, 1_001)])
    steps = plans(journal, lambda: JournalReader(journal).position_before(400))
    assert 1 < len(steps) <= 12
    assert [step for step in steps if "rowid>?" not in step and step != "SEARCH journal"] == []


@pytest.mark.parametrize(("moment", "expected"), [(0, 0), (6, 4), (7, 6), (1_000, 8)])
def test_both_databases_find_the_same(storage: Storage, moment: int, expected: int):
    _record(storage, [(2, 2), (4, 4), (6, 6), (8, 8)])
    assert JournalReader(storage).position_before(moment) == expected
