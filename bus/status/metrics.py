"""Metrics of subscriptions and of the relay, read from the database when somebody asks. So each process gives the right ones."""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bus import clock
from bus.status.agency import AgencyState
from bus.status.reader import StatusReader
from bus.status.state import SubscriberState

_LABELS: Final = ("participant", "subscription")
"""Bounded: a participant has no more subscriptions than its limits allow, and one that is deleted is not told any more."""


class _Gauges(Collector):
    """The gauges of the whole bus at one moment."""

    def __init__(self, subscribers: Sequence[SubscriberState], lag: int, agencies: Sequence[AgencyState]) -> None:
        self._subscribers = subscribers
        self._agencies = agencies
        self._lag = lag

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges. Those of subscriptions have a value for each."""
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
        yield from self._collect_agencies()
        # No process keeps this one: it must grow above all if no relay runs.
        behind = "Events in the journal that the relay has not fanned out yet"
        yield GaugeMetricFamily("bus_relay_lag_events", behind, value=self._lag)

    def _collect_agencies(self) -> Iterator[GaugeMetricFamily]:
        """The gauges of agencies. What is left of quotas and the circuits of questions are metrics of the processes."""
        paused = GaugeMetricFamily("bus_agency_paused", "1: the operator paused the agency", labels=["agency"])
        circuit = GaugeMetricFamily(
            "bus_agency_delivery_circuit_open", "1: a delivery to the agency is left in peace", labels=["agency"]
        )
        success = GaugeMetricFamily(
            "bus_agency_last_success_timestamp_seconds",
            "The newest poll or delivery that ended well",
            labels=["agency"],
        )
        failing = GaugeMetricFamily(
            "bus_poll_failures_in_a_row",
            "Failures of a poll since it last ended well",
            labels=["adapter", "operation"],
        )
        for one in self._agencies:
            for report in one.polls:
                in_a_row = report.failure.in_a_row if report.failure is not None and report.failure.is_troubled else 0
                failing.add_metric((report.poll.adapter, report.poll.operation), in_a_row)
            named = (one.known.name,)
            paused.add_metric(named, float(one.pause is not None))
            circuit.add_metric(named, float(one.is_delivery_open))
            if one.last_success is not None:
                success.add_metric(named, one.last_success.timestamp())
        yield from (paused, circuit, success, failing)


def write_metrics(reader: StatusReader) -> bytes:
    """The gauges of the whole bus, as Prometheus reads them."""
    registry = CollectorRegistry()
    subscribers = reader.read_subscribers()
    registry.register(_Gauges(subscribers, reader.read_lag().events, reader.read_agencies(subscribers)))
    return generate_latest(registry)


def _make(name: str, help: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, labels=_LABELS)
