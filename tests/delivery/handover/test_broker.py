"""Handover through a broker: runs wait there for a worker, and what a worker did not finish goes to another one."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from kombu import Queue

from bus.delivery.handover import Broker, BrokerAddress, Reach, Received, find_broker, look_for
from bus.delivery.ledger import Lease
from tests.services.servers import a_scratch_broker, delete_queues
from tests.services.waiting import until

pytestmark = [pytest.mark.rabbitmq, pytest.mark.process]
LEASE = Lease(1, 1_000)


@pytest.fixture
def address() -> Iterator[BrokerAddress]:
    with a_scratch_broker() as address:
        yield address


@pytest.fixture
def broker(address: BrokerAddress) -> Iterator[Broker]:
    broker = Broker(address)
    yield broker
    broker.close()


def received_once(broker: Broker, *, is_done: bool) -> list[Lease]:
    """What a worker receives that stops with its first run, done or not."""
    received: list[Received] = []
    receiver = broker.make_receiver(lambda: {1}, received.append)
    receiver.start()
    until(lambda: received, 10)
    if is_done:
        received[0].done()
    receiver.stop()
    return [one.lease for one in received]


def test_a_broker_that_refused_the_password_was_told_as_one_that_is_away(address: BrokerAddress):
    parts = urlsplit(address.url)
    wrong = parts._replace(netloc=f"tidak-ada:salah@{parts.hostname}:{parts.port}")
    assert look_for(BrokerAddress(wrong.geturl(), address.prefix)) is Reach.REFUSES


def test_what_was_handed_over_before_somebody_listens_is_received(broker: Broker):
    assert broker.send(LEASE, None)
    assert received_once(broker, is_done=True) == [LEASE]


def test_a_run_that_was_not_finished_goes_to_the_next_worker(broker: Broker):
    assert broker.send(LEASE, None)
    assert received_once(broker, is_done=False) == [LEASE]
    assert received_once(broker, is_done=True) == [LEASE]


def test_a_run_that_was_finished_comes_no_more(broker: Broker):
    assert broker.send(LEASE, None)
    received_once(broker, is_done=True)
    assert broker.send(Lease(1, 2_000), None)
    assert received_once(broker, is_done=True) == [Lease(1, 2_000)]


def test_a_queue_that_somebody_deleted_is_made_again(broker: Broker, address: BrokerAddress):
    assert broker.send(LEASE, None)
    delete_queues(address)
    assert broker.send(Lease(1, 2_000), None)
    assert received_once(broker, is_done=True) == [Lease(1, 2_000)]


def test_a_broker_that_does_not_answer_takes_no_run():
    away = Broker(BrokerAddress("amqp://127.0.0.1:1//"))
    assert not away.send(LEASE, None)


class Full(BrokerAddress):
    """A broker whose queues hold one message and refuse the next."""

    def queue(self, subscription: int) -> Queue:
        name = self.name(subscription)
        arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
        return Queue(name, exchange="", routing_key=name, durable=True, queue_arguments=arguments)


def test_a_run_that_the_broker_refuses_is_not_handed_over(address: BrokerAddress):
    full = Broker(Full(address.url, address.prefix))
    sent = [full.send(Lease(1, end), None) for end in range(5)]
    full.close()
    assert sent[0]
    assert not sent[-1]


def test_memory_names_no_broker():
    assert find_broker("memory://", "bus") is None
    assert find_broker("amqp://127.0.0.1//", "bus") == BrokerAddress("amqp://127.0.0.1//", "bus")
