"""Attempts: what came of each try at a delivery, and how that is written.

Unless it is a success, a result counts only under the delivery's own lease.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from bus.delivery import statements
from bus.delivery.answer import write_answer
from bus.delivery.results import Note, Result
from bus.delivery.state import DeliveryState
from bus.delivery.tables import ATTEMPTS
from bus.storage import Parameters, Transaction


class Attempt(NamedTuple):
    """The result of one attempt.

    Attributes:
        lease: the delivery's `due_at` at the attempt. Unless it is a success, the result counts only under this lease.
        due_at: when to try again; None: the delivery is over.
        failure: the class of the failure; None: the event was delivered.
        detail: a text for the subscriber, which holds nothing of the event.
        answer: the beginning of what the sink answered to an attempt that failed. It may hold personal data.
    """

    subscription: int
    position: int
    key: int | None
    lease: int
    number: int
    state: DeliveryState
    due_at: int | None
    at: int
    failure: str | None
    status: int | None
    detail: str
    duration_ms: int
    answer: bytes = b""

    @property
    def was_made(self) -> bool:
        """Whether the sink was asked, or was refused for good. Otherwise the delivery was put back, or given up, untried."""
        return self.failure is not None or self.state is DeliveryState.DELIVERED


def write_attempts(
    transaction: Transaction, attempts: Sequence[Attempt], seal: Callable[[str], str] | None
) -> list[Note]:
    """Write the results of attempts, in the caller's transaction. Returns the changes of state, to be noted.

    Args:
        seal: encrypts what sinks answered; None: no attempt has an answer.
    """
    successes = [
        _record_success(transaction, group, positions) for group, positions in _group_successes(attempts).items()
    ]
    failures = [
        _record_failure(transaction, attempt, seal)
        for attempt in attempts
        if attempt.state is not DeliveryState.DELIVERED
    ]
    return successes + failures


def _record_success(transaction: Transaction, group: "_Success", positions: Sequence[int]) -> Note:
    """Write that deliveries succeeded. Returns those that had not succeeded before."""
    wanted = transaction.numbers(positions)
    changed = transaction.execute(statements.DELIVERED, {**group._asdict(), "wanted": wanted})
    if changed < len(positions):
        # Some were delivered before, or are gone: they count once.
        asked = {"subscription": group.subscription, "at": group.at, "wanted": wanted}
        positions = [row[0] for row in transaction.rows(statements.DELIVERED_AT, asked)]
    return Note(group.subscription, Result.DELIVERED, group.at, positions)


def _record_failure(transaction: Transaction, attempt: Attempt, seal: Callable[[str], str] | None) -> Note:
    """Write what else came of an attempt. Returns the delivery if it failed or was given up."""
    written: Parameters = {
        "subscription": attempt.subscription,
        "position": attempt.position,
        "lease": attempt.lease,
        "state": attempt.state.value,
        "number": attempt.number,
        "due": attempt.due_at or 0,
        "status": attempt.status,
        "at": attempt.at if attempt.due_at is None else None,
    }
    changed = transaction.execute(statements.FAILED, written)
    if changed and attempt.failure is not None:
        _add_attempt(transaction, attempt, seal)
    is_dead = attempt.state is DeliveryState.DEAD
    positions = [attempt.position] if changed and (is_dead or attempt.failure is not None) else []
    return Note(attempt.subscription, Result.DEAD if is_dead else Result.FAILED, attempt.at, positions)


def _add_attempt(transaction: Transaction, attempt: Attempt, seal: Callable[[str], str] | None) -> None:
    row = {
        "subscription": attempt.subscription,
        "position": attempt.position,
        "at": attempt.at,
        "failure": attempt.failure,
        "status": attempt.status,
        "detail": attempt.detail[:500],
        "duration_ms": attempt.duration_ms,
        "answer": seal(write_answer(attempt.answer)) if seal and attempt.answer else None,
    }
    # After a redrive the delivery's count begins anew, but its old rows stay.
    number = sa.select(sa.func.coalesce(sa.func.max(ATTEMPTS.c.number), 0) + 1).where(
        ATTEMPTS.c.subscription == attempt.subscription, ATTEMPTS.c.position == attempt.position
    )
    transaction.execute(sa.insert(ATTEMPTS).values(number=number.scalar_subquery(), **row))


class _Success(NamedTuple):
    """The values that are written for a group of successes."""

    subscription: int
    status: int | None
    at: int
    number: int


def _group_successes(attempts: Sequence[Attempt]) -> dict[_Success, list[int]]:
    """The successes, grouped by the values that are written for them."""
    groups: dict[_Success, list[int]] = {}
    at = max(attempt.at for attempt in attempts)
    for attempt in attempts:
        if attempt.state is DeliveryState.DELIVERED:
            group = _Success(attempt.subscription, attempt.status, at, attempt.number)
            groups.setdefault(group, []).append(attempt.position)
    return groups
