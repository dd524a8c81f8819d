"""What must be true of a bus after whatever befell it, read from its database and at its receivers."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from bus import clock
from bus.delivery.relayed import read_relayed
from bus.delivery.tables import DELIVERIES
from bus.journal import Projection
from bus.journal.tables import JOURNAL, PRECEDING, RECORDS
from bus.rollups.tables import HOURS, MINUTES
from bus.storage import Storage
from tests.journeys.traffic import Traffic
from tests.services.receiver import Sink
from tests.services.waiting import until


@dataclass(frozen=True, slots=True)
class Stored:
    """One event as the journal has it."""

    position: int
    contract_id: int
    key: str | None
    event: dict[str, Any]


def stored(storage: Storage) -> list[Stored]:
    """The whole journal in order."""
    table = JOURNAL.c
    wanted = sa.select(table.position, table.contract_id, table.key, table.body)
    with storage.read() as transaction:
        return [Stored(*row[:3], json.loads(row[3])) for row in transaction.rows(wanted.order_by(table.position))]


def is_settled(storage: Storage) -> bool:
    """Whether every event of the journal is fanned out, and no delivery is pending."""
    with storage.read() as transaction:
        last = transaction.value(sa.select(sa.func.max(JOURNAL.c.position)))
        pending = transaction.value(sa.select(sa.func.count()).where(DELIVERIES.c.state == 0))
        return read_relayed(transaction) == last and pending == 0


def what_is_left(storage: Storage) -> list[Any]:
    """Some of the deliveries that are pending, and this moment in their clock."""
    wanted = sa.select(DELIVERIES).where(DELIVERIES.c.state == 0).order_by(DELIVERIES.c.due_at).limit(20)
    with storage.read() as transaction:
        return [clock.micros(clock.now()), read_relayed(transaction), *transaction.rows(wanted)]


def assert_nothing_acknowledged_is_lost(journal: list[Stored], traffic: Traffic) -> None:
    """Each event that got a 202 is in the journal once, where the receipt said."""
    times = Counter(one.event["id"] for one in journal)
    assert not [name for name, count in times.items() if count > 1]
    assert not traffic.acknowledged - times.keys()
    places = {one.event["id"]: one.position for one in journal}
    assert {name: places[name] for name in traffic.positions} == traffic.positions


def assert_nothing_is_half_stored(journal: list[Stored], traffic: Traffic) -> None:
    """Positions have no gap, and a batch is whole and in one piece, or absent."""
    assert [one.position for one in journal] == list(range(1, len(journal) + 1))
    places = {one.event["id"]: one.position for one in journal}
    for batch in traffic.batches:
        found = [places[name] for name in batch.ids if name in places]
        assert found in ([], list(range(found[0], found[0] + len(batch.ids))) if found else [])


def assert_records_agree(storage: Storage, journal: list[Stored]) -> None:
    """The projection names each record's newest event, and of each event the one before it."""
    newest: dict[tuple[int, str], int] = {}
    preceding: dict[int, int] = {}
    for one in journal:
        if one.key is not None:
            record = one.contract_id, one.key
            if record in newest:
                preceding[one.position] = newest[record]
            newest[record] = one.position
    Projection(storage).reach_end()
    with storage.read() as transaction:
        rows = transaction.rows(sa.select(RECORDS.c.contract_id, RECORDS.c.key, RECORDS.c.position))
        links = transaction.rows(sa.select(PRECEDING.c.position, PRECEDING.c.preceding))
    assert {(row.contract_id, row.key): row.position for row in rows} == newest
    assert {row.position: row.preceding for row in links} == preceding


def assert_traffic_is_counted_once(storage: Storage) -> None:
    """The counts of traffic agree with the journal and the deliveries, a few seconds later."""
    with storage.read() as transaction:
        events = transaction.value(sa.select(sa.func.count()).select_from(JOURNAL))
        delivered = transaction.value(sa.select(sa.func.count()).where(DELIVERIES.c.state == 1))
        dead = transaction.value(sa.select(sa.func.count()).where(DELIVERIES.c.state == 2))

    def counted() -> list[tuple[int, int, int]]:
        names = ("published", "delivered", "dead")
        with storage.read() as transaction:
            rows = [
                transaction.one(sa.select(*(sa.func.coalesce(sa.func.sum(table.c[name]), 0) for name in names)))
                for table in (MINUTES, HOURS)
            ]
        return [(int(row[0]), int(row[1]), int(row[2])) for row in rows if row is not None]

    until(lambda: counted() == [(events, delivered, dead)] * 2, 30, lambda: (counted(), events, delivered, dead))


def assert_all_arrived(journal: list[Stored], sink: Sink, contracts: Iterable[str]) -> None:
    """Each event of these contracts was taken by a sink, always under the same message id, and nothing else came."""
    expected = {one.event["id"] for one in journal if one.event["type"] in contracts}
    assert sink.ids().keys() == expected
    assert len({(arrival.message, arrival.event["id"]) for arrival in sink.arrivals}) == len(expected)
    assert sink.forged == 0


def assert_in_order(sink: Sink, contract: str) -> None:
    """No event of a key was sent before the sink had taken the event before it. Only events that ever came count."""
    sent: dict[str, float] = {}
    taken: dict[str, float] = {}
    keys: dict[str, set[str]] = defaultdict(set)
    arrivals = [arrival for arrival in sink.arrivals if arrival.event["type"] == contract]
    for arrival in arrivals:
        sent.setdefault(arrival.event["sequence"], arrival.at)
        keys[arrival.event["subject"]].add(arrival.event["sequence"])
    for arrival in sink.taken:
        taken.setdefault(arrival.event["sequence"], arrival.at)
    for sequences in keys.values():
        chain = sorted(sequences)
        assert not [(a, b) for a, b in pairwise(chain) if taken[a] > sent[b]]
