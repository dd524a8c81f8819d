"""Sinks that refuse some events, or all: what is refused holds up itself alone, on every handover and after a restart."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from aiohttp import web

from bus.actions import ActionLog, Verb, Wanted
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import Subscription, SubscriptionState
from bus.journal import JournalReader
from tests.an_actor import OPERATOR
from tests.services.agreements import RECORD, an_agreed_event
from tests.services.receiver import Answer, Arrival, Receiver, Sink, answers, takes
from tests.services.running import ALL_ROLES, Bus, a_bus, post_batch
from tests.services.servers import a_scratch_broker, a_scratch_database
from tests.services.waiting import until

USUAL = {
    "retry_first_seconds": "5",
    "retry_longest_seconds": "7200",
    "lease_seconds": "60",
    "sink_timeout_seconds": "15",
    "sink_concurrency": "1",
}
"""As an operator runs it, but for one request at a time: what is behind ten refusals waits for all of them."""
ROLES = {"embedded": [ALL_ROLES], "broker": ["api,relay", "worker,adapters", "worker,adapters"]}


@pytest.fixture(params=ROLES, scope="module")
def bus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A bus that runs in one process on SQLite, or in three with PostgreSQL and RabbitMQ; each test has its own sinks."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("bus")
        if request.param == "embedded":
            made = stack.enter_context(a_bus(folder, "", None, **USUAL))
        else:
            database, broker = stack.enter_context(a_scratch_database()), stack.enter_context(a_scratch_broker())
            made = stack.enter_context(a_bus(folder, database, broker, **USUAL))
        for roles in ROLES[request.param]:
            made.start(roles)
        yield made


def refuses_bad(status: int) -> Answer:
    """Refuses events whose id says so, and takes all others."""

    def answer(arrival: Arrival) -> web.Response:
        return (answers(status) if arrival.event["id"].startswith("bad") else takes)(arrival)

    return answer


def subscribed(bus: Bus, sink: Sink, *contracts: str) -> Subscription:
    """A subscription to what comes from now on."""
    return bus.subscribe(sink, *contracts, after=JournalReader(bus.storage).last_position())


def publish(bus: Bus, *ids: str) -> None:
    """Publish in one batch."""
    with bus.client() as client:
        assert post_batch(client, [an_agreed_event(one) for one in ids]).status_code == 202


def named(test: str, *kinds: str, number: int = 10) -> list[str]:
    """Ids of events: `bad-dozens-7`."""
    return [f"{kind}-{test}-{one}" for kind in kinds for one in range(number)]


def restart(bus: Bus) -> None:
    """Kill every process, and start the same again."""
    roles = [process.log.stem.replace("-", ",") for process in bus.processes]
    for process in bus.processes:
        process.kill()
    bus.processes.clear()
    for one in roles:
        bus.start(one)


@pytest.mark.parametrize("status", [403, 404])
def test_ten_refused_events_kept_good_ones_of_the_same_batch_waiting(bus: Bus, receiver: Receiver, status: int) -> None:
    sink = receiver.sink(f"batch-{status}-{bus.port}", refuses_bad(status))
    subscription = subscribed(bus, sink)
    good = named(f"batch-{status}", "good")
    publish(bus, *named(f"batch-{status}", "bad"), *good)
    sink.waits_for(*good, seconds=10)
    until(lambda: len(bus.deliveries(subscription, DeliveryState.DELIVERED)) == len(good))
    assert len(bus.deliveries(subscription, DeliveryState.PENDING)) == 10


def test_ten_refused_events_kept_later_ones_waiting_also_after_a_restart(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink(f"later-{bus.port}", refuses_bad(404))
    subscribed(bus, sink)
    bad, (first, *good) = named("later", "bad"), named("later", "good", number=4)
    for one in bad:
        publish(bus, one)
    until(lambda: {arrival.event["id"] for arrival in sink.arrivals} == set(bad))
    publish(bus, first)
    sink.waits_for(first, seconds=10)
    restart(bus)
    for one in good:
        publish(bus, one)
        sink.waits_for(one, seconds=10)


def test_a_good_event_passes_dozens_that_are_refused(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink(f"dozens-{bus.port}", refuses_bad(403))
    subscribed(bus, sink)
    good = named("dozens", "good", number=1)
    publish(bus, *named("dozens", "bad", number=45), *good)
    sink.waits_for(*good, seconds=30)


def test_a_refused_event_holds_up_its_own_key_alone(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink(f"keys-{bus.port}", refuses_bad(404))
    subscribed(bus, sink, RECORD)
    events = [("bad-key", "a"), ("behind-key", "a"), ("other-key", "b")]
    bus.publish(*[an_agreed_event(one, RECORD, kunci=key) for one, key in events])
    sink.waits_for("other-key", seconds=10)
    assert "behind-key" not in sink.ids()
    sink.answer = takes
    sink.waits_for("bad-key", "behind-key")
    assert [one.event["id"] for one in sink.taken if one.event["id"] != "other-key"] == ["bad-key", "behind-key"]


def test_a_sink_that_refused_everything_gets_all_of_it_when_it_is_mended(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink(f"mended-{bus.port}", answers(404))
    subscribed(bus, sink)
    events = named("mended", "all", number=40)
    publish(bus, *events)
    until(lambda: len(sink.arrivals) >= 30)
    sink.answer = takes
    sink.waits_for(*events)


def test_a_webhook_that_answers_410_was_sent_to_for_ever(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink(f"gone-{bus.port}", answers(410))
    subscription = subscribed(bus, sink)
    publish(bus, "before-gone")
    until(lambda: bus.subscriptions.get(subscription.id, None).state is SubscriptionState.DISABLED)
    arrived = len(sink.arrivals)
    publish(bus, "while-disabled")
    until(lambda: len(bus.deliveries(subscription, DeliveryState.PENDING)) == 2)
    assert len(sink.arrivals) == arrived
    (found,) = ActionLog(bus.storage).search(Wanted(what=Verb.SUBSCRIPTION_DISABLE), None, 10, OPERATOR)
    assert (found.action.by.channel.value, found.action.on.id) == ("process", subscription.id)
    assert any("subscription.disabled" in process.log.read_text() for process in bus.processes)
    sink.answer = takes
    bus.subscriptions.set_state(bus.subscriptions.get(subscription.id, None), SubscriptionState.ACTIVE, OPERATOR)
    sink.waits_for("before-gone", "while-disabled")


def test_what_a_sink_that_is_down_answered_is_seen_while_the_run_waits_for_it(bus: Bus, receiver: Receiver) -> None:
    """A run may wait for its sink for most of a lease, which takes a minute here."""
    subscription = subscribed(bus, receiver.sink("down-at-first", answers(503)))
    publish(bus, *(f"down-at-first-{number}" for number in range(20)))
    until(lambda: any(one.failures for one in bus.deliveries(subscription)), 25)
    bus.subscriptions.delete(subscription, OPERATOR)
