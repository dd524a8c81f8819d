"""Checking a contract document over HTTP, before anything is stored: lint, compatibility, whom the change would touch."""

import asyncio
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bus import json
from bus.agencies import list_mapped_fields, list_names, make_bindings
from bus.contracts import check_contract, read_check, restore_contract, write_bindings
from bus.http.api.contracts import Body, Writer
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised
from bus.identity import Principal, Scope

router = APIRouter(prefix="/v1/contracts", tags=["Contracts"], route_class=Authorised)

_PAGE: Final = 1000
_ANYTHING: Final[dict[str, Any]] = {
    "schema": {"description": "a contract document, or `{document, against}`; what is wrong with it, the answer says"}
}
_TAKES_ANYTHING: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": dict.fromkeys(("application/json", "application/yaml"), _ANYTHING)}
}


class LintFinding(BaseModel):
    """One thing to mend."""

    code: str
    severity: str = Field(description="error: it cannot become active; warning: for you to judge")
    pointer: str
    message: str
    fix: str


class CompatibilityFinding(BaseModel):
    """One thing that breaks, or may break, what an active version promises."""

    rule: str
    pointer: str = Field(description="where in the document")
    pointer_before: str = Field(description="where in the version that it is compared with")
    against: str = Field(description="the version that it is compared with")
    side: str = Field(description="new-refuses-old, old-refuses-new or both")
    verdict: str
    message: str
    example: Any = Field(None, description="data that show it: valid under the one version, invalid under the other")


class Compatibility(BaseModel):
    """What the document owes the versions still active, by its own `compatibility`."""

    verdict: str = Field(description="compatible, incompatible or undecided")
    findings: list[CompatibilityFinding]


class Touch(BaseModel):
    """Somebody whom the change would touch."""

    participant: str
    what: str
    pointer: str
    why: str
    against: str


class Addition(BaseModel):
    """One thing that a consumer does not get under the version before."""

    what: str = Field(description="consumer, field, mask, rows, end or attribute")
    pointer: str = Field(description="of a field and a mask: JSON Pointer into the data; of an attribute: its name")
    text: str


class GrantedMore(BaseModel):
    """What will be shown, and to whom, beyond the highest lower version."""

    participant: str
    purpose: str
    legal_basis: str
    until: date | None = Field(description="the grant's last day; null: no end")
    adds: list[Addition]


class CheckResult(BaseModel):
    """All that can be said of a document."""

    lint: list[LintFinding]
    compatibility: Compatibility
    step: str = Field(description="how far the version number has to go up: major, minor or patch")
    touches: list[Touch]
    grants: list[GrantedMore] = Field(description="what the version newly grants; its approver has to have seen it")


@router.post("/check", response_model=CheckResult, responses={422: {}}, openapi_extra=_TAKES_ANYTHING)
async def check_document(rooms: TheRooms, caller: Writer, body: Body) -> Response:
    """Check a contract document, in YAML or JSON with its schemas inside. Nothing is stored.

    It is compared with the registered versions that are active, or with the documents that its additional member `against` lists.
    The body may also be `{"document": …, "against": […]}`.
    """
    who = caller.participant
    read = await rooms.heavy.run(read_check, body, who=who)
    asked, answer = await asyncio.to_thread(_asked, rooms, caller, read)
    # Passed on as it is: FastAPI would check and write thousands of findings while the event loop waits.
    answer = answer or await rooms.heavy.run(check_contract, asked, who=who)
    return Response(answer, media_type="application/json")


def _asked(rooms: Rooms, caller: Principal, read: bytes) -> tuple[bytes, bytes]:
    """What the check has to know, as `check_contract` takes it; or the answer, where there is nothing to ask."""
    given = json.loads(read)
    if "answer" in given:
        return b"", json.dumps(given["answer"])
    if given["against"] is None:
        standing = rooms.catalogue.registrar.read_active(given["document"]["contract"])
    else:
        standing = [restore_contract(one) for one in given["against"]]
    names = {one.name for one in standing}
    in_force = rooms.adapters.in_force
    bindings = make_bindings(rooms.settings.adapters, declared=lambda: in_force)
    mapped = list_mapped_fields(declared=lambda: in_force)
    asked = {
        "document": given["document"],
        "against": [one.document for one in standing],
        "adapters": list_names(lambda: in_force),
        "participants": list(_participants(rooms)),
        "bindings": write_bindings(restore_contract(given["document"]), bindings),
        "mappings": [[use.adapter, use.operation, fields] for use, fields in mapped.items()],
        "subscriptions": {name: _standing(rooms, name) for name in names if _answers_for(rooms, caller, name)},
    }
    return json.dumps(asked), b""


def _answers_for(rooms: Rooms, caller: Principal, name: str) -> bool:
    """Whether the caller may know who subscribed. The register says who owns a contract, and not the caller's own document."""
    owners = {one.owner for one in rooms.catalogue.registrar.read_active(name)[-1:]}
    return caller.participant in owners or Scope.ADMIN in caller.scopes


def _standing(rooms: Rooms, name: str) -> list[tuple[Any, ...]]:
    return [
        (subscription.participant, subscription.filters, subscription.ordered_by)
        for subscription in rooms.subscriptions.all()
        if name in subscription.contracts
    ]


def _participants(rooms: Rooms) -> Iterator[str]:
    after = ""
    while page := rooms.participants.list_page(_PAGE, after):
        after = page[-1].name
        yield from (participant.name for participant in page)
