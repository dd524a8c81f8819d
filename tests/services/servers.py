"""PostgreSQL and RabbitMQ for tests: used where they answer, else the test is skipped, or failed with CI=true."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from bus.delivery.handover import BrokerAddress, Reach, look_for

DATABASE_URL = os.environ.get("BUS_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
BROKER_URL = os.environ.get("BUS_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//")


@contextmanager
def a_scratch_database() -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped afterwards."""
    name = f"bus_test_{secrets.token_hex(6)}"
    try:
        server = psycopg.connect(DATABASE_URL, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        _missing("PostgreSQL", "BUS_TEST_DATABASE_URL")
    with server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_url(DATABASE_URL).set(database=name).render_as_string(hide_password=False)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def a_scratch_broker() -> Iterator[BrokerAddress]:
    """A prefix of its own on RabbitMQ; its queues are deleted afterwards."""
    address = BrokerAddress(BROKER_URL, f"bus-test-{secrets.token_hex(6)}")
    if look_for(address) is not Reach.TAKES:
        _missing("RabbitMQ", "BUS_TEST_BROKER_URL")
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


def _missing(server: str, variable: str) -> NoReturn:
    reason = f"{server} does not answer at {variable}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
