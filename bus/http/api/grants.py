"""Grants over HTTP: their calendar, and how an owner suspends one."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from bus import clock
from bus.actions import Actor, Verb
from bus.contracts import LONGEST_REASON, Contract, Suspension, Waiting
from bus.http.acts import acting
from bus.http.api.contracts import Reader
from bus.http.cursors import After, Limit, Listing, read_name, write_next_name
from bus.http.path_parameters import ContractName, ParticipantName
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised
from bus.http.values import Day
from bus.http.written import write_page
from bus.identity import Principal, Scope

router = APIRouter(prefix="/v1", tags=["Contracts"], route_class=Authorised)

_MOST_CONTRACTS: Final = 1_000
"""Contracts that are looked at for one page."""
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    403: {"description": "The contract is somebody else's, or the operator suspended the grant"},
    404: {"description": "There is no such contract or grant"},
    409: {},
    422: {},
}


class SuspensionDetail(BaseModel):
    """Who suspended a grant, when and why."""

    since: datetime
    by: str
    reason: str | None = Field(
        description="told to the consumer, the owner, the operator and auditors; null for others"
    )
    waiting: Waiting = Field(description="keep: deliveries wait until the grant is resumed; drop: there are none")


class GrantEntry(BaseModel):
    """One grant of one contract version in force."""

    contract: str
    title: str
    owner: str
    version: str
    participant: str
    purpose: str
    legal_basis: str
    until: date | None = Field(description="the last day, by Lamongan's calendar; null: no end")
    state: Literal["granted", "suspended", "ended"] = Field(description="the consumer gets data while it is `granted`")
    suspended: SuspensionDetail | None = Field(description="null: the grant is not suspended")


class GrantList(BaseModel):
    """A page of grants, by contract in order of name."""

    grants: list[GrantEntry]
    next: str | None = Field(
        description="give it as `after` for the next page; null at the end. A page before the end may be empty"
    )


class SuspensionOrder(BaseModel):
    """Why a grant is suspended, and what becomes of deliveries that wait."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"reason": "PKS 470/12/2026 sedang diperiksa", "waiting": "keep"}]},
    )

    reason: str = Field(min_length=1, max_length=LONGEST_REASON, description="one line; the consumer reads it")
    waiting: Waiting = Field(
        Waiting.KEEP, description="keep: deliveries wait until the grant is resumed; drop: they are discarded"
    )


class GrantStop(BaseModel):
    """A grant after it was suspended or resumed."""

    contract: str
    participant: str
    suspended: SuspensionDetail | None
    deliveries: int = Field(description="pending deliveries under the grant: they wait, or were dropped")


@router.get("/grants", response_model=GrantList)
def list_grants(
    rooms: TheRooms,
    caller: Reader,
    participant: Annotated[str | None, Query(description="grants of this participant only")] = None,
    ends_before: Annotated[Day | None, Query(description="grants whose last day is before this day only")] = None,
    suspended: Annotated[bool | None, Query(description="suspended grants only, or the others only")] = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """The calendar of grants: who gets what until when, and what is suspended, by whom and why.

    It has the grants of your contracts, and your own grants in the contracts of others. The operator and auditors see all.
    `limit` counts contracts.
    """
    sees_all = _sees_all(caller)
    walk = rooms.catalogue.walk_contracts(read_name(after, Listing.GRANTS), None if sees_all else caller.participant)
    found: list[GrantEntry] = []
    names: list[str] = []
    matching = 0
    for name, versions in walk:
        names.append(name)
        if len(names) > _MOST_CONTRACTS or matching == limit:
            break
        entries = [
            entry
            for entry in _list_entries(rooms, versions, caller)
            if participant in (None, entry.participant)
            and (ends_before is None or (entry.until is not None and entry.until < ends_before))
            and suspended in (None, entry.suspended is not None)
        ]
        matching += bool(entries)
        found += entries
    else:
        return write_page(GrantList(grants=found, next=None))
    return write_page(GrantList(grants=found, next=write_next_name(Listing.GRANTS, "", names, len(names) - 1)))


@router.post("/contracts/{name}/grants/{participant}/suspend", response_model=GrantStop, responses=_REFUSALS)
def suspend_grant(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.GRANT_SUSPEND))],
    name: ContractName,
    participant: ParticipantName,
    order: SuspensionOrder,
) -> GrantStop:
    """Stop what a participant gets under your contract, in all versions, at once.

    Its streams and waiting requests end with the problem `grant-suspended` and your reason. Its deliveries stop within a second.
    What the operator suspended, the operator alone resumes. Suspend again to give another reason.
    """
    count = rooms.grants.suspend(name, participant, order.reason, order.waiting, by)
    return _tell_stop(rooms, name, participant, count)


@router.post("/contracts/{name}/grants/{participant}/resume", response_model=GrantStop, responses=_REFUSALS)
def resume_grant(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.GRANT_RESUME))],
    name: ContractName,
    participant: ParticipantName,
) -> GrantStop:
    """Let a suspended grant show data again. Deliveries that waited go within seconds; feeds go on from their cursors."""
    return _tell_stop(rooms, name, participant, rooms.grants.resume(name, participant, by))


def tell_suspension(suspension: Suspension | None, owner: str, caller: Principal) -> SuspensionDetail | None:
    """A suspension as a caller may see it."""
    if suspension is None:
        return None
    is_told = _sees_all(caller) or caller.participant in (suspension.participant, owner)
    return _detail(suspension, suspension.reason if is_told else None)


def _detail(suspension: Suspension, reason: str | None) -> SuspensionDetail:
    return SuspensionDetail(since=suspension.since, by=suspension.by, reason=reason, waiting=suspension.waiting)


def _sees_all(caller: Principal) -> bool:
    return bool({Scope.ADMIN, Scope.AUDIT_READ} & caller.scopes)


def _list_entries(rooms: Rooms, versions: list[Contract], caller: Principal) -> Iterator[GrantEntry]:
    """The grants of a contract that concern a caller."""
    today = clock.today()
    for contract in versions:
        is_open = _sees_all(caller) or caller.participant == contract.owner
        for grant in contract.grants:
            if not is_open and grant.participant != caller.participant:
                continue
            suspension = rooms.catalogue.find_suspension(contract.name, grant.participant)
            yield GrantEntry(
                contract=contract.name,
                title=contract.title,
                owner=contract.owner,
                version=contract.version,
                participant=grant.participant,
                purpose=grant.purpose,
                legal_basis=grant.legal_basis,
                until=grant.until,
                state="suspended" if suspension else "ended" if grant.has_ended(today) else "granted",
                suspended=tell_suspension(suspension, contract.owner, caller),
            )


def _tell_stop(rooms: Rooms, name: str, participant: str, count: int) -> GrantStop:
    suspension = rooms.catalogue.find_suspension(name, participant)
    told = None if suspension is None else _detail(suspension, suspension.reason)
    return GrantStop(contract=name, participant=participant, suspended=told, deliveries=count)
