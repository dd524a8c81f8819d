"""The journal while several processes append at once: positions, duplicates and conflicts are decided in one order."""

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from bus import json
from bus.journal import Appender, JournalReader, Projection, Receipt
from bus.journal.tables import JOURNAL
from bus.storage import Storage, StorageFull, open_storage, upgrade
from tests.journeys.verdict import assert_records_agree, stored
from tests.services.appending import Batch, a_record_submission, append_all, identity

APPENDERS = 3
SCOPES = itertools.count()

BATCHES = st.lists(
    st.builds(
        Batch,
        events=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1)), min_size=1, max_size=30).map(tuple),
        atomic=st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Processes that append."""
    with ProcessPoolExecutor(APPENDERS, mp_context=get_context("spawn")) as pool:
        yield pool


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=st.lists(BATCHES, min_size=APPENDERS, max_size=APPENDERS))
def test_a_reader_that_follows_sees_every_position_once_in_order(
    processes: ProcessPoolExecutor, storage: Storage, plans: list[list[Batch]]
) -> None:
    scope, reader = f"{next(SCOPES)}", JournalReader(storage)
    start = reader.last_position()
    url = storage.database.engines[0].url.render_as_string(hide_password=False)
    appending = [processes.submit(append_all, url, scope, plan) for plan in plans]
    seen = list(_followed(reader, start, appending, Projection(storage)))
    assert seen == list(range(start + 1, reader.last_position() + 1))
    answered = [
        pair for plan, done in zip(plans, appending, strict=True) for pair in zip(plan, done.result(), strict=True)
    ]
    _assert_decided_once(_rows(storage, start), scope, answered)
    assert_records_agree(storage, stored(storage))


def _followed(
    reader: JournalReader, position: int, appending: list[Future[list[list[Receipt]]]], projection: Projection
) -> Iterator[int]:
    """What a feed's reader sees while others append, and once after they are done; the records are projected meanwhile."""
    while True:
        projection.reach_end()
        over = all(done.done() for done in appending)
        for entry in reader.feed(1, position, 7).entries:
            position = entry.position
            yield position
        if over and reader.last_position() == position:
            return


def _rows(storage: Storage, start: int) -> dict[bytes, tuple[int, int]]:
    """Position and version of content of each event after a position."""
    table = JOURNAL.c
    with storage.read() as transaction:
        rows = transaction.rows(sa.select(JOURNAL).where(table.position > start))
        return {row.identity: (row.position, json.loads(row.body)["data"]["isi"]) for row in rows}


def _assert_decided_once(
    rows: dict[bytes, tuple[int, int]], scope: str, answered: list[tuple[Batch, list[Receipt]]]
) -> None:
    """Each id was fresh to one sender, a duplicate or a conflict to the others; refused batches left nothing."""
    fresh = 0
    for batch, receipts in answered:
        if batch.atomic and any(receipt.conflict for receipt in receipts):
            continue
        for (number, content), receipt in zip(batch.events, receipts, strict=True):
            position, stands = rows[identity(scope, number)]
            assert receipt.position == position
            assert receipt.conflict == (stands != content)
            fresh += not receipt.duplicate
    assert fresh == len(rows)


def test_a_full_database_refuses_with_507_and_keeps_what_it_had(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    made = open_storage(url)
    upgrade(made)
    made.close()
    storage = open_storage(url)
    event.listen(storage.database.engines[-1], "connect", lambda raw, _: raw.execute("PRAGMA max_page_count=200"))
    appender, receipts = Appender(storage, lambda position: None), list[Receipt]()

    async def fill() -> None:
        for number in range(200):
            receipts.extend(await appender.append([a_record_submission("full", number, note="x" * 20_000)]))

    with pytest.raises(StorageFull):
        asyncio.run(fill())
    assert [receipt.position for receipt in receipts] == list(range(1, JournalReader(storage).last_position() + 1))
    assert len(receipts) > 1
    storage.close()
