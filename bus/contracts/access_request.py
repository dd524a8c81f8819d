"""Requests for access: a participant asks a contract's owner for a grant. No request shows any data.

An accepted request becomes a grant in a draft of the contract. The grant holds once that draft is activated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from bus import clock, json
from bus.actions import Action, Actor, Object, Verb, make_printable, note
from bus.contracts.document import Contract
from bus.contracts.errors import (
    AccessDecided,
    AccessInvalid,
    AccessRequestOfAnother,
    NoSuchAccessRequest,
    NoSuchContract,
    NotAsker,
)
from bus.contracts.ownership import find_owner
from bus.contracts.schemas import has_property
from bus.contracts.tables import ACCESS_REQUESTS, CONTRACTS
from bus.ids import new_id
from bus.problem import FieldError
from bus.storage import Transaction

LONGEST_PURPOSE: Final = 300
LONGEST_BASIS: Final = 130
LONGEST_AGREEMENT: Final = 60
"""Characters of the texts of a wish. A contract document takes as many: basis and agreement together are its legal basis."""
_LONGEST_REASON: Final = 500
_LONGEST: Final = {"/purpose": LONGEST_PURPOSE, "/legal_basis": LONGEST_BASIS, "/agreement": LONGEST_AGREEMENT}
MOST_FIELDS: Final = 200
KIND: Final = "access-request"
"""The kind of object in the action log."""


class AccessState(StrEnum):
    """The state of a request for access."""

    ASKED = "asked"
    """The request waits for the owner."""
    ACCEPTED = "accepted"
    """A draft of the contract has the grant."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """The asker took the request back."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a participant asks for.

    Attributes:
        legal_basis: the law that the asker refers to.
        agreement: the number of the cooperation agreement (PKS).
        fields: JSON Pointers, as in a grant; None: everything.
        until: the last day, in Lamongan's calendar.
    """

    contract: str
    participant: str
    purpose: str
    legal_basis: str
    agreement: str
    fields: tuple[str, ...] | None
    until: date

    def make_grant(self) -> dict[str, Any]:
        """The wish as a consumer of a contract document."""
        basis = f"{self.legal_basis}; {self.agreement}"
        grant = {"participant": self.participant, "purpose": self.purpose, "legal_basis": basis}
        fields = {} if self.fields is None else {"fields": list(self.fields)}
        return grant | {"until": self.until.isoformat()} | fields


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One request for access.

    Attributes:
        number: orders the requests; a later request has a larger number.
        owner: the participant that owns the contract now, and decides.
        by: the asker's client, as in histories.
        decided_at: when the request was accepted, refused or withdrawn; None: it waits.
        decided_by: the participant that did so.
        reason: why the request was refused; empty otherwise.
        version: the draft that has the grant; None: the request is not accepted.
    """

    number: int
    id: str
    wish: Wish
    owner: str
    state: AccessState
    asked_at: datetime
    by: str
    decided_at: datetime | None
    decided_by: str | None
    reason: str
    version: str | None


def ask(transaction: Transaction, wish: Wish, contract: Contract, actor: Actor) -> AccessRequest:
    """Ask for access.

    Args:
        contract: the newest version in force of the contract.

    Raises:
        AccessInvalid: names each wrong part of the wish.
        NoSuchContract: no version is or was in force.
        RowConflict: a request of the participant for the contract waits.
    """
    written = _check(wish, contract)
    owner = find_owner(transaction, wish.contract)
    if owner is None:
        raise NoSuchContract(f"No version of {wish.contract} is or was in force.")
    made = sa.insert(ACCESS_REQUESTS).values(
        id=new_id("acc"),
        contract_id=sa.select(CONTRACTS.c.id).where(CONTRACTS.c.name == wish.contract).scalar_subquery(),
        owner=owner,
        participant=wish.participant,
        waiting=wish.participant,
        state=AccessState.ASKED.value,
        asked_at=clock.micros(clock.now()),
        asked_by=actor.client_name or "",
        purpose=written.purpose,
        legal_basis=written.legal_basis,
        agreement=written.agreement,
        fields=None if wish.fields is None else json.dumps(list(wish.fields)).decode(),
        until=wish.until.isoformat(),
        reason="",
    )
    request = find(transaction, str(transaction.value(made.returning(ACCESS_REQUESTS.c.id))))
    note(transaction, _make_act(Verb.ACCESS_ASK, request, actor, before=None))
    return request


def accept(transaction: Transaction, request: AccessRequest, version: str, actor: Actor) -> None:
    """Record that a draft of the contract has the grant. Raises `AccessDecided`: see `find_waiting`."""
    _decide(transaction, request, AccessState.ACCEPTED, actor, version=version)


def refuse(transaction: Transaction, request: AccessRequest, reason: str, actor: Actor) -> None:
    """Refuse a request. The asker reads the reason.

    Raises:
        AccessInvalid: the reason is empty, longer than 500 characters, or has control characters.
        AccessDecided: see `find_waiting`.
    """
    if error := _find_text_error("/reason", reason):
        raise AccessInvalid("Say why the request is refused.", errors=[error])
    _decide(transaction, request, AccessState.REFUSED, actor, reason=make_printable(reason.strip()))


def withdraw(transaction: Transaction, request: AccessRequest, actor: Actor) -> None:
    """Take a request back.

    Raises:
        NotAsker: another participant asked.
        AccessDecided: see `find_waiting`.
    """
    if not actor.is_operator and actor.participant != request.wish.participant:
        raise NotAsker(f"{request.wish.participant} asked, so {request.wish.participant} alone withdraws the request.")
    _decide(transaction, request, AccessState.WITHDRAWN, actor)


def follow_owner(transaction: Transaction, contract_id: int, owner: str) -> None:
    """Give the requests for a contract to its present owner."""
    others = (ACCESS_REQUESTS.c.contract_id == contract_id, ACCESS_REQUESTS.c.owner != owner)
    transaction.execute(sa.update(ACCESS_REQUESTS).where(*others).values(owner=owner))


def find(transaction: Transaction, id: str, concerning: str | None = None) -> AccessRequest:
    """One request.

    Args:
        concerning: the participant that must be its asker or its owner; None: any request.

    Raises:
        NoSuchAccessRequest: there is none, or it concerns others.
    """
    row = transaction.one(_select(None).where(ACCESS_REQUESTS.c.id == id))
    refusal = NoSuchAccessRequest if row is None else AccessRequestOfAnother
    if row is None or concerning not in (None, row.participant, row.owner):
        raise refusal(f"There is no request for access {id} of yours.")
    return _make(row)


def find_waiting(transaction: Transaction, id: str, concerning: str | None) -> AccessRequest:
    """One request that waits.

    Raises:
        NoSuchAccessRequest: see `find`.
        AccessDecided: it was accepted, refused or withdrawn.
    """
    request = find(transaction, id, concerning)
    if request.state is not AccessState.ASKED:
        raise AccessDecided(f"The request is {request.state.value} already.")
    return request


def read_page(
    transaction: Transaction,
    limit: int,
    before: int,
    concerning: str | None = None,
    state: AccessState | None = None,
) -> list[AccessRequest]:
    """Requests, newest first.

    Args:
        before: only requests with a smaller number; 0: from the newest.
        concerning: requests that this participant made, or decides on; None: all.
    """
    statement = _select(concerning).order_by(ACCESS_REQUESTS.c.number.desc()).limit(limit)
    if before:
        statement = statement.where(ACCESS_REQUESTS.c.number < before)
    if state is not None:
        statement = statement.where(ACCESS_REQUESTS.c.state == state.value)
    return [_make(row) for row in transaction.rows(statement)]


def _decide(
    transaction: Transaction,
    request: AccessRequest,
    state: AccessState,
    actor: Actor,
    *,
    reason: str = "",
    version: str | None = None,
) -> None:
    its = (ACCESS_REQUESTS.c.id == request.id, ACCESS_REQUESTS.c.state == AccessState.ASKED.value)
    decided = (
        sa.update(ACCESS_REQUESTS)
        .where(*its)
        .values(
            state=state.value,
            waiting=None,
            decided_at=clock.micros(clock.now()),
            decided_by=actor.participant,
            reason=reason,
            version=version,
        )
    )
    if not transaction.execute(decided):
        raise AccessDecided("Somebody else decided at the same moment; look again.")
    verbs = {
        AccessState.ACCEPTED: Verb.ACCESS_ACCEPT,
        AccessState.REFUSED: Verb.ACCESS_REFUSE,
        AccessState.WITHDRAWN: Verb.ACCESS_WITHDRAW,
    }
    before = {"state": request.state.value}
    note(transaction, _make_act(verbs[state], find(transaction, request.id), actor, before))


def _check(wish: Wish, contract: Contract) -> Wish:
    """The wish with texts on one line, without numbers of persons: others read it."""
    texts = {"purpose": wish.purpose, "legal_basis": wish.legal_basis, "agreement": wish.agreement}
    errors = [error for name, text in texts.items() if (error := _find_text_error(f"/{name}", text))]
    if wish.until < clock.today():
        errors.append(FieldError("/until", "must not be in the past"))
    errors += _find_field_errors(wish.fields, contract)
    if errors:
        raise AccessInvalid("The request for access is not complete.", errors=errors)
    clean = {name: make_printable(text.strip()) for name, text in texts.items()}
    return Wish(wish.contract, wish.participant, fields=wish.fields, until=wish.until, **clean)


def _find_field_errors(fields: Sequence[str] | None, contract: Contract) -> list[FieldError]:
    if fields is None:
        return []
    if not 1 <= len(fields) <= MOST_FIELDS:
        return [FieldError("/fields", f"must name 1 to {MOST_FIELDS} fields, or be absent for everything")]
    detail = "must be a field that the contract declares, named once"
    wrong = [
        index
        for index, pointer in enumerate(fields)
        if not pointer.startswith("/") or pointer in fields[:index] or not has_property(contract.shown, pointer)
    ]
    return [FieldError(f"/fields/{index}", detail) for index in wrong]


def _find_text_error(at: str, text: str) -> FieldError | None:
    written = text.strip()
    longest = _LONGEST.get(at, _LONGEST_REASON)
    if written and len(written) <= longest and written.isprintable():
        return None
    return FieldError(at, f"must be one line of 1 to {longest} printable characters")


def _select(concerning: str | None) -> sa.Select[Any]:
    statement = sa.select(ACCESS_REQUESTS, CONTRACTS.c.name).join(
        CONTRACTS, CONTRACTS.c.id == ACCESS_REQUESTS.c.contract_id
    )
    if concerning is None:
        return statement
    return statement.where(sa.or_(ACCESS_REQUESTS.c.participant == concerning, ACCESS_REQUESTS.c.owner == concerning))


def _make(row: Any) -> AccessRequest:
    wish = Wish(
        contract=row.name,
        participant=row.participant,
        purpose=row.purpose,
        legal_basis=row.legal_basis,
        agreement=row.agreement,
        fields=None if row.fields is None else tuple(json.loads(row.fields)),
        until=date.fromisoformat(row.until),
    )
    return AccessRequest(
        number=row.number,
        id=row.id,
        wish=wish,
        owner=row.owner,
        state=AccessState(row.state),
        asked_at=clock.moment(row.asked_at),
        by=row.asked_by,
        decided_at=None if row.decided_at is None else clock.moment(row.decided_at),
        decided_by=row.decided_by,
        reason=row.reason,
        version=row.version,
    )


def _make_act(what: Verb, request: AccessRequest, actor: Actor, before: dict[str, str] | None) -> Action:
    after = {"state": request.state.value}
    if request.reason:
        after["reason"] = request.reason
    if request.version:
        after["version"] = request.version
    details = {"contract": request.wish.contract, "participant": request.wish.participant}
    return Action(what, actor, Object(KIND, request.id), request.owner, before, after, details)
