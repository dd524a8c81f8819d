"""A worker that is asked to stop gives back what it did not finish; what came of the rest is written."""

import signal
import time
from collections import defaultdict

import pytest
from aiohttp import web

from bus import clock
from bus.delivery.handover import BrokerAddress
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import Subscription
from tests.journeys.verdict import is_settled
from tests.services.agreements import RECORD, an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.receiver import Answer, Arrival, Receiver, Sink, takes
from tests.services.running import Bus, post_batch
from tests.services.waiting import until

LONG = {"lease_seconds": "3600", "sink_timeout_seconds": "60", "drain_seconds": "0.3"}
"""No lease ends while a test watches."""
KEYS, EVENTS, TAKEN = 20, 300, 5


@pytest.fixture(params=["embedded", pytest.param("servers", marks=[pytest.mark.postgres, pytest.mark.rabbitmq])])
def bus(request: pytest.FixtureRequest) -> Bus:
    """A bus on SQLite and memory, and one on PostgreSQL and RabbitMQ."""
    servers = () if request.param == "embedded" else [request.getfixturevalue(name) for name in ("database", "broker")]
    make_bus: MakeBus = request.getfixturevalue("make_bus")
    return make_bus(*servers, **LONG)


def test_what_was_not_finished_is_due_at_once_and_in_order(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink(f"given-back-{bus.port}")
    sink.answer = hangs_after(sink, TAKEN)
    subscription = bus.subscribe(sink, RECORD)
    process = bus.start()
    events = [an_agreed_event(str(number), RECORD, kunci=f"k{number % KEYS}", nomor=number) for number in range(EVENTS)]
    with bus.client() as client:
        assert post_batch(client, events).status_code == 202
    until(lambda: sink.begun == TAKEN + KEYS)
    assert process.stop() == 0
    assert len(bus.deliveries(subscription, DeliveryState.DELIVERED)) == TAKEN
    assert_due(bus, subscription, EVENTS - TAKEN)
    sink.answer = takes
    sink.gate.set()
    bus.start()
    sink.waits_for(*map(str, range(EVENTS)))
    assert_in_order(sink)
    # Whose attempt was broken off comes again, and nothing else.
    assert sum(sink.ids().values()) <= EVENTS + KEYS


@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_another_worker_does_not_make_what_the_stopping_one_still_makes(
    database: str, broker: BrokerAddress, make_bus: MakeBus, receiver: Receiver
) -> None:
    ids = [f"handed-on-{number}" for number in range(20)]
    settings = LONG | {"drain_seconds": "30", "sink_concurrency": str(len(ids))}
    bus, sink = make_bus(database, broker, **settings), receiver.sink("handed-on")
    bus.subscribe(sink)
    bus.start("api,relay")
    stopping = bus.start("worker")
    sink.gate.clear()
    with bus.client() as client:
        assert post_batch(client, [an_agreed_event(name) for name in ids]).status_code == 202
    until(lambda: sink.begun == len(ids))
    bus.start("worker")
    stopping.popen.send_signal(signal.SIGTERM)
    # The stopping one cannot begin them: its hands are full.
    until(lambda: bus.publish(an_agreed_event(f"handed-on-{time.monotonic_ns()}")) and sink.begun > len(ids))
    sink.gate.set()
    assert stopping.popen.wait(30) == 0
    until(lambda: is_settled(bus.storage))
    assert set(sink.ids().values()) == {1}


def hangs_after(sink: Sink, taken: int) -> Answer:
    """Takes some events, and answers no more."""

    def answer(arrival: Arrival) -> web.Response:
        if len(sink.taken) == taken - 1:
            sink.gate.clear()
        return takes(arrival)

    return answer


def assert_due(bus: Bus, subscription: Subscription, count: int) -> None:
    pending = bus.deliveries(subscription, DeliveryState.PENDING)
    assert len(pending) == count
    now = clock.now()
    assert not [one for one in pending if one.next_attempt is None or one.next_attempt > now]


def assert_in_order(sink: Sink) -> None:
    numbers: dict[str, list[int]] = defaultdict(list)
    for arrival in sink.taken:
        numbers[arrival.event["data"]["kunci"]].append(arrival.event["data"]["nomor"])
    assert {key: taken for key, taken in numbers.items() if taken != sorted(taken)} == {}
