"""Delivery to webhooks by one running process on the embedded default; what its subscribers do to it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bus.contracts.catalogue import Catalogue
from bus.contracts.document import parse_contract
from bus.delivery.deliveries import Deliveries
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import Subscription, SubscriptionState
from bus.disclosures import DisclosureLog, Wanted
from bus.journal import JournalReader, Persons
from tests import no_tls
from tests.an_actor import OPERATOR, an_actor
from tests.builders import WARGA, a_document, a_grant, a_person
from tests.services.agreements import CONSUMERS, PRODUCER, an_agreed_event
from tests.services.receiver import Arrival, Receiver, Sink, answers, takes
from tests.services.running import Bus, a_bus, post, post_batch
from tests.services.waiting import until


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """One bus for the module: each test has sinks and events of its own.

    The receiver shares this process with a hundred publishers. An answer that comes late must not make a second attempt.
    """
    patient = {"sink_timeout_seconds": "30", "lease_seconds": "60"}
    with a_bus(tmp_path_factory.mktemp("bus"), retry_attempts="3", **patient) as bus:
        bus.start()
        yield bus


def subscribed(bus: Bus, sink: Sink, **more: Any) -> Subscription:
    """A subscription to what comes from now on."""
    return bus.subscribe(sink, after=JournalReader(bus.storage).last_position(), **more)


def test_an_event_reaches_every_subscriber_signed(bus: Bus, receiver: Receiver) -> None:
    sinks = [receiver.sink(f"signed-{name}") for name in CONSUMERS]
    for name, sink in zip(CONSUMERS, sinks, strict=True):
        subscribed(bus, sink, participant=name)
    bus.publish(an_agreed_event("signed"))
    for sink in sinks:
        sink.waits_for("signed")
    assert [sink.forged for sink in sinks] == [0, 0, 0]


def test_a_hundred_publishers_of_one_id_at_once_get_one_position(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink("race")
    subscribed(bus, sink)
    with bus.client() as client, ThreadPoolExecutor(100) as publishers:
        receipts = list(publishers.map(lambda _: post(client, an_agreed_event("race")).json(), range(100)))
    sink.waits_for("race")
    assert len({receipt["position"] for receipt in receipts}) == 1
    assert sum(not receipt["duplicate"] for receipt in receipts) == 1
    assert sink.ids()["race"] == 1


def test_the_same_id_with_other_content_stores_nothing(bus: Bus) -> None:
    (first,) = bus.publish(an_agreed_event("conflict", nomor=1))
    with bus.client() as client:
        refused = post_batch(client, [an_agreed_event("beside"), an_agreed_event("conflict", nomor=2)])
    assert refused.status_code == 409
    assert JournalReader(bus.storage).last_position() == first


def test_retries_end_and_are_recorded(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink("dead", answers(500))
    subscription = subscribed(bus, sink)
    bus.publish(an_agreed_event("dead"))
    (dead,) = until(lambda: bus.deliveries(subscription, DeliveryState.DEAD))
    assert len(sink.arrivals) == 3
    assert [(failed.number, failed.status) for failed in dead.failures] == [(1, 500), (2, 500), (3, 500)]
    assert dead.next_attempt is None


def test_every_attempt_carries_the_same_message_id(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink("message-id", answers(500))
    subscription = subscribed(bus, sink)
    bus.publish(an_agreed_event("message-id"))
    until(lambda: bus.deliveries(subscription, DeliveryState.DEAD))
    assert len({arrival.message for arrival in sink.arrivals}) == 1


def test_a_dead_delivery_is_delivered_once_it_is_redriven(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink("redrive", answers(422))
    subscription = subscribed(bus, sink)
    bus.publish(an_agreed_event("redrive"))
    until(lambda: bus.deliveries(subscription, DeliveryState.DEAD))
    sink.answer = takes
    assert Deliveries(bus.storage).redrive(subscription, OPERATOR) == 1
    sink.waits_for("redrive")


def test_a_sink_that_says_when_is_not_asked_before(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink("retry-after")

    def busy_at_first(arrival: Arrival) -> Any:
        return answers(503, retry_after="2")(arrival) if len(sink.arrivals) == 1 else takes(arrival)

    sink.answer = busy_at_first
    subscribed(bus, sink)
    bus.publish(an_agreed_event("retry-after"))
    sink.waits_for("retry-after")
    first, second = sink.arrivals
    assert second.at - first.at >= 2


def test_a_paused_subscription_gets_what_it_missed_when_it_is_resumed(bus: Bus, receiver: Receiver) -> None:
    paused, other = receiver.sink("paused"), receiver.sink("not-paused")
    subscription = subscribed(bus, paused)
    subscribed(bus, other, participant=CONSUMERS[1])
    bus.subscriptions.set_state(subscription, SubscriptionState.PAUSED, OPERATOR)
    bus.publish(an_agreed_event("while-paused"))
    other.waits_for("while-paused")
    until(lambda: bus.deliveries(subscription, DeliveryState.PENDING))
    assert not paused.arrivals
    bus.subscriptions.set_state(subscription, SubscriptionState.ACTIVE, OPERATOR)
    paused.waits_for("while-paused")


def test_a_replay_delivers_again_from_its_position(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink("replay")
    subscription = subscribed(bus, sink)
    first, _, last = bus.publish(an_agreed_event("replay-1"), an_agreed_event("replay-2"), an_agreed_event("replay-3"))
    sink.waits_for("replay-1", "replay-2", "replay-3")
    until(lambda: len(bus.deliveries(subscription, DeliveryState.DELIVERED)) == 3)
    bus.subscriptions.replay(subscription, first, last, OPERATOR)
    until(lambda: sink.ids()["replay-3"] == 2)
    assert sink.ids() == {"replay-1": 1, "replay-2": 2, "replay-3": 2}


def test_a_rotated_secret_signs_beside_the_old_one(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink("rotation")
    subscription = subscribed(bus, sink)
    old = sink.secrets[0]
    new = bus.subscriptions.rotate_secret(subscription, OPERATOR)

    def signatures() -> int:
        bus.publish(an_agreed_event(f"rotation-{time.monotonic_ns()}"))
        return len(until(lambda: sink.taken)[-1].headers["webhook-signature"].split())

    until(lambda: signatures() == 2)
    arrivals = len(sink.taken)
    for known in (old, new):
        sink.secrets[:] = [known]
        bus.publish(an_agreed_event(f"rotation-{known}"))
        sink.waits_for(f"rotation-{known}")
    assert len(sink.taken) >= arrivals + 2
    assert sink.forged == 0


def test_a_hanging_sink_holds_up_nobody_else(bus: Bus, receiver: Receiver) -> None:
    hanging, failing, other = (receiver.sink(name) for name in ("hanging", "failing", "unharmed"))
    hanging.gate.clear()
    failing.answer = answers(503)
    for name, sink in zip(CONSUMERS, (hanging, failing, other), strict=True):
        subscribed(bus, sink, participant=name)
    ids = [f"hanging-{number}" for number in range(200)]
    with bus.client() as client:
        assert post_batch(client, [an_agreed_event(name) for name in ids]).status_code == 202
    other.waits_for(*ids, seconds=10)
    assert not hanging.taken
    assert not failing.taken
    hanging.gate.set()
    failing.answer = takes


def test_metrics_count_what_was_delivered(bus: Bus, receiver: Receiver) -> None:
    sink = receiver.sink("counted")
    subscribed(bus, sink)
    bus.publish(an_agreed_event("counted"))
    sink.waits_for("counted")
    text = until(lambda: _metrics(bus))
    assert 'bus_deliveries_total{outcome="delivered",sink="webhook"}' in text


def _metrics(bus: Bus) -> str:
    return no_tls.get(f"{bus.address}/metrics", timeout=10).text


def test_a_disclosure_names_the_operator_who_set_the_sink(bus: Bus, receiver: Receiver) -> None:
    personal = a_document(a_grant(CONSUMERS[0]), a_grant(CONSUMERS[1]), owner=PRODUCER, producers=[PRODUCER])
    Catalogue(bus.storage, bus.keys.pseudonym).registrar.apply([parse_contract(personal)], OPERATOR)
    sink, own_sink = receiver.sink("set-by-operator"), receiver.sink("set-by-participant")
    bus.subscribe(sink, WARGA, participant=CONSUMERS[0])
    bus.subscribe(own_sink, WARGA, participant=CONSUMERS[1], by=an_actor(CONSUMERS[1]))
    with bus.client() as client:
        event = an_agreed_event("set-by", WARGA) | {"data": a_person()}
        until(lambda: post(client, event).status_code == 202)
    log = DisclosureLog(bus.storage, Persons(bus.storage))
    told = [until(lambda name=name: log.search(Wanted(participant=name), None, 10)) for name in CONSUMERS[:2]]
    assert [found.disclosure.set_by for (found,) in told] == ["operator (user budi on bus-1)", None]
