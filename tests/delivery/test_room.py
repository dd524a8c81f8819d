"""Room for bodies: backlogs of sinks that are away are not held in memory, and keep nobody else from being delivered."""

import asyncio
import time
from collections.abc import Sequence
from random import Random

import pytest

from bus import clock
from bus.agencies.registry import Agencies
from bus.delivery.attempts import Attempt
from bus.delivery.circuit import CircuitPolicy
from bus.delivery.disclosed import RunDisclosures
from bus.delivery.lane import Lane
from bus.delivery.ledger import Lease, Ledger, NewDelivery
from bus.delivery.outcome import judge_attempt
from bus.delivery.replays import order_by_turn
from bus.delivery.retry import RetryPolicy
from bus.delivery.room import Room
from bus.delivery.run import Item, RunLoader
from bus.delivery.sinks.places import Place, make_uncounted_place
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import Subscription
from bus.delivery.under_way import RunUnderWay
from bus.disclosures import Channel, Disclosure, Noted
from bus.identity.keys import Keys
from bus.journal import NothingBeside
from bus.kit import Failure, Outcome
from bus.storage import Storage
from tests.builders import a_grant, a_subscription
from tests.delivery.a_relay import Site

MEBIBYTE = 1024 * 1024
EVENTS = 60


class Sinks:
    """Sends to sinks that may be away; notes what came, and the most bytes that were held meanwhile."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.away: set[str] = set()
        self.most = 0
        self.came: list[tuple[int, int]] = []

    def is_active(self, subscription: Subscription) -> bool:
        return True

    def is_paused(self, subscription: Subscription) -> bool:
        return False

    def batch(self, subscription: Subscription) -> int:
        return 1

    async def take_place_for(self, subscription: Subscription, deadline: float) -> Place | None:
        return make_uncounted_place(subscription.participant)

    async def send(
        self, subscription: Subscription, lane: Lane, items: Sequence[Item], place: Place
    ) -> Sequence[Outcome]:
        self.most = max(self.most, self.room.held)
        await asyncio.sleep(0)
        if subscription.participant in self.away:
            return [Outcome(Failure.SINK_DOWN, "nobody listens")] * len(items)
        self.came += [(subscription.number, item.leased.position) for item in items]
        return [Outcome()] * len(items)

    def judge(self, subscription: Subscription, item: Item, outcome: Outcome, seconds: float) -> Attempt:
        return judge_attempt(subscription.number, item.leased, outcome, seconds, RetryPolicy(), Random(1))


async def announce(found: Sequence[Disclosure]) -> Sequence[Noted]:
    return []


@pytest.fixture
async def site(storage: Storage, bus_keys: Keys) -> Site:
    """A bus with events of 90 kB."""
    site = Site(storage, bus_keys, a_grant("bapenda"), a_grant("dinkes"))
    await site.append(NothingBeside(), *[site.submission(number, nama="x" * 90_000) for number in range(1, EVENTS + 1)])
    return site


def lease(site: Site, subscription: Subscription, key: int | None = None) -> Lease:
    """Owe a subscription all events, and hand them over in one run."""
    now, ledger = clock.now_micros(), Ledger(site.storage)
    new = [NewDelivery(subscription.number, position, key) for position in range(1, EVENTS + 1)]
    with site.storage.write() as transaction:
        ledger.add(transaction, new, now, again=False)
        handed = ledger.lease(transaction, subscription.number, now, now + 60_000_000, 1000, 250, ordered=False)
    return handed.leases[0]


async def make(site: Site, sinks: Sinks, subscription: Subscription, lease: Lease, seconds: float) -> Sequence[Attempt]:
    agencies = Agencies({})
    ledger = Ledger(site.storage)
    loader = RunLoader(site.storage, site.journal, site.catalogue, ledger, agencies, sinks.room)
    lane = Lane(8, CircuitPolicy(), Random(1))
    disclosed = RunDisclosures(announce, site.catalogue, Channel.WEBHOOK)
    run = RunUnderWay(sinks, loader, subscription, lane, time.monotonic() + seconds, disclosed)
    await run.make(await loader.find_owed(subscription, lease, None))
    return run.batch().attempts


async def test_the_backlogs_of_sinks_that_are_away_are_not_held_and_hold_up_nobody_else(site: Site) -> None:
    sinks = Sinks(Room(4 * MEBIBYTE))
    sinks.away = {"dinkes"}
    many = [site.subscribe("dinkes") for _ in range(30)]
    other = site.subscribe("bapenda")
    attacks = [asyncio.create_task(make(site, sinks, one, lease(site, one), 4)) for one in many]
    await make(site, sinks, other, lease(site, other), 30)
    assert [position for number, position in sinks.came if number == other.number] != []
    assert len(sinks.came) == EVENTS
    for attempts in await asyncio.gather(*attacks):
        assert sorted(one.position for one in attempts) == list(range(1, EVENTS + 1))
        assert {one.state for one in attempts} == {DeliveryState.PENDING}
    assert 0 < sinks.most <= 4 * MEBIBYTE
    assert sinks.room.held == 0


async def test_a_run_in_pieces_keeps_the_order_of_a_key(site: Site) -> None:
    sinks, one = Sinks(Room(4 * MEBIBYTE)), site.subscribe("dinkes")
    await make(site, sinks, one, lease(site, one, key=7), 30)
    assert [position for _, position in sinks.came] == list(range(1, EVENTS + 1))
    assert 0 < sinks.most <= MEBIBYTE


async def test_who_holds_much_waits_and_another_finds_room() -> None:
    room = Room(8)
    async with (
        room.hold("loud", 4, 1) as first,
        room.hold("loud", 1, 0.01) as more,
        room.hold("quiet", 2, 1) as other,
    ):
        assert (first, more, other) == (True, False, True)
    assert room.held == 0


async def test_room_that_is_given_back_goes_to_who_waits() -> None:
    room = Room(8)
    async with room.hold("loud", 4, 1):
        waiting = asyncio.create_task(_take(room, "loud", 4))
        await asyncio.sleep(0)
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, 10)


async def _take(room: Room, participant: str, size: int) -> bool:
    async with room.hold(participant, size, 10) as is_taken:
        return is_taken


def test_one_participants_many_replays_take_turns_with_anothers() -> None:
    running = [a_subscription("loud", number=number) for number in range(1, 4)]
    running.append(a_subscription("quiet", number=9))
    assert [one.number for one in order_by_turn(running, {})] == [1, 9, 2, 3]
    assert [one.number for one in order_by_turn(running, {1: 1})] == [9, 2, 3, 1]
