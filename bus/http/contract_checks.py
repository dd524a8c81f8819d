"""Checking a contract document over HTTP, before anything is stored: lint, compatibility, whom the change would touch."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bus import json
from bus.agencies.registry import bindings, mapped_fields
from bus.contracts.approval import compatibility_document
from bus.contracts.compatibility import Report, Standing, Step, Verdict, check, impact
from bus.contracts.document import Contract, parse
from bus.contracts.errors import DocumentInvalid
from bus.contracts.lint import Finding, form_findings, lint
from bus.contracts.yaml import read_text
from bus.http.contracts import Body, Writer, takes
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised
from bus.identity.scopes import Scope
from bus.identity.tokens import Principal
from bus.problem import FieldError

router = APIRouter(prefix="/v1/contracts", tags=["Contracts"], route_class=Authorised)

_PAGE: Final = 1000
_UNKNOWN: Final = Report(Verdict.UNDECIDED, (), Step.MAJOR)
"""What is said of the compatibility of a document that is no contract."""


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


class CheckResult(BaseModel):
    """All that can be said of a document."""

    lint: list[LintFinding]
    compatibility: Compatibility
    step: str = Field(description="how far the version number has to go up: major, minor or patch")
    touches: list[Touch]


@router.post("/check", response_model=CheckResult, openapi_extra=takes("application/yaml", "application/json"))
async def check_document(rooms: TheRooms, caller: Writer, body: Body) -> Response:
    """Check a contract document, in YAML or JSON with its schemas inside. Nothing is stored.

    It is compared with the registered versions that are active, or with the documents that its additional member `against` lists.
    The body may also be `{"document": …, "against": […]}`.
    """
    async with rooms.judging:
        return await asyncio.to_thread(_answer, rooms, caller, body)


def _answer(rooms: Rooms, caller: Principal, body: bytes) -> Response:
    # Written here: FastAPI would check and write thousands of findings while the event loop waits.
    return Response(json.dumps(_check(rooms, caller, body)), media_type="application/json")


def _check(rooms: Rooms, caller: Principal, body: bytes) -> dict[str, Any]:
    document, against = _parts(read_text(body))
    standing = [_against(one, index) for index, one in enumerate(against or ())]
    try:
        contract = parse(document)
    except DocumentInvalid as refusal:
        return _result(form_findings(refusal), _UNKNOWN, [])
    if against is None:
        standing = rooms.catalogue.active(contract.name)
    report = check(contract, standing)
    touches = [touch for old in standing for touch in _touches(rooms, caller, report, contract, old)]
    asked = bindings(rooms.settings.adapters)
    return _result(lint(contract, set(_participants(rooms)), asked), report, touches)


def _parts(body: Any) -> tuple[Any, list[Any] | None]:
    """The document, and what it is to be compared with; None: with what is registered."""
    if not isinstance(body, dict):
        return body, None
    against = body.get("against")
    if against is not None and not isinstance(against, list):
        raise DocumentInvalid("`against` is a list of documents.", errors=[FieldError("/against", "must be a list")])
    document = body.get("document", {name: value for name, value in body.items() if name != "against"})
    return document, against


def _against(document: Any, index: int) -> Contract:
    try:
        return parse(document)
    except DocumentInvalid as refusal:
        wrong = refusal.errors or (FieldError("", refusal.detail),)
        errors = [FieldError(f"/against/{index}{error.pointer}", error.detail) for error in wrong]
        raise DocumentInvalid("A document to compare with is no contract.", errors=errors) from None


def _touches(rooms: Rooms, caller: Principal, report: Report, new: Contract, old: Contract) -> Iterator[dict[str, Any]]:
    # What others subscribed to is for those to know who answer for the contract.
    answers = caller.participant == old.owner or Scope.ADMIN in caller.scopes
    for touched in impact(report, new, old, _standing(rooms, old.name) if answers else (), mapped_fields()):
        yield asdict(touched) | {"what": touched.what.value, "against": old.version}


def _standing(rooms: Rooms, name: str) -> list[Standing]:
    return [
        Standing(subscription.participant, subscription.filters, subscription.ordered_by)
        for subscription in rooms.subscriptions.all()
        if name in subscription.contracts
    ]


def _participants(rooms: Rooms) -> Iterator[str]:
    after = ""
    while page := rooms.participants.page(_PAGE, after):
        after = page[-1].name
        yield from (participant.name for participant in page)


def _result(findings: Sequence[Finding], report: Report, touches: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "lint": [asdict(finding) | {"severity": finding.severity.value} for finding in findings],
        "compatibility": compatibility_document(report),
        "step": report.step.value,
        "touches": touches,
    }
