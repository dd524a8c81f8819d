"""Outcomes: decide what becomes of a delivery after an attempt (without I/O), and write that in batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import structlog

from bus import clock
from bus.delivery.attempts import Attempt
from bus.delivery.health import CircuitReport
from bus.delivery.ledger import Lease, LeasedDelivery, Ledger
from bus.delivery.ordering import HELD, PARKED
from bus.delivery.retry import RetryPolicy, plan_next_attempt
from bus.delivery.state import DeliveryState
from bus.disclosures import Disclosure, DisclosureLog, Noted
from bus.kit import Outcome
from bus.problem import Unavailable
from bus.storage import Storage

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """The attempts of a run, announced disclosures that were not sent, and the sink's circuit by the subscription."""

    attempts: Sequence[Attempt]
    unsent: Sequence[Noted] = ()
    circuits: Mapping[int, CircuitReport] = field(default_factory=dict)


class OutcomeWriter:
    """Writes the disclosures and outcomes of many runs in one transaction.

    Synchronous: the threads of group commits call it.
    """

    def __init__(self, storage: Storage, ledger: Ledger, disclosures: DisclosureLog) -> None:
        self._storage = storage
        self._ledger = ledger
        self._disclosures = disclosures

    def announce(self, runs: Sequence[Sequence[Disclosure]]) -> Sequence[Sequence[Noted]]:
        """Write what runs are about to disclose. It is on disk when this returns."""
        return self._disclosures.announce(runs)

    def write(self, batches: Sequence[Batch]) -> Sequence[bool]:
        """Write batches. A power failure may undo the last ones; their deliveries are then made again.

        Returns for each batch whether something became due.
        """
        attempts = [attempt for batch in batches for attempt in batch.attempts]
        circuits = {number: circuit for batch in batches for number, circuit in batch.circuits.items()}
        with self._storage.write(durable=False) as transaction:
            is_due = bool(attempts) and self._ledger.record(transaction, attempts, circuits)
            self._disclosures.withdraw(transaction, [noted for batch in batches for noted in batch.unsent])
        return [is_due] * len(batches)

    def give_back(self, leases: Sequence[Lease]) -> None:
        """Make the owed deliveries of abandoned runs due at once.

        If the database does not answer, they are due when their leases end.
        """
        if not leases:
            return
        try:
            self._ledger.release(leases, clock.micros(clock.now()))
        except Unavailable:
            log.warning("outcomes.runs_not_given_back", runs=len(leases))


def judge_attempt(
    subscription: int, leased: LeasedDelivery, outcome: Outcome, duration: float, policy: RetryPolicy, random: Random
) -> Attempt:
    """The result of an attempt for its delivery: delivered, to be tried again, or dead.

    Args:
        duration: seconds that the attempt took.
    """
    number = leased.attempts + 1
    now = clock.now_micros()
    if outcome.failure is None:
        return Attempt(
            subscription, leased.position, leased.key, leased.lease, number, DeliveryState.DELIVERED, None, now, None,
            outcome.status, "", int(duration * 1000),
        )  # fmt: skip
    wait = plan_next_attempt(outcome, number, policy, random)
    return Attempt(
        subscription=subscription,
        position=leased.position,
        key=leased.key,
        lease=leased.lease,
        number=number,
        state=DeliveryState.DEAD if wait is None else DeliveryState.PENDING,
        due_at=None if wait is None else now + int(wait * 1_000_000),
        at=now,
        failure=outcome.failure.value,
        status=outcome.status,
        detail=outcome.detail,
        duration_ms=int(duration * 1000),
        answer=outcome.answer,
    )


def park(subscription: int, leased: LeasedDelivery) -> Attempt:
    """The result for an untried delivery behind an earlier one of its key that failed: it waits."""
    return _make_untried(subscription, leased, DeliveryState.PENDING, PARKED)


def release(subscription: int, leased: LeasedDelivery) -> Attempt:
    """The result for a delivery that was not tried within its lease: it is due again."""
    return _make_untried(subscription, leased, DeliveryState.PENDING, clock.now_micros())


def put_off(subscription: int, leased: LeasedDelivery, seconds: float) -> Attempt:
    """A delivery that was not tried, since the sink's circuit waits for the answer to another one."""
    due_at = clock.now_micros() + int(seconds * 1_000_000)
    return _make_untried(subscription, leased, DeliveryState.PENDING, due_at)


def hold(subscription: int, leased: LeasedDelivery) -> Attempt:
    """The result for a delivery whose grant is suspended: it waits for the end of the suspension."""
    return _make_untried(subscription, leased, DeliveryState.PENDING, HELD)


def skip(subscription: int, leased: LeasedDelivery) -> Attempt:
    """The result for a delivery that is given up: its view shows nothing, or its suspended grant keeps nothing waiting."""
    return _make_untried(subscription, leased, DeliveryState.DISCARDED, None)


def _make_untried(subscription: int, leased: LeasedDelivery, state: DeliveryState, due_at: int | None) -> Attempt:
    now = clock.now_micros()
    return Attempt(
        subscription, leased.position, leased.key, leased.lease, leased.attempts, state, due_at, now, None, None, "", 0
    )
