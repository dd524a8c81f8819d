"""Checking a contract document over HTTP, before anything is stored: lint, compatibility, whom the change would touch."""

from datetime import date
from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bus.contracts import Mask
from bus.http.api.contracts import Body, Writer
from bus.http.checking import check_text
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.identity import Scope

router = APIRouter(prefix="/v1/contracts", tags=["Contracts"], route_class=Authorised)

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
    mask: Mask | None = Field(description="how the field is hidden now; null: its value is shown, or this is no field")


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
    # Passed on as it is: FastAPI would check and write thousands of findings while the event loop waits.
    answer = await check_text(rooms, body, caller.participant, is_operator=Scope.ADMIN in caller.scopes)
    return Response(answer, media_type="application/json")
