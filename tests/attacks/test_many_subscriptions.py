"""Thousands of subscriptions: making one more costs what it cost at first, and the bus stops within its bound."""

import time
from statistics import median
from typing import Final

from bus.delivery.subscription import NewSubscription, Webhook
from bus.delivery.subscriptions import Subscriptions
from tests.an_actor import OPERATOR
from tests.services.agreements import CONSUMERS, FACT, an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.running import Bus
from tests.services.waiting import until

_MANY: Final = 1000
_DRAIN_SECONDS: Final = 1


def _order(number: int) -> NewSubscription:
    # Nobody listens there.
    return NewSubscription(CONSUMERS[0], [FACT], Webhook(f"http://127.0.0.1:19999/{number}"))


def _seconds_to_add(subscriptions: Subscriptions, count: int) -> float:
    """The median of some additions, in processor time: the disk is the same for the first and the last."""
    took: list[float] = []
    for number in range(count):
        begun = time.thread_time()
        subscriptions.add(_order(number), OPERATOR)
        took.append(time.thread_time() - begun)
    return median(took)


def _add_many(bus: Bus) -> tuple[float, float]:
    subscriptions = Subscriptions(bus.storage, bus.keys)
    first = _seconds_to_add(subscriptions, 20)
    for number in range(20, _MANY - 20):
        subscriptions.add(_order(number), OPERATOR)
    return first, _seconds_to_add(subscriptions, 20)


def test_the_thousandth_subscription_costs_what_the_first_ones_do_and_the_bus_stops_in_time(
    make_bus: MakeBus,
) -> None:
    bus = make_bus(drain_seconds=str(_DRAIN_SECONDS))
    first, last = _add_many(bus)
    assert last < 4 * first
    process = bus.start()
    positions = bus.publish(*(an_agreed_event(str(number)) for number in range(10)))
    until(lambda: any(one.attempts for one in bus.deliveries(bus.subscriptions.all()[0])), 60)
    assert len(positions) == 10
    assert process.stop(30) == 0
