"""A contract over HTTP in the forms that others read: AsyncAPI, and the Open Data Contract Standard."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from bus import json
from bus.contracts import Catalogue, Classification, RegisteredVersion, export_odcs, import_odcs, write_asyncapi
from bus.http.api.contract_checks import LintFinding
from bus.http.api.contracts import Body, Reader, Writer
from bus.http.conditional import cacheable
from bus.http.openapi_parts import refer_headers
from bus.http.path_parameters import ContractName
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.semantics import form_of

router = APIRouter(prefix="/v1/contracts", tags=["Contracts"], route_class=Authorised)

_YAML: Final = "application/yaml"
_Version = Annotated[str | None, Query(description="absent: the newest in force")]


_STANDARD: Final[dict[str, Any]] = {
    "schema": {
        "description": "a document of the Open Data Contract Standard 3.1; what is wrong with it, the answer says"
    }
}
_TAKES_STANDARD: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": dict.fromkeys(("application/json", _YAML), _STANDARD)}
}


class ImportedContract(BaseModel):
    """A contract document that was made of another standard's."""

    document: dict[str, Any] = Field(description="the contract, to register it with POST /v1/contracts")
    lint: list[LintFinding] = Field(description="what has to be mended, or judged, before")


def _describe(document: str) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"schema": {"type": "object"}}, _YAML: {"schema": {"type": "string"}}}
    headers = refer_headers("ETag")
    return {
        200: {"description": document, "headers": headers, "content": content},
        304: {"description": "It is still the one that `If-None-Match` names", "headers": headers},
    }


@router.get("/{name}/asyncapi", response_class=Response, responses=_describe("An AsyncAPI 3.0 document"))
async def read_asyncapi(
    request: Request, rooms: TheRooms, caller: Reader, name: ContractName, version: _Version = None
) -> Response:
    """How to publish and receive under a contract, as an AsyncAPI 3.0 document to generate code from.

    With `Accept: application/yaml` it comes as YAML.
    """
    found = await asyncio.to_thread(_find_version, rooms.catalogue, name, version)
    issuer = rooms.tokens.issuer.encode()
    text = await rooms.heavy.run(write_asyncapi, found.text, issuer, _find_form(request), who=caller.participant)
    return cacheable(request, text, form_of(request))


@router.get(
    "/{name}/odcs",
    response_class=Response,
    responses=_describe("A document of the Open Data Contract Standard 3.1"),
)
async def read_odcs(
    request: Request, rooms: TheRooms, caller: Reader, name: ContractName, version: _Version = None
) -> Response:
    """A contract for data catalogues: a document of the Open Data Contract Standard 3.1.

    What the standard lacks stands in `customProperties`. With `Accept: application/yaml` it comes as YAML.
    """
    found = await asyncio.to_thread(_find_version, rooms.catalogue, name, version)
    state = found.state.value.encode()
    text = await rooms.heavy.run(export_odcs, found.text, state, _find_form(request), who=caller.participant)
    return cacheable(request, text, form_of(request))


@router.post("/odcs", response_model=ImportedContract, responses={422: {}}, openapi_extra=_TAKES_STANDARD)
async def convert_odcs(
    rooms: TheRooms,
    caller: Writer,
    body: Body,
    name: Annotated[str | None, Query(description="`<domain>.<noun>`; absent: as the document says")] = None,
    owner: Annotated[str | None, Query(description="who answers for the data; absent: the document's team")] = None,
    classification: Annotated[Classification | None, Query(description="absent: as the document says")] = None,
    subject: Annotated[str | None, Query(description="JSON Pointer of the person's number")] = None,
    leave_out: Annotated[bool, Query(description="also if the document says more than a contract can say")] = False,
) -> Response:
    """Make a contract document of a document of the Open Data Contract Standard 3.1, in YAML or JSON. Nothing is stored.

    Roles become grants only if an export of this bus wrote them.
    """
    given = {"name": name, "owner": owner, "classification": classification, "subject": subject, "leave_out": leave_out}
    answer = await rooms.heavy.run(import_odcs, body, json.dumps(given), who=caller.participant)
    # Passed on as it is: FastAPI would check and write a large document while the event loop waits.
    return Response(answer, media_type="application/json")


def _find_form(request: Request) -> bytes:
    return b"yaml" if form_of(request) == _YAML else b"json"


def _find_version(catalogue: Catalogue, name: str, version: str | None) -> RegisteredVersion:
    return catalogue.registrar.read_version(name, version or catalogue.newest(name).contract.version)
