"""A killed process's deliveries do not wait for the ends of their leases; retries keep their time."""

import pytest

from bus.delivery.handover import BrokerAddress
from bus.delivery.leases import Leases
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import AgencySink, NewSubscription, Subscription
from tests.an_actor import OPERATOR
from tests.services.agreements import CONSUMERS, FACT, an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.receiver import Receiver, answers
from tests.services.running import Bus, post_batch
from tests.services.servers import delete_queues
from tests.services.waiting import until

LONG = {"lease_seconds": "3600", "sink_timeout_seconds": "60", "drain_seconds": "0.3"}
"""No lease ends while a test watches."""
EVENTS = [str(number) for number in range(30)]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def embedded(request: pytest.FixtureRequest) -> Bus:
    """A bus that is one process, on either database."""
    url = request.getfixturevalue("database") if request.param == "postgres" else ""
    make_bus: MakeBus = request.getfixturevalue("make_bus")
    return make_bus(url, **LONG)


def publish(bus: Bus, names: list[str]) -> None:
    with bus.client() as client:
        assert post_batch(client, [an_agreed_event(name) for name in names]).status_code == 202


def until_all_delivered(bus: Bus, subscription: Subscription) -> None:
    """Not what the sink has: a request of the killed process may still reach it."""
    until(lambda: len(bus.deliveries(subscription, DeliveryState.DELIVERED)) == len(EVENTS))


def test_a_process_that_starts_after_a_kill_delivers_at_once(embedded: Bus, receiver: Receiver) -> None:
    sink = receiver.sink(f"killed-{embedded.port}")
    subscription = embedded.subscribe(sink)
    process = embedded.start()
    sink.gate.clear()
    publish(embedded, EVENTS)
    until(lambda: sink.begun)
    process.kill()
    sink.gate.set()
    embedded.start()
    until_all_delivered(embedded, subscription)


def test_a_retry_keeps_its_time_over_a_kill(embedded: Bus, receiver: Receiver) -> None:
    failing, other = receiver.sink(f"busy-{embedded.port}"), receiver.sink(f"other-{embedded.port}")
    failing.answer = answers(503, retry_after="3000")
    subscription = embedded.subscribe(failing)
    embedded.subscribe(other, participant=CONSUMERS[1])
    process = embedded.start()
    publish(embedded, ["retried"])
    (waiting,) = until(lambda: [one for one in embedded.deliveries(subscription) if one.failures])
    process.kill()
    embedded.start()
    publish(embedded, ["later"])
    other.waits_for("later")
    before, later = sorted(embedded.deliveries(subscription), key=lambda one: one.position)
    assert before.next_attempt == waiting.next_attempt
    assert later.state is DeliveryState.PENDING
    assert len([arrival for arrival in failing.arrivals if arrival.event["id"] == "retried"]) == 1


def test_what_nobody_took_is_due_again_at_the_next_start(embedded: Bus) -> None:
    served_elsewhere = NewSubscription(CONSUMERS[0], (FACT,), AgencySink("kominfo", "elsewhere"))
    subscription = embedded.subscriptions.add(served_elsewhere, OPERATOR)
    process = embedded.start()
    publish(embedded, ["untaken"])
    (leased,) = until(lambda: embedded.deliveries(subscription))
    assert process.stop() == 0
    embedded.start()
    until(lambda: embedded.deliveries(subscription)[0].next_attempt != leased.next_attempt)


@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_runs_of_a_killed_worker_go_to_another_though_the_broker_lost_them(
    database: str, broker: BrokerAddress, make_bus: MakeBus, receiver: Receiver
) -> None:
    bus, sink = make_bus(database, broker, **LONG), receiver.sink("worker-killed")
    subscription = bus.subscribe(sink)
    bus.start("api,relay")
    worker = bus.start("worker")
    sink.gate.clear()
    publish(bus, EVENTS)
    until(lambda: sink.begun and Leases(bus.storage).find_holders())
    worker.kill()
    delete_queues(broker)
    sink.gate.set()
    bus.start("worker")
    until_all_delivered(bus, subscription)
