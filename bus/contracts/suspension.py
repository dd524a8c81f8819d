"""Suspensions: a participant's grant in a contract shows nothing, in any version, until somebody lifts the suspension.

Promise: from the commit on, no process that knows of the suspension hands out data under the grant. Each process knows of it
within a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Object, Verb, make_printable, note
from bus.contracts.errors import GrantSuspended, NoSuchGrant, NotOperator, NotSuspended, ReasonInvalid
from bus.contracts.tables import CONTRACTS, SUSPENSIONS
from bus.problem import FieldError
from bus.storage import Transaction

LONGEST_REASON: Final = 500
"""Characters of a reason."""


class Waiting(StrEnum):
    """What becomes of deliveries that wait while their grant is suspended."""

    KEEP = "keep"
    """They wait, and events that come meanwhile wait too. They go when the suspension is lifted."""
    DROP = "drop"
    """They are discarded, and events that come meanwhile make none."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """The suspension of one participant's grant in one contract.

    Attributes:
        by: the participant that suspended the grant.
        is_operators: the operator suspended the grant, so the operator alone may lift the suspension.
    """

    contract: str
    participant: str
    reason: str
    waiting: Waiting
    since: datetime
    by: str
    is_operators: bool

    def refuse(self) -> GrantSuspended:
        """The refusal of data under the grant. It carries the suspension."""
        since = clock.rfc3339(self.since)
        return GrantSuspended(
            f"{self.by} suspended the grant of {self.participant} in {self.contract} at {since}: {self.reason}",
            keeps_waiting=self.waiting is Waiting.KEEP,
        )


Suspensions = Mapping[tuple[str, str], Suspension]
"""Suspensions by contract and participant."""


def read_suspensions(transaction: Transaction) -> dict[tuple[str, str], Suspension]:
    """All suspensions in force. They are few: somebody made each of them by hand."""
    statement = sa.select(CONTRACTS.c.name, SUSPENSIONS).join(CONTRACTS, CONTRACTS.c.id == SUSPENSIONS.c.contract_id)
    return {
        (row.name, row.participant): Suspension(
            contract=row.name,
            participant=row.participant,
            reason=row.reason,
            waiting=Waiting(row.waiting),
            since=clock.moment(row.at),
            by=row.by,
            is_operators=row.is_operators,
        )
        for row in transaction.rows(statement)
    }


class GrantPlace(NamedTuple):
    """Where a grant is: the contract by its number and name, the contract's owner, and the consumer."""

    contract_id: int
    name: str
    owner: str
    participant: str


def suspend(
    transaction: Transaction, place: GrantPlace, reason: str, waiting: Waiting, actor: Actor, deliveries: int
) -> None:
    """Suspend a grant, or give its suspension another reason. The caller holds the contract's lock.

    Args:
        deliveries: how many deliveries wait under the grant, for the action log.

    Raises:
        ReasonInvalid: the reason is empty, longer than 500 characters, or has control characters.
        NotOperator: the operator suspended the grant before.
    """
    written = _read_reason(reason)
    before = read_suspensions(transaction).get((place.name, place.participant))
    _check_lifter(before, actor)
    _delete(transaction, place)
    transaction.execute(
        sa.insert(SUSPENSIONS).values(
            contract_id=place.contract_id,
            participant=place.participant,
            reason=written,
            waiting=waiting.value,
            at=clock.micros(clock.now()),
            by=actor.participant,
            is_operators=actor.is_operator,
        )
    )
    after = {"state": "suspended", "reason": written, "waiting": waiting.value}
    note(transaction, _make_act(Verb.GRANT_SUSPEND, place, actor, before, after, {"deliveries": deliveries}))


def resume(transaction: Transaction, place: GrantPlace, actor: Actor) -> None:
    """Lift a suspension. The caller holds the contract's lock.

    Raises:
        NotSuspended: the grant is not suspended.
        NotOperator: the operator suspended the grant.
    """
    before = read_suspensions(transaction).get((place.name, place.participant))
    if before is None:
        raise NotSuspended(f"The grant of {place.participant} in {place.name} is not suspended.")
    _check_lifter(before, actor)
    _delete(transaction, place)
    note(transaction, _make_act(Verb.GRANT_RESUME, place, actor, before, {"state": "granted"}))


def _delete(transaction: Transaction, place: GrantPlace) -> None:
    its = (SUSPENSIONS.c.contract_id == place.contract_id, SUSPENSIONS.c.participant == place.participant)
    transaction.execute(sa.delete(SUSPENSIONS).where(*its))


def refuse_unknown(name: str, participant: str) -> NoSuchGrant:
    """The refusal to suspend a grant that no version in force has."""
    return NoSuchGrant(f"No version of {name} in force has a grant of {participant}.")


def _check_lifter(present: Suspension | None, actor: Actor) -> None:
    if present is not None and present.is_operators and not actor.is_operator:
        raise NotOperator("The operator suspended this grant, and the operator alone changes or lifts the suspension.")


def _read_reason(reason: str) -> str:
    """The reason without numbers of persons: it is shown in refusals and in the action log."""
    text = reason.strip()
    if not text or len(text) > LONGEST_REASON or not text.isprintable():
        detail = f"must be one line of 1 to {LONGEST_REASON} printable characters"
        raise ReasonInvalid("Say why the grant is suspended.", errors=[FieldError("/reason", detail)])
    return make_printable(text)


def _make_act(
    what: Verb,
    place: GrantPlace,
    actor: Actor,
    before: Suspension | None,
    after: Mapping[str, str],
    details: Mapping[str, int] | None = None,
) -> Action:
    was = {"state": "granted"} if before is None else {"state": "suspended", "reason": before.reason}
    grant = Object("grant", f"{place.name}/{place.participant}")
    return Action(what, actor, grant, place.owner, was, after, details)
