"""Outages of the servers beside the bus: what was acknowledged is delivered once they are back, without anybody's help."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from bus.delivery.handover import BrokerAddress
from bus.journal import JournalReader
from tests.services.agreements import an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.proxy import Proxy, a_proxy
from tests.services.receiver import Receiver, Sink
from tests.services.running import Bus, Process, a_bus, post
from tests.services.servers import a_scratch_broker, a_scratch_database, delete_queues
from tests.services.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq]


@dataclass(frozen=True, slots=True)
class Place:
    """A bus on servers, running in one process, and its lines to them."""

    bus: Bus
    process: Process
    database: str
    broker: BrokerAddress
    database_line: Proxy
    broker_line: Proxy


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One bus for the module; each test has a sink and events of its own, and mends what it broke."""
    with ExitStack() as stack:
        database, broker = stack.enter_context(a_scratch_database()), stack.enter_context(a_scratch_broker())
        lines = [stack.enter_context(a_line(make_url(url))) for url in (database, broker.url)]
        near = replace(broker, url=through(lines[1], broker.url))
        bus = stack.enter_context(a_bus(tmp_path_factory.mktemp("bus"), database, near))
        process = bus.start(database_url=through(lines[0], database))
        yield Place(bus, process, database, broker, *lines)


@pytest.fixture
def sink(place: Place, receiver: Receiver, request: pytest.FixtureRequest) -> Sink:
    """A sink that is subscribed to what comes from now on, and has got its first event."""
    sink, name = receiver.sink(request.node.name), f"{request.node.name}-before"
    place.bus.subscribe(sink, after=JournalReader(place.bus.storage).last_position())
    place.bus.publish(an_agreed_event(name))
    sink.waits_for(name)
    return sink


def a_line(server: URL) -> AbstractContextManager[Proxy]:
    return a_proxy(server.host or "", server.port or (5672 if server.drivername == "amqp" else 5432))


def through(line: Proxy, url: str) -> str:
    return make_url(url).set(port=line.port).render_as_string(hide_password=False)


def test_a_restarted_broker_is_dialled_again(place: Place, sink: Sink) -> None:
    place.broker_line.cut()
    until(lambda: not place.process.readiness()["checks"]["broker"]["ok"])
    during = [f"dialled-{number}" for number in range(5)]
    place.bus.publish(*map(an_agreed_event, during))
    assert place.process.readiness()["code"] == 503
    place.broker_line.restore()
    sink.waits_for(*during)
    place.process.until_ready()


def test_queues_deleted_under_the_bus_are_made_again(place: Place, sink: Sink) -> None:
    delete_queues(place.broker)
    place.bus.publish(an_agreed_event("after-deletion"))
    sink.waits_for("after-deletion")


def test_a_message_that_nobody_understands_stops_nothing(place: Place, sink: Sink) -> None:
    for subscription in place.bus.subscriptions.all():
        _send(place.broker, subscription.number, b"\xff")
        _send(place.broker, subscription.number, b'{"kunci": 1}')
    place.bus.publish(an_agreed_event("after-garbled"))
    sink.waits_for("after-garbled")


def test_a_cut_database_refuses_with_503_and_recovers_by_itself(place: Place, sink: Sink) -> None:
    client, last = place.bus.client(), JournalReader(place.bus.storage).last_position()
    place.database_line.cut()
    refused = post(client, an_agreed_event("during-cut"))
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:bus:problem:storage-unavailable")
    until(lambda: not place.process.readiness()["checks"]["database"]["ok"])
    place.database_line.restore()
    until(lambda: post(client, an_agreed_event("after-cut")).status_code == 202)
    sink.waits_for("after-cut")
    place.process.until_ready()
    assert JournalReader(place.bus.storage).last_position() == last + 1


def test_sessions_ended_by_the_database_are_replaced(place: Place, sink: Sink) -> None:
    with psycopg.connect(place.database) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    client = place.bus.client()
    until(lambda: post(client, an_agreed_event("after-end")).status_code == 202)
    sink.waits_for("after-end")


def test_a_broker_that_is_away_at_the_start_is_waited_for(
    database: str, broker: BrokerAddress, make_bus: MakeBus, receiver: Receiver
) -> None:
    with a_line(make_url(broker.url)) as line:
        bus = make_bus(database, replace(broker, url=through(line, broker.url)))
        sink = receiver.sink("late-broker")
        bus.subscribe(sink)
        line.cut()
        bus.start()
        bus.publish(an_agreed_event("early"))
        line.restore()
        sink.waits_for("early")


def test_a_lost_message_is_handed_over_again_after_its_lease(
    database: str, broker: BrokerAddress, make_bus: MakeBus, receiver: Receiver
) -> None:
    bus, sink = make_bus(database, broker), receiver.sink("lost")
    subscription = bus.subscribe(sink)
    bus.start("api,relay")
    bus.publish(an_agreed_event("lost"))
    until(lambda: _waiting(broker, subscription.number))
    assert _purged(broker, subscription.number) == 1
    bus.start("worker")
    sink.waits_for("lost")


def _send(broker: BrokerAddress, number: int, body: bytes) -> None:
    with broker.connect() as connection:
        producer: Any = connection.Producer()
        producer.publish(body, routing_key=broker.queue(number).name, content_type="application/json")


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
