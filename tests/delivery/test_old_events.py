"""Events go as their contracts say. What a subscription still waits for stays, and who deletes is told."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from bus import clock
from bus.actions import ActionLog, Verb, Wanted
from bus.delivery.deliveries import EventForgotten
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.old_events import OldEvents
from bus.delivery.relayed import write_relayed
from bus.delivery.state import DeliveryState
from bus.delivery.tables import DELIVERIES
from bus.journal import Projection, ValueIndex
from bus.journal.tables import JOURNAL, RECORD_VALUES
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import WARGA, a_document, a_grant, a_new_subscription, a_nik

DAYS = 30
OLD, YOUNG = timedelta(days=DAYS + 2), timedelta(days=DAYS - 2)


def keep(bus: Bus, days: int | None, version: str = "1.0.0") -> None:
    delivery = {"retention_days": days} if days else {}
    bus.apply(a_document(a_grant("dinkes"), version=version, delivery=delivery))


def make_old_events(bus: Bus, later: timedelta, since_start: Callable[[], float] = time.monotonic) -> OldEvents:
    rooms = bus.rooms
    now = partial(_now, later)
    return OldEvents(rooms.storage, rooms.journal, rooms.catalogue, rooms.subscriptions, now, since_start)


def _now(later: timedelta) -> datetime:
    return clock.now() + later


def clean(bus: Bus, later: timedelta = OLD) -> None:
    with bus.rooms.storage.write() as transaction:
        write_relayed(transaction, bus.rooms.journal.last_position())
    cleaning = make_old_events(bus, later)
    while cleaning.look():
        pass


def positions(bus: Bus) -> list[int]:
    with bus.rooms.storage.read() as transaction:
        return [row[0] for row in transaction.rows(sa.select(JOURNAL.c.position).order_by(JOURNAL.c.position))]


async def publish(bus: Bus, *keys: int | None) -> None:
    for key in keys:
        nik = a_nik(abs(key or 0))
        await bus.publish({"nik": nik}, subject=nik)


def owe(bus: Bus, position: int, state: DeliveryState) -> int:
    """A delivery of an event; the number of its subscription."""
    number = bus.rooms.subscriptions.add(a_new_subscription(), OPERATOR).number
    with bus.rooms.storage.write() as transaction:
        Ledger(bus.rooms.storage).add(transaction, [NewDelivery(number, position, None)], 1, again=False)
        change = sa.update(DELIVERIES).values(state=state.value, finished_at=1)
        transaction.execute(change)
    return number


async def test_only_what_is_older_than_the_contract_keeps_goes(bus: Bus):
    keep(bus, DAYS)
    await publish(bus, 1, 1, 2)
    clean(bus, YOUNG)
    assert positions(bus) == [1, 2, 3]
    clean(bus, OLD)
    assert positions(bus) == [2, 3]


@pytest.mark.parametrize(
    ("state", "stays"),
    [
        (DeliveryState.PENDING, True),
        (DeliveryState.DEAD, True),
        (DeliveryState.DELIVERED, False),
        (DeliveryState.DISCARDED, False),
    ],
)
async def test_an_event_stays_for_who_waits_for_it(bus: Bus, state: DeliveryState, stays: bool):
    keep(bus, DAYS)
    await publish(bus, 1, 1, 2)
    number = owe(bus, 1, state)
    clean(bus)
    assert (1 in positions(bus)) is stays
    with bus.rooms.storage.write() as transaction:
        transaction.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.subscription == number))
    clean(bus)
    assert positions(bus) == [2, 3]


async def test_a_delivery_whose_event_went_cannot_be_tried_again(bus: Bus):
    keep(bus, DAYS)
    await publish(bus, 1, 1, 2)
    number = owe(bus, 1, DeliveryState.DELIVERED)
    subscription = bus.rooms.subscriptions.by_number()[number]
    bus.rooms.deliveries.retry(subscription, 1, OPERATOR)
    clean(bus)
    assert positions(bus) == [1, 2, 3]
    bus.rooms.deliveries.discard(subscription, 1, OPERATOR)
    clean(bus)
    with pytest.raises(EventForgotten):
        bus.rooms.deliveries.retry(subscription, 1, OPERATOR)


async def test_what_the_relay_has_not_seen_stays_until_it_has(bus: Bus):
    keep(bus, DAYS)
    await publish(bus, 1, 1, 2)
    seconds = [0.0]
    cleaning = make_old_events(bus, OLD, lambda: seconds[0])
    while cleaning.look():
        pass
    assert positions(bus) == [1, 2, 3]
    with bus.rooms.storage.write() as transaction:
        write_relayed(transaction, 3)
    seconds[0] = 61.0
    while cleaning.look():
        pass
    assert positions(bus) == [2, 3]


async def test_the_index_of_values_forgets_what_deleted_events_held(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), delivery={"retention_days": DAYS}, filterable=["/nama"]))
    index = ValueIndex(bus.rooms.storage, bus.rooms.catalogue)
    for name in ("Rahasia Lama", "Rekaan"):
        await bus.publish({"nik": a_nik(1), "nama": name}, subject=a_nik(1))
    Projection(bus.rooms.storage).reach_end()
    index.catch_up()
    assert values(bus) == {b"Rahasia Lama", b"Rekaan"}
    clean(bus)
    index.catch_up()
    assert values(bus) == {b"Rekaan"}


async def test_a_walk_that_was_killed_leaves_no_value_in_the_index_for_good(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), delivery={"retention_days": DAYS}, filterable=["/nama"]))
    index = ValueIndex(bus.rooms.storage, bus.rooms.catalogue)
    for name in ("Rahasia Lama", "Rekaan"):
        await bus.publish({"nik": a_nik(1), "nama": name}, subject=a_nik(1))
    Projection(bus.rooms.storage).reach_end()
    index.catch_up()
    with bus.rooms.storage.write() as transaction:
        write_relayed(transaction, bus.rooms.journal.last_position())
    killed = make_old_events(bus, OLD)
    while len(positions(bus)) == 2:
        assert killed.look()
    clean(bus)
    index.catch_up()
    assert values(bus) == {b"Rekaan"}


def values(bus: Bus) -> set[bytes]:
    """The texts in the index."""
    with bus.rooms.storage.read() as transaction:
        rows = transaction.rows(sa.select(RECORD_VALUES.c.value))
    return {one for one in (b"Rahasia Lama", b"Rekaan") if any(one in bytes(row[0]) for row in rows)}


async def test_it_is_told_by_contract(bus: Bus):
    keep(bus, DAYS)
    await publish(bus, 1, 1, 1, 2)
    clean(bus)
    (told,) = ActionLog(bus.rooms.storage).search(Wanted(what=Verb.EVENTS_FORGET), None, 10, OPERATOR)
    assert (told.action.on.id, told.action.details) == (WARGA, {"rows": 2, "days": DAYS})


async def test_a_leader_looks_once_a_day(bus: Bus):
    keep(bus, DAYS)
    moments: list[Any] = [clock.now() + OLD]
    seconds = [0.0]
    rooms = bus.rooms
    cleaning = OldEvents(
        rooms.storage, rooms.journal, rooms.catalogue, rooms.subscriptions, lambda: moments[0], lambda: seconds[0]
    )
    while cleaning.look():
        pass
    await publish(bus, 1, 1, 2)
    with rooms.storage.write() as transaction:
        write_relayed(transaction, 3)
    seconds[0] = 61.0
    assert not cleaning.look()
    moments[0] += timedelta(days=1)
    seconds[0] = 122.0
    while cleaning.look():
        pass
    assert positions(bus) == [2, 3]


def test_the_longest_time_of_the_versions_in_force_counts(bus: Bus):
    def kept() -> int | None:
        return bus.rooms.catalogue.find_days_kept(WARGA)

    keep(bus, 10)
    assert kept() == 10
    keep(bus, 5, "1.1.0")
    assert kept() == 10
    bus.rooms.catalogue.registrar.retire(WARGA, "1.0.0", OPERATOR)
    assert kept() == 5
    keep(bus, None, "1.2.0")
    assert kept() is None
    bus.rooms.catalogue.registrar.retire(WARGA, "1.2.0", OPERATOR)
    bus.rooms.catalogue.registrar.retire(WARGA, "1.1.0", OPERATOR)
    # Nothing is in force: what was published last promised longer than the rest, and it holds.
    assert kept() is None
