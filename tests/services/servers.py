"""RabbitMQ for tests: used where it answers, else the test is skipped, or failed with CI=true."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bus.delivery.broker import BrokerAddress, reachable

BROKER_URL = os.environ.get("BUS_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//")


@contextmanager
def a_scratch_broker() -> Iterator[BrokerAddress]:
    """A prefix of its own on RabbitMQ; its queues are deleted afterwards."""
    address = BrokerAddress(BROKER_URL, f"bus-test-{secrets.token_hex(6)}")
    if not reachable(address):
        reason = "RabbitMQ does not answer at BUS_TEST_BROKER_URL"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield address
    finally:
        delete_queues(address)


def delete_queues(address: BrokerAddress, most: int = 20) -> None:
    """Delete the queues of the first subscriptions of a bus, with what is in them."""
    with address.connect() as connection:
        channel: Any = connection.channel()
        for number in range(1, most + 1):
            channel.queue_delete(address.queue(number).name)
