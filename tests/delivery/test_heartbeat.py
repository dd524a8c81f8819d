"""Heartbeats: who is taken for dead, who stops before that, and which deliveries wait for a role that nobody has."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from bus.delivery.heartbeat import AGENCIES, WEBHOOKS, Heartbeat, Pulse, find_unattended, read_beats
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.subscription import AgencySink, Subscription
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.tables import HEARTBEATS
from bus.identity.keys import Keys
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.builders import a_new_subscription
from tests.services.waiting import until

HOUR_MICROS = 3_600_000_000
WEBHOOK = a_new_subscription()
AGENCY = a_new_subscription("kemendagri", sink=AgencySink("kemendagri", "data-balikan"))


@dataclass
class Office:
    """A database with subscriptions to a webhook and to an agency, in this order."""

    storage: Storage
    subscriptions: Sequence[Subscription]

    def owe(self, *which: int) -> None:
        """Owe subscriptions a delivery each."""
        new = [NewDelivery(self.subscriptions[one].number, 1, None) for one in which]
        with self.storage.write() as transaction:
            Ledger(self.storage).add(transaction, new, 1_000_000, again=False)

    def beat(self, *roles: str) -> None:
        """A process with roles lives."""
        Heartbeat(self.storage, roles, f"process_{roles}").beat()

    def unattended(self) -> list[str]:
        return find_unattended(self.storage, self.subscriptions)


@pytest.fixture
def office(storage: Storage, bus_keys: Keys) -> Office:
    register = Subscriptions(storage, bus_keys)
    return Office(storage, [register.add(new, OPERATOR) for new in (WEBHOOK, AGENCY)])


def make_older(storage: Storage, micros: int) -> None:
    """Let every sign of life be older."""
    with storage.write() as transaction:
        transaction.execute(sa.update(HEARTBEATS).values(seen_at=HEARTBEATS.c.seen_at - micros))


def roles_seen(storage: Storage) -> list[str]:
    with storage.read() as transaction:
        return sorted(row.role for row in transaction.rows(sa.select(HEARTBEATS)))


@pytest.mark.parametrize(
    ("owed", "roles"), [([0], [WEBHOOKS]), ([1], [AGENCIES]), ([0, 1], [AGENCIES, WEBHOOKS]), ([], [])]
)
def test_what_waits_where_nobody_lives_is_unattended(office: Office, owed: list[int], roles: list[str]):
    office.owe(*owed)
    assert office.unattended() == roles


def test_a_process_attends_to_its_own_roles_alone(office: Office):
    office.owe(0, 1)
    office.beat(WEBHOOKS)
    assert office.unattended() == [AGENCIES]
    office.beat(AGENCIES)
    assert office.unattended() == []


def test_a_process_that_fell_silent_passes_for_dead(office: Office):
    office.owe(0)
    office.beat(WEBHOOKS)
    make_older(office.storage, HOUR_MICROS // 60)
    assert office.unattended() == [WEBHOOKS]


def test_one_living_process_is_enough(office: Office):
    office.owe(0)
    office.beat(WEBHOOKS)
    make_older(office.storage, HOUR_MICROS // 60)
    office.beat(WEBHOOKS)
    assert office.unattended() == []


def test_a_process_has_one_sign_of_life_for_each_role(storage: Storage):
    heartbeat = Heartbeat(storage, [WEBHOOKS, AGENCIES], "process_a")
    for _ in range(3):
        heartbeat.beat()
    assert roles_seen(storage) == [AGENCIES, WEBHOOKS]


def test_a_process_that_is_long_gone_is_forgotten_by_the_next_that_lives(storage: Storage):
    Heartbeat(storage, [AGENCIES], "process_a").beat()
    make_older(storage, 2 * HOUR_MICROS)
    Heartbeat(storage, [WEBHOOKS], "process_b").beat()
    assert roles_seen(storage) == [WEBHOOKS]


async def test_a_process_gives_signs_of_life_as_long_as_it_runs(storage: Storage):
    following = asyncio.create_task(Heartbeat(storage, [WEBHOOKS], "process_b").follow())
    await asyncio.to_thread(until, lambda: roles_seen(storage) == [WEBHOOKS])
    following.cancel()
    await asyncio.wait([following])
    assert following.cancelled()


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def observed(pulse: Pulse, clock: Clock, beats: list[int], process: str = "process_a") -> list[list[str]]:
    """What the pulse says of a process, second by second."""
    said: list[list[str]] = []
    for beat in beats:
        clock.now += 1
        said.append(pulse.stopped([process], {process: beat}))
    return said


def test_a_process_whose_heartbeat_changes_lives_whatever_its_clock_says():
    clock = Clock()
    assert observed(Pulse(clock), clock, [5, 5, 6, 6, 7, 7] * 5) == [[]] * 30


def test_a_process_whose_heartbeat_stopped_is_dead_within_seconds():
    clock = Clock()
    said = observed(Pulse(clock), clock, [5] * 12)
    assert said[:10] == [[]] * 10
    assert said[10:] == [["process_a"]] * 2


def test_a_process_without_a_heartbeat_is_dead_too():
    clock = Clock()
    pulse = Pulse(clock)
    for _ in range(11):
        clock.now += 1
        said = pulse.stopped(["process_a"], {})
    assert said == ["process_a"]


def test_an_observer_that_was_away_takes_nobody_for_dead():
    clock = Clock()
    pulse = Pulse(clock)
    observed(pulse, clock, [5])
    clock.now += 60
    assert observed(pulse, clock, [5]) == [[]]


def test_a_process_stops_sending_before_others_take_it_for_dead(storage: Storage):
    clock = Clock()
    heartbeat = Heartbeat(storage, ["worker"], "process_a", clock)
    heartbeat.beat()
    observer = Clock()
    pulse = Pulse(observer)
    while not pulse.stopped(["process_a"], read_beats(storage)):
        observer.now += 1
        clock.now += 1
    assert not heartbeat.is_regular


def test_a_process_that_could_beat_again_goes_on(storage: Storage):
    clock = Clock()
    heartbeat = Heartbeat(storage, ["worker"], "process_a", clock)
    clock.now += 60
    assert not heartbeat.is_regular
    heartbeat.beat()
    assert heartbeat.is_regular
