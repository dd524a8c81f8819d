"""Requests for access over HTTP: a participant asks a contract's owner for a grant, and the owner decides."""

import asyncio
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from bus.actions import Actor, Verb
from bus.contracts import (
    LONGEST_AGREEMENT,
    LONGEST_BASIS,
    LONGEST_PURPOSE,
    LONGEST_REASON,
    AccessRequest,
    AccessState,
    Wish,
)
from bus.http.acceptance import accept_access
from bus.http.acts import acting
from bus.http.api.contracts import Reader
from bus.http.cursors import After, Limit, Listing, read_position, write_position
from bus.http.openapi_parts import refer_headers
from bus.http.path_parameters import AccessRequestId
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.values import Day
from bus.http.written import write_model, write_page
from bus.identity import Principal, Scope

router = APIRouter(prefix="/v1/access-requests", tags=["Contracts"], route_class=Authorised)

_UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "There is no such request, or it concerns others"}
}
_DECIDING: Final = _UNKNOWN | {409: {"description": "The request was decided already"}, 422: {}}

Asker = Annotated[Actor, Depends(acting(Scope.CONTRACTS_READ, Verb.ACCESS_ASK))]
Withdrawer = Annotated[Actor, Depends(acting(Scope.CONTRACTS_READ, Verb.ACCESS_WITHDRAW))]
Accepter = Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.ACCESS_ACCEPT))]
Refuser = Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.ACCESS_REFUSE))]


class AccessOrder(BaseModel):
    """The grant that you ask for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "contract": "kependudukan.penduduk",
                    "purpose": "pemutakhiran wajib pajak",
                    "legal_basis": "Perda 1/2024 pasal 5",
                    "agreement": "PKS 470/12/2026",
                    "fields": ["/nik", "/nama"],
                    "until": "2027-12-31",
                }
            ]
        },
    )

    contract: str = Field(min_length=1, max_length=255)
    purpose: str = Field(min_length=1, max_length=LONGEST_PURPOSE, description="one line; the owner reads it")
    legal_basis: str = Field(min_length=1, max_length=LONGEST_BASIS, description="the law that allows it")
    agreement: str = Field(
        min_length=1, max_length=LONGEST_AGREEMENT, description="the number of the cooperation agreement (PKS)"
    )
    fields: list[str] | None = Field(None, description="JSON Pointers of what you need; absent: everything")
    until: Day = Field(description="the last day, by Lamongan's calendar")


class AccessRequestDocument(BaseModel):
    """A request for access."""

    id: str
    contract: str
    owner: str = Field(description="decides")
    participant: str = Field(description="asks")
    purpose: str
    legal_basis: str
    agreement: str
    fields: list[str] | None = Field(description="null: everything")
    until: date
    state: AccessState = Field(description="accepted: a draft has the grant, which holds once the draft is active")
    asked_at: datetime
    decided_at: datetime | None
    decided_by: str | None = Field(description="the participant that accepted, refused or withdrew it")
    reason: str | None = Field(description="why it was refused")
    version: str | None = Field(description="the draft that has the grant; null: not accepted")


class AccessRequestList(BaseModel):
    """A page of requests for access, newest first."""

    access_requests: list[AccessRequestDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class RefusalOrder(BaseModel):
    """Why a request is refused."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "PKS sudah berakhir"}]})

    reason: str = Field(min_length=1, max_length=LONGEST_REASON, description="one line; the asker reads it")


@router.post(
    "",
    status_code=201,
    response_model=AccessRequestDocument,
    responses={
        201: {"headers": refer_headers("Location")},
        404: {"description": "There is no such contract"},
        409: {},
        422: {},
    },
)
def ask_for_access(rooms: TheRooms, by: Asker, order: AccessOrder) -> Response:
    """Ask a contract's owner for a grant. Nothing is shown before a version with the grant is active."""
    contract = rooms.catalogue.newest(order.contract).contract
    fields = None if order.fields is None else tuple(order.fields)
    wish = Wish(order.contract, by.participant, order.purpose, order.legal_basis, order.agreement, fields, order.until)
    made = rooms.catalogue.registrar.access_requests.ask(wish, contract, by)
    return write_model(_document(made), {"Location": f"{router.prefix}/{made.id}"}, 201)


@router.get("", response_model=AccessRequestList)
def list_access_requests(
    rooms: TheRooms,
    caller: Reader,
    state: Annotated[AccessState | None, Query(description="requests in this state only")] = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """Your requests, and those that you decide on. The operator and auditors see all."""
    before = read_position(after, Listing.ACCESS_REQUESTS, "")
    requests = rooms.catalogue.registrar.access_requests
    found = requests.list_page(limit + 1, before, _reach(caller), state)
    has_more = len(found) > limit
    following = write_position(Listing.ACCESS_REQUESTS, "", found[limit - 1].number) if has_more else None
    return write_page(AccessRequestList(access_requests=[_document(one) for one in found[:limit]], next=following))


@router.get("/{id}", responses=_UNKNOWN)
def read_access_request(rooms: TheRooms, caller: Reader, id: AccessRequestId) -> AccessRequestDocument:
    """One request."""
    return _document(rooms.catalogue.registrar.access_requests.get(id, _reach(caller)))


@router.post("/{id}/accept", responses=_DECIDING)
async def accept_access_request(rooms: TheRooms, by: Accepter, id: AccessRequestId) -> AccessRequestDocument:
    """Put the grant into a draft of your contract: the highest version if it is a draft, otherwise the next minor one.

    The draft shows nothing. Edit it, propose it and activate it as any other.
    """
    await accept_access(rooms, by, id)
    return _document(await asyncio.to_thread(rooms.catalogue.registrar.access_requests.get, id))


@router.post("/{id}/refuse", responses=_DECIDING)
def refuse_access_request(
    rooms: TheRooms, by: Refuser, id: AccessRequestId, order: RefusalOrder
) -> AccessRequestDocument:
    """Refuse a request for your contract, with a reason."""
    return _document(rooms.catalogue.registrar.access_requests.refuse(id, order.reason, by))


@router.post("/{id}/withdraw", responses=_DECIDING)
def withdraw_access_request(rooms: TheRooms, by: Withdrawer, id: AccessRequestId) -> AccessRequestDocument:
    """Take your request back."""
    return _document(rooms.catalogue.registrar.access_requests.withdraw(id, by))


def _reach(caller: Principal) -> str | None:
    return None if {Scope.ADMIN, Scope.AUDIT_READ} & caller.scopes else caller.participant


def _document(request: AccessRequest) -> AccessRequestDocument:
    wish = request.wish
    return AccessRequestDocument(
        id=request.id,
        contract=wish.contract,
        owner=request.owner,
        participant=wish.participant,
        purpose=wish.purpose,
        legal_basis=wish.legal_basis,
        agreement=wish.agreement,
        fields=None if wish.fields is None else list(wish.fields),
        until=wish.until,
        state=request.state,
        asked_at=request.asked_at,
        decided_at=request.decided_at,
        decided_by=request.decided_by,
        reason=request.reason or None,
        version=request.version,
    )
