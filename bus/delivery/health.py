"""The health of subscriptions: a sink's last success, its last failure with the reason, and whether its circuit is open.

A subscription has one row. The transaction that writes outcomes writes it, so that nobody has to count deliveries or attempts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Protocol

from bus import clock
from bus.delivery.circuit import State
from bus.storage import Insertion, Transaction

_DETAIL: Final = 500


@dataclass(frozen=True, slots=True)
class CircuitReport:
    """The circuit of a subscription's sink, as the worker that wrote last knows it.

    Attributes:
        until: if it is not closed, the moment from which on a delivery may be tried, in microseconds.
    """

    is_closed: bool
    until: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """How the sink of a subscription does.

    Attributes:
        delivered: how many events the sink took, those of replays too.
        succeeded_at: when the sink last took an event.
        failed_at: when an attempt last failed; `failure`, `status` and `detail` say how.
        failing_since: the first failure since the sink last took an event; None: no attempt failed since.
        circuit_since: when the circuit opened; None: it is closed.
        circuit_until: when the next delivery may be tried, if the circuit is open.
    """

    delivered: int = 0
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    failing_since: datetime | None = None
    failure: str | None = None
    status: int | None = None
    detail: str | None = None
    circuit_since: datetime | None = None
    circuit_until: datetime | None = None


class HealthAttempt(Protocol):
    """What health needs of an attempt. `bus.delivery.ledger.Attempt` has it."""

    @property
    def subscription(self) -> int:
        """The subscription's number."""
        ...

    @property
    def at(self) -> int:
        """When the attempt ended, in microseconds."""
        ...

    @property
    def failure(self) -> str | None:
        """The class of the failure; None: the sink took the event."""
        ...

    @property
    def status(self) -> int | None:
        """The HTTP status of the answer."""
        ...

    @property
    def detail(self) -> str:
        """A text that holds nothing of the event."""
        ...


_INSERTED: Final = (
    "INSERT INTO subscription_health (subscription, delivered, succeeded_at, failed_at, failing_since, failure, status, "
    "detail, circuit, circuit_since, circuit_until) "
)
_MERGED: Final = """ON CONFLICT (subscription) DO UPDATE SET
    delivered=subscription_health.delivered+excluded.delivered,
    succeeded_at=coalesce(excluded.succeeded_at, subscription_health.succeeded_at),
    failed_at=coalesce(excluded.failed_at, subscription_health.failed_at),
    failing_since=CASE WHEN excluded.succeeded_at IS NULL
    THEN coalesce(subscription_health.failing_since, excluded.failing_since) ELSE excluded.failing_since END,
    failure=coalesce(excluded.failure, subscription_health.failure),
    status=CASE WHEN excluded.failure IS NULL THEN subscription_health.status ELSE excluded.status END,
    detail=coalesce(excluded.detail, subscription_health.detail),
    circuit=coalesce(excluded.circuit, subscription_health.circuit),
    circuit_since=CASE WHEN excluded.circuit IS NULL OR excluded.circuit=subscription_health.circuit
    THEN subscription_health.circuit_since ELSE excluded.circuit_since END,
    circuit_until=CASE WHEN excluded.circuit IS NULL
    THEN subscription_health.circuit_until ELSE excluded.circuit_until END"""
_MERGE: Final = Insertion(
    sqlite=f"{_INSERTED} VALUES {{rows}} {_MERGED}",
    row="(?,?,?,?,?,?,?,?,?,?,?)",
    postgres=f"{_INSERTED} SELECT * FROM unnest(CAST(? AS int[]), CAST(? AS bigint[]), CAST(? AS bigint[]), "  # noqa: S608
    "CAST(? AS bigint[]), CAST(? AS bigint[]), CAST(? AS text[]), CAST(? AS int[]), CAST(? AS text[]), CAST(? AS text[]), "
    f"CAST(? AS bigint[]), CAST(? AS bigint[])) AS told {_MERGED}",
)


def write_health(
    transaction: Transaction, tried: Iterable[HealthAttempt], circuits: Mapping[int, CircuitReport]
) -> None:
    """Write what attempts say of their sinks. Call it at the end of a transaction.

    Every transaction locks these rows last, and in the order of their subscriptions. So no two can deadlock.

    Args:
        tried: attempts that succeeded or failed. Attempts of what was not tried say nothing.
        circuits: by subscription. A subscription that is left out keeps its circuit.
    """
    ordered = sorted(tried, key=attrgetter("subscription", "at"))
    groups = {number: list(group) for number, group in groupby(ordered, attrgetter("subscription"))}
    now = clock.now_micros()
    rows = [
        (number, *_sum_up(groups.get(number, ())), *_write_circuit(circuits.get(number), now))
        for number in sorted({*groups, *circuits})
    ]
    if rows:
        transaction.insert(_MERGE, rows)


def _sum_up(
    tried: Sequence[HealthAttempt],
) -> tuple[int, int | None, int | None, int | None, str | None, int | None, str | None]:
    """The columns from `delivered` to `detail`, of one subscription's attempts in the order of time."""
    taken = [one.at for one in tried if one.failure is None]
    failed = [one for one in tried if one.failure is not None]
    succeeded_at = taken[-1] if taken else None
    if not failed:
        return len(taken), succeeded_at, None, None, None, None, None
    since = next((one.at for one in failed if succeeded_at is None or one.at > succeeded_at), None)
    last = failed[-1]
    return len(taken), succeeded_at, last.at, since, last.failure, last.status, last.detail[:_DETAIL]


def _write_circuit(report: CircuitReport | None, now: int) -> tuple[str | None, int | None, int | None]:
    if report is None:
        return None, None, None
    return (State.CLOSED.value, None, None) if report.is_closed else (State.OPEN.value, now, report.until)


def make_health(row: Sequence[Any]) -> Health:
    """The health in a row's columns, from `delivered` on."""
    delivered, succeeded_at, failed_at, failing_since, failure, status, detail, circuit_since, circuit_until = row
    return Health(
        delivered=delivered,
        succeeded_at=_read_moment(succeeded_at),
        failed_at=_read_moment(failed_at),
        failing_since=_read_moment(failing_since),
        failure=failure,
        status=status,
        detail=detail,
        circuit_since=_read_moment(circuit_since),
        circuit_until=_read_moment(circuit_until),
    )


def _read_moment(micros: int | None) -> datetime | None:
    return None if micros is None else clock.moment(micros)
