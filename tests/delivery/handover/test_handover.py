"""What both ways of the handover promise to the relay and to the workers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from bus.delivery.handover import Broker, Handover, Here, Received
from bus.delivery.ledger import Lease
from tests.services.servers import a_scratch_broker
from tests.services.waiting import until

LEASE, OTHER = Lease(1, 1_000), Lease(2, 1_000)


@pytest.fixture(params=["here", pytest.param("broker", marks=[pytest.mark.rabbitmq, pytest.mark.process])])
def handover(request: pytest.FixtureRequest) -> Iterator[Handover]:
    """The relay's end."""
    if request.param == "here":
        yield Here()
        return
    with a_scratch_broker() as address:
        broker = Broker(address)
        yield broker
        broker.close()


@dataclass
class Worker:
    """Listens to some subscriptions, and notes what it receives."""

    subscriptions: frozenset[int]
    received: list[Received] = field(default_factory=list)

    @property
    def leases(self) -> list[Lease]:
        return [one.lease for one in self.received]

    def waits_for(self, *leases: Lease) -> None:
        until(lambda: self.leases == list(leases), 10)


@contextmanager
def a_worker(handover: Handover, *subscriptions: int) -> Iterator[Worker]:
    worker = Worker(frozenset(subscriptions))
    receiver = handover.make_receiver(lambda: worker.subscriptions, worker.received.append)
    receiver.start()
    until(lambda: receiver.connected, 10)
    try:
        yield worker
    finally:
        receiver.stop()
        assert not receiver.connected


def test_a_run_reaches_the_worker_that_listens(handover: Handover):
    with a_worker(handover, 1) as worker:
        assert handover.send(LEASE, None)
        worker.waits_for(LEASE)


def test_runs_of_a_subscription_arrive_in_their_order(handover: Handover):
    leases = [Lease(1, end) for end in range(1_000, 1_005)]
    with a_worker(handover, 1) as worker:
        assert all(handover.send(lease, None) for lease in leases)
        worker.waits_for(*leases)


def test_each_worker_receives_the_runs_of_its_own_subscriptions(handover: Handover):
    with a_worker(handover, 1) as one, a_worker(handover, 2) as other:
        for lease in (LEASE, OTHER):
            assert handover.send(lease, None)
        one.waits_for(LEASE)
        other.waits_for(OTHER)


def test_a_worker_receives_the_runs_of_a_subscription_that_came_later(handover: Handover):
    with a_worker(handover, 1) as worker:
        worker.subscriptions = frozenset({1, 2})
        assert handover.send(OTHER, None)
        worker.waits_for(OTHER)


def test_a_run_can_be_finished_in_any_thread(handover: Handover):
    with a_worker(handover, 1) as worker:
        assert handover.send(LEASE, None)
        worker.waits_for(LEASE)
        in_a_thread(worker.received[0].done)


def test_events_can_be_asked_for_wherever_they_are(handover: Handover):
    with a_worker(handover, 1) as worker:
        assert handover.send(LEASE, None)
        worker.waits_for(LEASE)
        assert worker.received[0].take_loaded() is None


def test_the_sender_goes_on_after_it_was_closed(handover: Handover):
    with a_worker(handover, 1) as worker:
        assert handover.send(LEASE, None)
        handover.close()
        assert handover.send(Lease(1, 2_000), None)
        worker.waits_for(LEASE, Lease(1, 2_000))


def in_a_thread(act: Callable[[], None]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
