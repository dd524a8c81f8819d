"""Another user of the broker: reads what lies there, and puts in what runs code, or nothing that the bus knows."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from bus.delivery.handover import Broker, BrokerAddress, Received
from bus.delivery.ledger import Lease
from tests.services.waiting import until

LEASE = Lease(7, 1_800_000_000_000_000)


pytestmark = pytest.mark.rabbitmq


@pytest.fixture
def received(broker: BrokerAddress) -> Iterator[list[Received]]:
    """What a worker makes of the messages."""
    taken: list[Received] = []
    receiver = Broker(broker).make_receiver(lambda: [LEASE.subscription], taken.append)
    receiver.start()
    yield taken
    receiver.stop()


class Runs:
    """Makes a file as soon as somebody unpickles it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self._file,))


def put(broker: BrokerAddress, body: bytes, kind: str, encoding: str) -> None:
    with broker.connect() as connection, connection.Producer() as producer:
        name = broker.name(LEASE.subscription)
        producer.publish(body, routing_key=name, content_type=kind, content_encoding=encoding)


def test_a_message_that_runs_code_when_it_is_read_is_not_read(
    broker: BrokerAddress, received: list[Received], tmp_path: Path
):
    file = tmp_path / "ran"
    pickled = pickle.dumps(Runs(file))
    handover = Broker(broker)
    assert handover.send(LEASE, None)
    until(lambda: len(received) == 1)
    put(broker, pickled, "application/x-python-serialize", "binary")
    put(broker, f"!!python/object/apply:pathlib.Path.touch [{file}]".encode(), "application/x-yaml", "utf-8")
    assert handover.send(LEASE, None)
    until(lambda: len(received) == 2)
    handover.close()
    assert not file.exists()
    pickle.loads(pickled)
    assert file.exists()


def test_a_message_holds_the_name_of_a_lease_and_nothing_else(broker: BrokerAddress):
    handover = Broker(broker)
    handover.send(LEASE, None)
    connection: Connection
    with broker.connect() as connection:
        message = connection.SimpleQueue(broker.queue(LEASE.subscription)).get(timeout=5)
        assert message.decode() == {"subscription": LEASE.subscription, "lease": LEASE.due_at}
        assert message.headers == {}
    handover.close()
