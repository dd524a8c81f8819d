"""Outages of the servers beside the bus: what was acknowledged is delivered once they are back, without anybody's help."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bus.delivery.broker import BrokerAddress
from bus.journal import JournalReader
from tests.services.agreements import an_event
from tests.services.fixtures import MakeBus
from tests.services.proxy import Proxy, a_proxy
from tests.services.receiver import Receiver
from tests.services.running import post
from tests.services.servers import delete_queues
from tests.services.waiting import until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.rabbitmq,
    pytest.mark.parametrize("database_url", ["postgres"], indirect=True),
]


@pytest.fixture
def line(broker: BrokerAddress) -> Iterator[Proxy]:
    """The line to RabbitMQ."""
    url = make_url(broker.url)
    with a_proxy(url.host or "", url.port or 5672) as proxy:
        yield proxy


@pytest.fixture
def database_line(database_url: str) -> Iterator[Proxy]:
    """The line to PostgreSQL."""
    url = make_url(database_url)
    with a_proxy(url.host or "", url.port or 5432) as proxy:
        yield proxy


def through(line: Proxy, broker: BrokerAddress) -> BrokerAddress:
    return replace(broker, url=make_url(broker.url).set(port=line.port).render_as_string(hide_password=False))


def test_a_restarted_broker_is_dialled_again(
    make_bus: MakeBus, database_url: str, broker: BrokerAddress, line: Proxy, receiver: Receiver
) -> None:
    bus, sink = make_bus(database_url, through(line, broker)), receiver.sink("dialled")
    bus.subscribe(sink)
    process = bus.start()
    bus.publish(an_event("before"))
    sink.waits_for("before")
    line.cut()
    until(lambda: not process.readiness()["checks"]["broker"]["ok"])
    assert process.readiness()["code"] == 503
    bus.publish(*(an_event(f"during-{number}") for number in range(5)))
    line.restore()
    sink.waits_for(*(f"during-{number}" for number in range(5)))
    process.until_ready()


def test_a_broker_that_is_away_at_the_start_is_waited_for(
    make_bus: MakeBus, database_url: str, broker: BrokerAddress, line: Proxy, receiver: Receiver
) -> None:
    bus, sink = make_bus(database_url, through(line, broker)), receiver.sink("late-broker")
    bus.subscribe(sink)
    line.cut()
    bus.start()
    bus.publish(an_event("early"))
    line.restore()
    sink.waits_for("early")


def test_a_lost_message_is_handed_over_again_after_its_lease(
    make_bus: MakeBus, database_url: str, broker: BrokerAddress, receiver: Receiver
) -> None:
    bus, sink = make_bus(database_url, broker), receiver.sink("lost")
    subscription = bus.subscribe(sink)
    bus.start("api,relay")
    bus.publish(an_event("lost"))
    until(lambda: _waiting(broker, subscription.number))
    assert _purged(broker, subscription.number) == 1
    bus.start("worker")
    sink.waits_for("lost")


def test_queues_deleted_under_the_bus_are_made_again(
    make_bus: MakeBus, database_url: str, broker: BrokerAddress, receiver: Receiver
) -> None:
    bus, sink = make_bus(database_url, broker), receiver.sink("deleted")
    bus.subscribe(sink)
    bus.start()
    bus.publish(an_event("before-deletion"))
    sink.waits_for("before-deletion")
    delete_queues(broker)
    bus.publish(an_event("after-deletion"))
    sink.waits_for("after-deletion")


def test_a_message_that_nobody_understands_stops_nothing(
    make_bus: MakeBus, database_url: str, broker: BrokerAddress, receiver: Receiver
) -> None:
    bus, sink = make_bus(database_url, broker), receiver.sink("garbled")
    subscription = bus.subscribe(sink)
    bus.start()
    bus.publish(an_event("before-garbled"))
    sink.waits_for("before-garbled")
    with broker.connect() as connection:
        producer: Any = connection.Producer()
        producer.publish(b"\xff", routing_key=broker.queue(subscription.number).name, content_type="application/json")
        producer.publish({"kunci": 1}, routing_key=broker.queue(subscription.number).name)
    bus.publish(an_event("after-garbled"))
    sink.waits_for("after-garbled")


def test_a_cut_database_refuses_with_503_and_recovers_by_itself(
    make_bus: MakeBus, database_url: str, broker: BrokerAddress, database_line: Proxy, receiver: Receiver
) -> None:
    bus, sink = make_bus(database_url, broker), receiver.sink("cut-database")
    bus.subscribe(sink)
    behind = make_url(database_url).set(port=database_line.port).render_as_string(hide_password=False)
    process = bus.start(database_url=behind)
    bus.publish(an_event("before-cut"))
    sink.waits_for("before-cut")
    client = bus.client()
    database_line.cut()
    refused = post(client, an_event("during-cut"))
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:bus:problem:storage-unavailable")
    assert not process.readiness()["checks"]["database"]["ok"]
    database_line.restore()
    until(lambda: post(client, an_event("after-cut")).status_code == 202)
    sink.waits_for("after-cut")
    process.until_ready()
    assert JournalReader(bus.storage).last_position() == 2


def test_sessions_ended_by_the_database_are_replaced(
    make_bus: MakeBus, database_url: str, broker: BrokerAddress, receiver: Receiver
) -> None:
    bus, sink = make_bus(database_url, broker), receiver.sink("ended-sessions")
    bus.subscribe(sink)
    bus.start()
    bus.publish(an_event("before-end"))
    sink.waits_for("before-end")
    with psycopg.connect(database_url) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    client = bus.client()
    until(lambda: post(client, an_event("after-end")).status_code == 202)
    sink.waits_for("after-end")


def _waiting(broker: BrokerAddress, number: int) -> int:
    """Messages in a queue, which may not be there yet."""
    with broker.connect() as connection:
        channel: Any = connection.channel()
        try:
            return int(channel.queue_declare(broker.queue(number).name, passive=True).message_count)
        except connection.channel_errors:
            return 0


def _purged(broker: BrokerAddress, number: int) -> int:
    with broker.connect() as connection:
        channel: Any = connection.channel()
        purged: int = channel.queue_purge(broker.queue(number).name)
        return purged
