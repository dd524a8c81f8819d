"""What is put into the queues of this process is taken on by who listens, without a wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from bus.delivery.broker import Arrivals, BrokerAddress, Handover, Receiver
from bus.delivery.ledger import Lease
from tests.services.waiting import until


def test_who_listens_takes_what_comes_at_once():
    arrivals, taken = Arrivals(), list[str]()
    with (
        arrivals.taken_by(lambda number: taken.append(f"one {number}")),
        arrivals.taken_by(lambda number: taken.append(f"other {number}")),
    ):
        arrivals.tell(7)
    assert taken == ["one 7", "other 7"]


def test_who_listens_no_more_is_not_asked():
    arrivals, taken = Arrivals(), list[str]()
    with arrivals.taken_by(lambda number: taken.append(f"one {number}")):
        pass
    arrivals.tell(7)
    assert taken == []


@pytest.fixture
def address() -> BrokerAddress:
    return BrokerAddress("memory://", f"arrivals-{uuid4()}")


@pytest.fixture
def handover(address: BrokerAddress) -> Iterator[Handover]:
    handover = Handover(address)
    yield handover
    handover.close()


@contextmanager
def receiving(address: BrokerAddress, *subscriptions: int) -> Iterator[list[Lease]]:
    received: list[Lease] = []
    receiver = Receiver(address, lambda: subscriptions, lambda one: received.append(one.lease))
    receiver.start()
    try:
        yield received
    finally:
        receiver.stop()


def test_what_was_handed_over_before_somebody_listens_is_received(address: BrokerAddress, handover: Handover):
    assert handover.send(Lease(1, 1_000))
    with receiving(address, 1) as received:
        until(lambda: received == [Lease(1, 1_000)])


def test_a_run_is_received_when_its_handing_over_ends(address: BrokerAddress, handover: Handover):
    handover.send(Lease(1, 1_000))
    with receiving(address, 1) as received:
        until(lambda: received)
        handover.send(Lease(1, 2_000))
        assert received[1:] == [Lease(1, 2_000)]


def test_each_receives_what_is_its_own(address: BrokerAddress, handover: Handover):
    with receiving(address, 1) as one, receiving(address, 2) as other:
        for number in (1, 2, 1):
            handover.send(Lease(number, 1_000))
        until(lambda: len(one) + len(other) == 3)
        assert [lease.subscription for lease in (*one, *other)] == [1, 1, 2]
