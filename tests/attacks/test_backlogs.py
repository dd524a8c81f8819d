"""Attacks on memory by large events that wait: for many sinks, for sinks that are away, for one that is slow."""

from pathlib import Path
from typing import Final

import pytest

from bus.delivery.fresh import FreshRuns
from bus.delivery.ledger import Lease, Leased, Ledger
from bus.delivery.run import MOST_BYTES, Part, RunLoader
from bus.delivery.subscriptions import Webhook
from bus.identity.keys import Keys
from bus.storage import Storage
from tests.a_bus import Bus, a_contract, a_grant, a_nik, a_person
from tests.attacks.a_live_bus import a_live_bus, a_sink, says, subscribe, until

TAKEN: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
AWAY: Final = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
LARGE: Final = 60_000
EVENTS: Final = 40


def a_large_person(number: int) -> dict[str, object]:
    """Data of one person in some tens of kilobytes."""
    return a_person(number, nama="x" * LARGE)


def bytes_of(part: Part) -> int:
    """The bytes of the events that a part holds."""
    return sum(len(item.entry.body) for chain in part.chains for item in chain)


async def test_of_a_run_of_large_events_one_part_is_in_memory_at_a_time(bus: Bus) -> None:
    bus.apply(a_contract(a_grant("dinkes")))
    positions = await bus.publish_all([a_large_person(number) for number in range(EVENTS)])
    subscribe(bus, "dinkes", Webhook("https://dinkes.example/hook"))
    (subscription,) = bus.rooms.subscriptions.listed(None)
    rooms, lease = bus.rooms, Lease(subscription.number, 2**60)
    loader = RunLoader(
        rooms.storage, rooms.journal, rooms.catalogue, Ledger(rooms.storage), FreshRuns(), rooms.agencies
    )
    rest, loaded = [Leased(position, None, 0, lease.due_at) for position in positions], []
    while rest:
        part = await loader.load_more(subscription, lease, rest)
        assert 0 < bytes_of(part) <= MOST_BYTES
        loaded += [item.leased.position for chain in part.chains for item in chain]
        rest = list(part.rest)
    assert loaded == positions


async def test_an_event_that_is_larger_than_a_part_is_one_of_its_own(bus: Bus) -> None:
    bus.apply(a_contract(a_grant("dinkes"), delivery={"max_bytes": 4 * MOST_BYTES}))
    positions = await bus.publish_all([a_person(1, nama="x" * 2 * MOST_BYTES), a_person(2)])
    subscribe(bus, "dinkes", Webhook("https://dinkes.example/hook"))
    (subscription,) = bus.rooms.subscriptions.listed(None)
    rooms, lease = bus.rooms, Lease(subscription.number, 2**60)
    loader = RunLoader(
        rooms.storage, rooms.journal, rooms.catalogue, Ledger(rooms.storage), FreshRuns(), rooms.agencies
    )
    part = await loader.load_more(
        subscription, lease, [Leased(position, None, 0, lease.due_at) for position in positions]
    )
    assert [item.leased.position for chain in part.chains for item in chain] == positions[:1]
    assert [one.position for one in part.rest] == positions[1:]


@pytest.mark.parametrize("ordered_by", [None, "/desa"])
async def test_large_events_reach_a_sink_that_was_away_each_and_in_order(
    storage: Storage, bus_keys: Keys, tmp_path: Path, ordered_by: str | None
) -> None:
    """A run's later parts wait behind a failure of their key, as its first part does."""
    contract = a_contract(a_grant("dinkes"), delivery={"ordered_by": ordered_by} if ordered_by else {})
    sick = True

    async def answer(reader, writer) -> None:
        await (says(AWAY) if sick else says(TAKEN))(reader, writer)

    async with a_live_bus(storage, bus_keys, tmp_path, retry_attempts=1000) as bus, a_sink(answer) as sink:
        bus.apply(contract)
        await bus.publish_all([a_large_person(number) for number in range(EVENTS)])
        subscribe(bus, "dinkes", Webhook(sink.url))
        await until(lambda: len(sink.persons) >= 3)
        sink.persons.clear()
        sick = False
        everybody = [a_nik(number) for number in range(EVENTS)]
        await until(lambda: set(everybody) <= set(sink.persons))
    if ordered_by:
        # What was under way while the sink got well may have come twice.
        assert list(dict.fromkeys(sink.persons)) == everybody
