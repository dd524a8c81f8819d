"""The bus is killed at random moments, again and again, while publishers publish; afterwards nothing may be missing.

`BUS_SOAK_ROUNDS` sets how often (`make soak`), `BUS_SOAK_SEED` repeats a run's choices.
"""

import os
import threading
from collections.abc import Sequence
from random import Random

import pytest
from aiohttp import web

from bus.delivery.handover import BrokerAddress
from tests.journeys.traffic import Traffic, traffic
from tests.journeys.verdict import (
    assert_all_arrived,
    assert_in_order,
    assert_nothing_acknowledged_is_lost,
    assert_nothing_is_half_stored,
    assert_records_agree,
    assert_traffic_is_counted_once,
    is_settled,
    stored,
    what_is_left,
)
from tests.services.agreements import CONSUMERS, FACT, RECORD
from tests.services.fixtures import MakeBus
from tests.services.receiver import Answer, Arrival, Receiver, Sink, answers, takes
from tests.services.running import ALL_ROLES, Bus
from tests.services.servers import delete_queues
from tests.services.waiting import until

ROUNDS = int(os.environ.get("BUS_SOAK_ROUNDS", "4"))
SEED = int(os.environ.get("BUS_SOAK_SEED", "0")) or Random().randrange(1, 2**32)
CONTRACTS = ((FACT,), (RECORD,), (FACT, RECORD))

pytestmark = pytest.mark.timeout(180 + 30 * ROUNDS)


def moody(random: Random) -> Answer:
    """A sink that stumbles over one request in thirty."""

    def answer(arrival: Arrival) -> web.Response:
        return answers(500)(arrival) if random.random() < 1 / 30 else takes(arrival)

    return answer


class Ordeal:
    """A bus under kills: its processes by role, and the choices of one seed."""

    def __init__(self, bus: Bus, roles: Sequence[str], random: Random) -> None:
        self._bus = bus
        self._random = random
        self._processes = [(role, bus.launch(role)) for role in roles]
        for _, process in self._processes:
            process.until_up()

    def kill_and_start(self, made: Traffic) -> None:
        """Kill one process at a random moment of the traffic, and start it again; now and then twice."""
        enough = len(made) + self._random.randrange(5, 60)
        until(lambda: len(made) >= enough, 60)
        chosen = self._random.randrange(len(self._processes))
        for _ in range(self._random.choice((1, 1, 2))):
            # A moment within what a start, a commit or a delivery takes; nothing is waited for.
            threading.Event().wait(self._random.uniform(0, 0.7))
            role, process = self._processes[chosen]
            process.kill()
            self._processes[chosen] = (role, self._bus.launch(role))

    def settle(self) -> None:
        """Wait until everything runs and nothing is left to deliver."""
        for _, process in self._processes:
            process.until_up()
        until(lambda: is_settled(self._bus.storage), 90, lambda: what_is_left(self._bus.storage))


@pytest.fixture
def random() -> Random:
    """The run's choices; the seed is shown when the test fails."""
    print(f"BUS_SOAK_SEED={SEED}")
    return Random(SEED)


def subscribed(bus: Bus, receiver: Receiver, random: Random) -> list[Sink]:
    """A moody sink of each consumer: facts, records, and both."""
    sinks = [receiver.sink(f"{bus.port}-{name}", moody(random)) for name in CONSUMERS]
    for sink, name, contracts in zip(sinks, CONSUMERS, CONTRACTS, strict=True):
        bus.subscribe(sink, *contracts, participant=name)
    return sinks


def assert_nothing_is_missing(bus: Bus, made: Traffic, sinks: Sequence[Sink]) -> None:
    journal = stored(bus.storage)
    assert_nothing_acknowledged_is_lost(journal, made)
    assert_nothing_is_half_stored(journal, made)
    assert_records_agree(bus.storage, journal)
    assert_traffic_is_counted_once(bus.storage)
    for sink, contracts in zip(sinks, CONTRACTS, strict=True):
        assert_all_arrived(journal, sink, contracts)
        assert_in_order(sink, RECORD)


def test_a_bus_killed_again_and_again_loses_nothing(make_bus: MakeBus, receiver: Receiver, random: Random) -> None:
    bus = make_bus()
    sinks = subscribed(bus, receiver, random)
    ordeal = Ordeal(bus, [ALL_ROLES], random)
    with traffic(bus, SEED) as made:
        for _ in range(ROUNDS):
            ordeal.kill_and_start(made)
    ordeal.settle()
    assert_nothing_is_missing(bus, made, sinks)


@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_roles_killed_one_by_one_on_servers_lose_nothing(
    database: str, broker: BrokerAddress, make_bus: MakeBus, receiver: Receiver, random: Random
) -> None:
    bus = make_bus(database, broker)
    sinks = subscribed(bus, receiver, random)
    # The second worker takes over where the first is killed.
    ordeal = Ordeal(bus, ["api", "relay", "worker", "worker"], random)
    with traffic(bus, SEED) as made:
        for turn in range(ROUNDS):
            ordeal.kill_and_start(made)
            if turn == ROUNDS // 2:
                delete_queues(broker)
    ordeal.settle()
    assert_nothing_is_missing(bus, made, sinks)
