"""The catalogue of contracts over HTTP: reading it, registering and replacing drafts, trying data out."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from bus import json, limits
from bus.contracts.asyncapi import schema_url
from bus.contracts.catalogue import Catalogue
from bus.contracts.document import Classification, Contract, Kind, parse_text
from bus.contracts.errors import DocumentInvalid
from bus.contracts.lifecycle import State
from bus.contracts.register import Actor
from bus.contracts.registered import Registered
from bus.contracts.validation import Validator, shown
from bus.delivery.admission import check_size
from bus.http.conditional import cacheable, matches
from bus.http.contract_version import VersionDetail, VersionSummary, etag, version_detail, version_summary
from bus.http.paging import After, Limit, last_name, next_cursor
from bus.http.preconditions import IfMatch, IfMatchRequired
from bus.http.security import caller
from bus.identity.scopes import Scope
from bus.identity.tokens import Principal
from bus.problem import FieldError, Invalid, Refused

router = APIRouter(prefix="/v1/contracts", tags=["Contracts"])

_LARGEST_BODY: Final = 1024 * 1024
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Reader = Annotated[Principal, Depends(caller(Scope.CONTRACTS_READ))]
Writer = Annotated[Principal, Depends(caller(Scope.CONTRACTS_WRITE))]
Approver = Annotated[Principal, Depends(caller(Scope.CONTRACTS_APPROVE))]


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
    return bytes(text)


Body = Annotated[bytes, Depends(_body)]
"""The body of a request, of bounded size."""


def parsed(body: bytes, most_levels: int) -> Any:
    """The JSON value that a body is.

    Raises:
        Invalid: it is not JSON, is nested deeper than allowed, or has a member twice.
    """
    try:
        value = json.loads(body)
    except ValueError:
        raise Invalid("The body is not JSON in UTF-8.") from None
    if json.is_deeper(value, most_levels):
        raise Invalid(f"JSON may be nested {most_levels} levels deep.")
    if json.repeats(body, json.dumps(value)):
        at = shown(json.repeated_at(body) or ())
        raise Invalid("An object has each of its members once.", errors=[FieldError(at, "has a member twice")])
    return value


def takes(*media_types: str) -> dict[str, Any]:
    """What the documentation says of a body that is taken as bytes."""
    content: dict[str, Any] = {media_type: {"schema": {}} for media_type in media_types}
    return {"requestBody": {"required": True, "content": content}}


@router.get("")
def list_contracts(request: Request, caller: Reader, limit: Limit = 100, after: After = "") -> ContractList:
    """What can be exchanged on this bus, drafts included."""
    found = _catalogue(request).page(limit + 1, last_name(after))
    return ContractList(
        contracts=[ContractSummary(**_summary(versions)) for versions in found[:limit]],
        next=next_cursor([versions[0].contract.name for versions in found], limit),
    )


@router.post("", status_code=201, openapi_extra=takes("application/yaml", "application/json"))
def register_contract(request: Request, response: Response, caller: Writer, tags: IfMatch, body: Body) -> VersionDetail:
    """Register a version as a draft, from a contract document in YAML or JSON with its schemas inside.

    A draft may be sent again until it is active. Only the owner that the document names, or the operator, registers it.
    """
    contract = parse_text(body)
    _check_room(request, caller, contract)
    registered = _catalogue(request).add_draft(contract, actor(caller), tags)
    name, version = registered.contract.name, registered.contract.version
    response.headers["Location"] = f"{router.prefix}/{name}/versions/{version}"
    return version_detail(registered, response)


@router.get("/{name}")
def read_contract(request: Request, caller: Reader, name: str) -> ContractDetail:
    """A contract: its versions, and the document in force."""
    versions = _catalogue(request).versions(name)
    return ContractDetail(**_summary(versions), document=_shown(versions).contract.document)


@router.get(
    "/{name}/versions/{version}",
    response_model=VersionDetail,
    responses={304: {"description": "It is still the one that If-None-Match names"}},
)
def read_version(request: Request, response: Response, caller: Reader, name: str, version: str) -> Any:
    """One version with its document and its history; its ETag is what a change of it gives as If-Match."""
    registered = _catalogue(request).version(name, version)
    if matches(request.headers.get("if-none-match", ""), etag(registered)):
        return Response(status_code=304, headers={"ETag": etag(registered)})
    return version_detail(registered, response)


@router.put("/{name}/versions/{version}", openapi_extra=takes("application/yaml", "application/json"))
def replace_draft(
    request: Request, response: Response, caller: Writer, name: str, version: str, tags: IfMatchRequired, body: Body
) -> VersionDetail:
    """Replace the document of a draft, or of a proposed version, which is a draft again then."""
    contract = parse_text(body)
    wanted = {"/contract": (contract.name, name), "/version": (contract.version, version)}
    if wrong := [
        FieldError(at, f"must be {path}, as the path says") for at, (given, path) in wanted.items() if given != path
    ]:
        raise DocumentInvalid("The document is of another version than the path.", errors=wrong)
    _catalogue(request).version(name, version)
    _check_room(request, caller, contract)
    return version_detail(_catalogue(request).add_draft(contract, actor(caller), tags), response)


@router.get("/{name}/versions/{version}/schema", response_class=Response)
def read_schema(
    request: Request,
    caller: Reader,
    name: str,
    version: str,
    part: Annotated[Part, Query(description="of a query contract")] = Part.REQUEST,
) -> Response:
    """The JSON Schema of the data, self-contained; its address is what an event's `dataschema` names."""
    contract = _catalogue(request).version(name, version).contract
    schema = contract.shown if part is Part.ANSWER else contract.sent
    address = schema_url(contract, request.app.state.rooms.tokens.issuer)
    if part is Part.ANSWER:
        address += f"?part={part}"
    return cacheable(request, json.dumps({"$schema": _DIALECT, "$id": address, **schema}), "application/schema+json")


@router.post("/{name}/validate", openapi_extra=takes("application/json"))
def validate_data(
    request: Request,
    caller: Reader,
    name: str,
    body: Body,
    version: Annotated[str | None, Query(description="absent: the newest in force")] = None,
) -> Verdict:
    """Whether the body, taken as an event's data (a query's question), is valid under the contract. Nothing is stored."""
    data = parsed(body, request.app.state.rooms.settings.max_depth)
    errors = _validator(_catalogue(request), name, version).errors(data)
    return Verdict(valid=not errors, errors=[WrongField(pointer=e.pointer, detail=e.detail) for e in errors])


def _check_room(request: Request, caller: Principal, contract: Contract) -> None:
    """Refuse a version when the caller registered as many as it may, or when its grants filter by too much.

    Raises:
        Full, FilterTooLarge: see there.
    """
    if Scope.ADMIN in caller.scopes:
        return
    allowance: limits.Allowance = request.app.state.rooms.limits.of(caller.participant)
    for index, grant in enumerate(contract.grants):
        check_size(grant.rows, allowance.policy, f"/consumers/{index}/rows")
    holding = _catalogue(request).holding(caller.participant, contract)
    allowance.check_number(limits.Limit.DRAFTS, holding.drafts)
    allowance.check_number(limits.Limit.CONTRACTS, holding.versions)
    allowance.check_number(limits.Limit.CONTRACT_BYTES, holding.bytes + len(json.dumps(contract.document)))


def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = request.app.state.rooms.catalogue
    return catalogue


def actor(principal: Principal) -> Actor:
    """The caller as the register knows it."""
    return Actor(principal.participant, is_operator=Scope.ADMIN in principal.scopes)


def _validator(catalogue: Catalogue, name: str, version: str | None) -> Validator:
    if version is None:
        return catalogue.newest(name).validator
    return Validator(catalogue.version(name, version).contract.sent)


def _in_force(versions: Sequence[Registered]) -> Registered | None:
    for state in (State.ACTIVE, State.DEPRECATED):
        if found := [version for version in versions if version.state is state]:
            return found[-1]
    return None


def _shown(versions: Sequence[Registered]) -> Registered:
    return _in_force(versions) or versions[-1]


def _summary(versions: Sequence[Registered]) -> dict[str, Any]:
    contract, current = _shown(versions).contract, _in_force(versions)
    return {
        "contract": contract.name,
        "title": contract.title,
        "owner": contract.owner,
        "kind": contract.kind,
        "classification": contract.classification,
        "current": current.contract.version if current else None,
        "versions": [version_summary(version) for version in versions],
    }
