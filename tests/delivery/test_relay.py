"""The relay beside appends of its own process: who makes an event's deliveries changes nothing but when."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from bus.delivery.along import AlongAppends
from bus.delivery.fan_out import FanOut
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.relay import Relay
from bus.delivery.subscription import NewSubscription, Pull
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.turn import Turn
from bus.identity.keys import Keys
from bus.journal import Appender, NothingBeside, Take
from bus.storage import Storage, StorageUnavailable
from tests.an_actor import OPERATOR
from tests.builders import WARGA, a_grant
from tests.delivery.a_relay import Site
from tests.services.waiting import until


@pytest.fixture
def site(storage: Storage, bus_keys: Keys) -> Site:
    return Site(storage, bus_keys, a_grant("bapenda"), a_grant("dinkes"))


@dataclass
class Counting:
    """The relay beside an append; counts the transactions that it had a part in."""

    relay: AlongAppends
    times: int = 0

    @contextmanager
    def take_part(self) -> Iterator[Take | None]:
        with self.relay.take_part() as take:
            self.times += take is not None
            yield take


@contextmanager
def relaying(site: Site) -> Iterator[tuple[Relay, AlongAppends]]:
    turn: Turn[FanOut] = Turn()
    relay = site.relay(turn)
    relay.start()
    try:
        yield relay, AlongAppends(turn)
    finally:
        relay.stop()


def all_live(site: Site) -> bool:
    return all(one.from_position is not None for one in site.subscriptions.all())


async def test_every_event_is_handed_over_once_whoever_makes_its_deliveries(site: Site):
    owed = {site.subscribe("bapenda").number, site.subscribe("dinkes").number}
    site.subscriptions.refresh()
    with relaying(site) as (relay, along):
        await asyncio.to_thread(until, lambda: all_live(site))
        beside = Counting(along)
        appender = Appender(site.storage, relay.appended, beside)
        other = Appender(site.storage, relay.appended)
        appended = 0
        async with asyncio.timeout(60):
            while beside.times < 5:
                # What another process appends, the relay finds by looking.
                by = other if appended % 20 == 0 else appender
                await asyncio.gather(*[by.append([site.submission(appended + n)]) for n in range(4)])
                appended += 4
        await appender.close()
        await other.close()
        expected = [(position, number) for position in range(1, appended + 1) for number in sorted(owed)]
        await asyncio.to_thread(until, lambda: site.handed_over() == expected)
    assert site.deliveries() == expected


async def test_a_relay_that_stopped_has_no_part_in_appends(site: Site):
    site.subscribe("bapenda")
    site.subscriptions.refresh()
    with relaying(site) as (_, along):
        await asyncio.to_thread(until, lambda: all_live(site))
    with along.take_part() as take:
        assert take is None


async def test_who_publishes_is_not_refused_where_handing_over_fails(site: Site):
    number = site.subscribe("bapenda").number
    site.subscriptions.refresh()
    with relaying(site) as (_, along):
        await asyncio.to_thread(until, lambda: all_live(site))
        site.broker.fails = LookupError("a mistake of ours")
        beside, appended = Counting(along), 0
        async with asyncio.timeout(60):
            while not beside.times:
                appended += 1
                await site.append(beside, appended)
        assert site.journal.last_position() == appended
        await asyncio.to_thread(until, lambda: site.deliveries() == [(p, number) for p in range(1, appended + 1)])


class AwayOnce(Subscriptions):
    """Subscriptions whose database does not answer the third time that they are read."""

    def __init__(self, storage: Storage, keys: Keys) -> None:
        super().__init__(storage, keys)
        self.failed = threading.Event()
        self._reads = itertools.count(1)

    def refresh(self) -> None:
        if next(self._reads) == 3:
            self.failed.set()
            raise StorageUnavailable("The database does not answer.")
        super().refresh()


async def test_a_subscription_misses_nothing_where_it_is_not_known_to_be_live(
    storage: Storage, bus_keys: Keys, site: Site
):
    """The database takes the note that it is live, then does not answer; somebody publishes before it is read again."""
    number = site.subscribe("bapenda").number
    site.subscriptions = subscriptions = AwayOnce(storage, bus_keys)
    subscriptions.refresh()
    with relaying(site) as (_, along):
        assert await asyncio.to_thread(subscriptions.failed.wait, 30)
        await site.append(along, 1)
        # As who follows changes does, and before the relay comes round.
        subscriptions.refresh()
        await asyncio.to_thread(until, lambda: site.deliveries() == [(1, number)])


def test_a_relay_that_leads_deletes_what_a_deleted_subscription_left(site: Site):
    gone, kept = site.subscribe("bapenda"), site.subscribe("dinkes")
    with site.storage.write() as transaction:
        made = [NewDelivery(one.number, 1, None) for one in (gone, kept)]
        Ledger(site.storage).add(transaction, made, 0, again=False)
    site.subscriptions.delete(gone, OPERATOR)
    with relaying(site):
        until(lambda: site.deliveries() == [(1, kept.number)])


async def test_a_new_subscription_that_is_owed_nothing_rang_for_its_pulls(site: Site):
    await site.append(NothingBeside(), 1)
    nobody = [{"exact": {"subject": "tidak ada"}}]
    orders = (NewSubscription("bapenda", [WARGA], Pull()), NewSubscription("dinkes", [WARGA], Pull(), nobody))
    owed, _ = (site.subscriptions.add(order, OPERATOR) for order in orders)
    with relaying(site):
        await asyncio.to_thread(until, lambda: all_live(site))
    assert set(site.owed) == {owed.number}
