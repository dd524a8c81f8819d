"""The fan-out: deliveries are made with their events, or in the relay's next step; each once, whoever makes them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

import bus.delivery.fan_out
from bus.delivery.fan_out import FanOut, MadeDeliveries
from bus.delivery.relayed import read_relayed
from bus.delivery.replays import go_live
from bus.identity.keys import Keys
from bus.journal import NothingBeside, Submission, Take
from bus.journal.statements import Row
from bus.storage import Storage, Transaction
from tests.builders import a_grant, a_nik
from tests.delivery.a_relay import Site


@dataclass
class Along:
    """What an append does beside its events; notes what came of it."""

    fan_out: FanOut
    fails: Exception | None = None
    made: list[MadeDeliveries | None] = field(default_factory=list)

    @contextmanager
    def take_part(self) -> Iterator[Take]:
        def take(transaction: Transaction, rows: Sequence[Row]) -> None:
            self.made.append(self.fan_out.take_along(transaction, rows))
            if self.fails is not None:
                raise self.fails

        yield take
        for one in self.made:
            if one is not None:
                self.fan_out.committed(one)


@pytest.fixture
def site(storage: Storage, bus_keys: Keys) -> Site:
    grants = [a_grant(f"opd-{number}") for number in range(9)]
    return Site(storage, bus_keys, *grants, a_grant("dinsos", rows=[{"exact": {"desa": "sembung"}}]))


def taken_up(site: Site, *participants: str, window: int = 1000) -> FanOut:
    """A fan-out that has subscriptions of some participants live."""
    fan_out = site.fan_out(window)
    for participant in participants:
        number = site.subscribe(participant).number
        with site.storage.write() as transaction:
            go_live(transaction, number, 0)
    site.subscriptions.refresh()
    fan_out.step()
    return fan_out


async def test_deliveries_are_made_and_handed_over_with_their_events(site: Site):
    along = Along(taken_up(site, "opd-1", "opd-2"))
    await site.append(along, 1, 2, 3)
    owed = sorted((position, one.number) for position in (1, 2, 3) for one in site.subscriptions.all())
    assert site.deliveries() == site.handed_over() == owed
    assert not along.fan_out.step()
    assert site.deliveries() == owed
    assert len(site.broker.sent) == 2


async def test_what_goes_with_its_events_need_not_be_read_again(site: Site):
    await site.append(Along(taken_up(site, "opd-1")), 1, 2)
    (lease,) = site.broker.sent
    run = site.broker.loaded[lease]
    assert run == [(leased, site.journal.at([leased.position])[leased.position]) for leased, _ in run]
    assert [leased.position for leased, _ in run] == [1, 2]


async def test_events_are_appended_also_where_their_deliveries_cannot_be_made(site: Site):
    along = Along(taken_up(site, "opd-1"), fails=LookupError("a mistake of ours"))
    await site.append(along, 1, 2)
    assert site.journal.last_position() == 2
    assert (site.deliveries(), site.broker.sent) == ([], [])
    along.fan_out.step()
    (subscription,) = site.subscriptions.all()
    assert site.handed_over() == [(1, subscription.number), (2, subscription.number)]


async def left_to_the_next_step(site: Site, along: Along, *events: int | Submission) -> None:
    await site.append(along, *events)
    assert along.made == [None]
    along.fan_out.step()


async def test_events_behind_others_wait_for_them(site: Site):
    along = Along(taken_up(site, "opd-1"))
    await site.append(NothingBeside(), 1)
    await left_to_the_next_step(site, along, 2)
    (subscription,) = site.subscriptions.all()
    assert site.handed_over() == [(1, subscription.number), (2, subscription.number)]


async def test_publishing_does_not_wait_for_the_deliveries_of_many_events(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bus.delivery.fan_out, "_MOST_ALONG", 2)
    along = Along(taken_up(site, "opd-1"))
    await left_to_the_next_step(site, along, 1, 2, 3)
    assert len(site.handed_over()) == 3


async def test_publishing_does_not_wait_for_many_deliveries(site: Site):
    along = Along(taken_up(site, *[f"opd-{number}" for number in range(9)]))
    await left_to_the_next_step(site, along, 1)
    assert len(site.deliveries()) == 9


async def test_publishing_does_not_look_for_earlier_events(site: Site):
    along = Along(taken_up(site, "dinsos"))
    await site.append(along, 1)
    assert [position for position, _ in site.handed_over()] == [1]
    moved = site.submission(2, nik=a_nik(1), desa="paciran")
    await left_to_the_next_step(site, Along(along.fan_out), moved)
    assert [position for position, _ in site.deliveries()] == [1, 2]


async def test_nothing_goes_before_what_found_no_room(site: Site):
    along = Along(taken_up(site, "opd-1", window=1))
    await site.append(along, 1, 2)
    assert [position for position, _ in site.handed_over()] == [1]
    again = Along(along.fan_out)
    await left_to_the_next_step(site, again, 3)
    assert [position for position, _ in site.deliveries()] == [1, 2, 3]
    assert [position for position, _ in site.handed_over()] == [1]


async def test_what_nobody_gets_is_passed_by_without_a_note_of_each(site: Site):
    along = Along(taken_up(site))
    await site.append(along, 1, 2)
    assert along.fan_out.reached == 2
    with site.storage.read() as transaction:
        assert read_relayed(transaction) == 0


async def test_many_deliveries_are_made_in_several_steps_each_once(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bus.delivery.fan_out, "_MOST_DELIVERIES", 5)
    fan_out = taken_up(site, "opd-1", "opd-2")
    await site.append(NothingBeside(), *range(1, 11))
    steps = 1
    while fan_out.step():
        steps += 1
    assert steps == 4
    numbers = [subscription.number for subscription in site.subscriptions.all()]
    assert site.deliveries() == [(position, number) for position in range(1, 11) for number in numbers]
