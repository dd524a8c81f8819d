"""The catalogue of contracts over HTTP: reading it, registering and replacing drafts, trying data out."""

import asyncio
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from bus import json
from bus.actions import Actor, Verb
from bus.contracts import (
    Catalogue,
    Classification,
    ContractVersion,
    Kind,
    ListedContract,
    judge_data,
    make_schema_url,
)
from bus.http import drafting
from bus.http.acts import acting
from bus.http.api.contract_version import VersionDetail, VersionSummary, etag, version_answer, version_summary
from bus.http.api.preconditions import IfMatch, IfMatchRequired
from bus.http.conditional import cacheable, matches
from bus.http.cursors import After, Limit, Listing, read_name, write_next_name
from bus.http.openapi_parts import refer_headers
from bus.http.path_parameters import ContractName, Version
from bus.http.rooms import TheRooms
from bus.http.security import Authorised, caller
from bus.http.semantics import form_of
from bus.http.surface import JSON
from bus.http.written import write_page
from bus.identity import Principal, Scope
from bus.journal import try_data
from bus.problem import Invalid, Refused

router = APIRouter(prefix="/v1/contracts", tags=["Contracts"], route_class=Authorised)

_LARGEST_BODY: Final = 1024 * 1024
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TAGGED: Final = {"headers": refer_headers("ETag")}
_SCHEMA_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A JSON Schema (2020-12)",
        "content": {media_type: {"schema": {"type": "object"}} for media_type in ("application/schema+json", JSON)},
        **_TAGGED,
    },
    304: {"description": "It is still the one that `If-None-Match` names", **_TAGGED},
}

Reader = Annotated[Principal, Depends(caller(Scope.CONTRACTS_READ))]
Writer = Annotated[Principal, Depends(caller(Scope.CONTRACTS_WRITE))]
Drafter = Annotated[Actor, Depends(acting(Scope.CONTRACTS_WRITE, Verb.CONTRACT_DRAFT))]


class DocumentTooLarge(Refused):
    """The body is larger than a contract document, or one event's data, may be."""

    status = 413
    slug = "document-too-large"


class Part(StrEnum):
    """Which schema of a query contract is wanted."""

    REQUEST = "request"
    ANSWER = "answer"


class ContractSummary(BaseModel):
    """A contract with its versions, oldest first; the other members are of the current version."""

    contract: str
    title: str
    owner: str
    kind: Kind
    classification: Classification
    current: str | None = Field(description="the newest version in force; null while there is none")
    versions: list[VersionSummary]


class ContractDetail(ContractSummary):
    """A contract with the document of its current version (without one in force: of its newest)."""

    document: dict[str, Any]


class ContractList(BaseModel):
    """A page of contracts in order of name."""

    contracts: list[ContractSummary]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class WrongField(BaseModel):
    """One thing that is wrong, and where."""

    pointer: str
    detail: str


class Verdict(BaseModel):
    """Whether data are valid under a contract."""

    valid: bool
    errors: list[WrongField]


async def _body(request: Request) -> bytes:
    text = bytearray()
    async for chunk in request.stream():
        text += chunk
        if len(text) > _LARGEST_BODY:
            raise DocumentTooLarge(f"At most {_LARGEST_BODY} bytes are taken here.")
    if not text:
        raise Invalid("The request has no body.")
    return bytes(text)


Body = Annotated[bytes, Depends(_body)]
"""The body of a request, of bounded size."""


TAKES_DOCUMENT: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object", "description": "a contract document"}},
            "application/yaml": {"schema": {"type": "object", "description": "a contract document"}},
        },
    }
}
"""What the documentation says of a body with a contract document."""
_TAKES_DATA: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"description": "what an event would have as `data`"}}},
    }
}
_DRAFTED: Final[dict[int | str, dict[str, Any]]] = {409: {}, 422: {}}


@router.get("", response_model=ContractList)
def list_contracts(request: Request, caller: Reader, limit: Limit = 100, after: After = "") -> Response:
    """What can be exchanged on this bus, drafts included."""
    page = _catalogue(request).registrar.listing.page(limit, read_name(after, Listing.CONTRACTS))
    names = [one.name for one in page.contracts]
    following = write_next_name(Listing.CONTRACTS, "", [*names, ""] if page.has_more else names, len(names))
    return write_page(ContractList(contracts=[_summary(one) for one in page.contracts], next=following))


@router.post(
    "",
    status_code=201,
    response_model=VersionDetail,
    responses={201: {"headers": refer_headers("Location", "ETag")}, **_DRAFTED},
    openapi_extra=TAKES_DOCUMENT,
)
async def register_contract(rooms: TheRooms, by: Drafter, tags: IfMatch, body: Body) -> Response:
    """Register a version as a draft, from a contract document in YAML or JSON with its schemas inside.

    A draft may be sent again until it is active. Only the owner that the document names, or the operator, registers it.
    """
    registered = await drafting.register_draft(rooms, body, by, tags)
    answer = await asyncio.to_thread(version_answer, rooms.catalogue, registered, by, 201)
    answer.headers["Location"] = f"{router.prefix}/{registered.name}/versions/{registered.version}"
    return answer


@router.get("/{name}", response_model=ContractDetail)
def read_contract(request: Request, caller: Reader, name: ContractName) -> Response:
    """A contract: its versions, and the document in force."""
    listed, document = _catalogue(request).registrar.listing.read_contract(name)
    # As it is stored: to unpack a large document and to write it again would keep others waiting.
    summary = _summary(listed).model_dump_json().encode().removesuffix(b"}")
    return Response(summary + b',"document":' + document + b"}", media_type="application/json")


@router.get(
    "/{name}/versions/{version}",
    response_model=VersionDetail,
    responses={200: _TAGGED, 304: {"description": "It is still the one that `If-None-Match` names", **_TAGGED}},
)
def read_version(request: Request, caller: Reader, name: ContractName, version: Version) -> Response:
    """One version with its document and its history; its ETag is what a change of it gives as If-Match."""
    registered = _catalogue(request).registrar.read_version(name, version)
    if matches(request.headers.get("if-none-match", ""), etag(registered)):
        return Response(status_code=304, headers={"ETag": etag(registered)})
    return version_answer(_catalogue(request), registered, caller)


@router.put(
    "/{name}/versions/{version}",
    response_model=VersionDetail,
    responses={200: _TAGGED, 428: {}, **_DRAFTED},
    openapi_extra=TAKES_DOCUMENT,
)
async def replace_draft(
    rooms: TheRooms, by: Drafter, name: ContractName, version: Version, tags: IfMatchRequired, body: Body
) -> Response:
    """Replace the document of a draft, or of a proposed version, which is a draft again then."""
    replaced = await drafting.replace_draft(rooms, body, (name, version), by, tags)
    return await asyncio.to_thread(version_answer, rooms.catalogue, replaced, by)


@router.get("/{name}/versions/{version}/schema", response_class=Response, responses=_SCHEMA_ANSWER)
def read_schema(
    request: Request,
    caller: Reader,
    name: ContractName,
    version: Version,
    part: Annotated[Part, Query(description="of a query contract")] = Part.REQUEST,
) -> Response:
    """The JSON Schema of the data, self-contained; its address is what an event's `dataschema` names."""
    contract = _catalogue(request).registrar.read_version(name, version).contract
    schema = contract.shown if part is Part.ANSWER else contract.sent
    address = make_schema_url(contract, request.app.state.rooms.tokens.issuer)
    if part is Part.ANSWER:
        address += f"?part={part}"
    return cacheable(request, json.dumps({"$schema": _DIALECT, "$id": address, **schema}), form_of(request))


@router.post("/{name}/validate", response_model=Verdict, responses={422: {}}, openapi_extra=_TAKES_DATA)
async def validate_data(
    rooms: TheRooms,
    caller: Reader,
    name: ContractName,
    body: Body,
    version: Annotated[str | None, Query(description="absent: the newest in force")] = None,
) -> Response:
    """Whether an event with the body as its data (a question with the body) would be accepted. Nothing is stored.

    The answer says yes exactly where publishing would. `null` deletes a record.
    """
    tried = await asyncio.to_thread(_find_tried_version, rooms.catalogue, name, version)
    levels, who = rooms.settings.max_depth, caller.participant
    if tried.contract.kind is Kind.QUERY:
        schema = await asyncio.to_thread(lambda: tried.sent_text)
        found = json.loads(await rooms.heavy.run(judge_data, schema, body, b"%d" % levels, who=who))
    else:
        found = [(one.pointer, one.detail) for one in await try_data(rooms.gate, rooms.heavy, tried, body, levels, who)]
    errors = [{"pointer": pointer, "detail": detail} for pointer, detail in found]
    return Response(json.dumps({"valid": not errors, "errors": errors}), media_type="application/json")


def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = request.app.state.rooms.catalogue
    return catalogue


def _find_tried_version(catalogue: Catalogue, name: str, version: str | None) -> ContractVersion:
    """The newest version in force, or the version with a number, in whatever state."""
    return catalogue.newest(name) if version is None else catalogue.read_version(name, version)


def _summary(listed: ListedContract) -> ContractSummary:
    heading, current = listed.heading, listed.current
    return ContractSummary(
        contract=listed.name,
        title=heading.title,
        owner=heading.owner,
        kind=heading.kind,
        classification=heading.classification,
        current=current.version if current else None,
        versions=[version_summary(version) for version in listed.versions],
    )
