"""Metrics of subscriptions, read from the database when somebody asks for them: so they are right whichever process answers."""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bus import clock
from bus.status.reader import StatusReader
from bus.status.state import SubscriberState

_LABELS: Final = ("participant", "subscription")
"""Bounded: a participant has no more subscriptions than its limits allow, and one that is deleted is not told any more."""


class _Gauges(Collector):
    """The gauges of some subscriptions at one moment."""

    def __init__(self, subscribers: Sequence[SubscriberState]) -> None:
        self._subscribers = subscribers

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, each with a value for each subscription."""
        now = clock.now()
        pending = _make("bus_subscription_pending", "Deliveries that wait, counted up to 10000")
        dead = _make("bus_subscription_dead", "Deliveries that were given up, counted up to 10000")
        oldest = _make("bus_subscription_oldest_seconds", "For how long the oldest event waits")
        circuit = _make("bus_subscription_circuit_open", "1: the sink is left in peace, since it fails")
        for one in self._subscribers:
            named = (one.subscription.participant, one.subscription.id)
            waits = 0.0 if one.waiting_since is None else (now - one.waiting_since).total_seconds()
            pending.add_metric(named, one.pending)
            dead.add_metric(named, one.dead)
            oldest.add_metric(named, max(0.0, waits))
            circuit.add_metric(named, float(one.health.circuit_since is not None))
        yield from (pending, dead, oldest, circuit)


def write_metrics(reader: StatusReader) -> bytes:
    """The gauges of all subscriptions, as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Gauges(reader.read_subscribers()))
    return generate_latest(registry)


def _make(name: str, help: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, labels=_LABELS)
