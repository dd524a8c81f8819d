"""A contract's AsyncAPI document over HTTP."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from bus import json
from bus.contracts import Catalogue, write_asyncapi
from bus.http.api.contracts import Reader
from bus.http.conditional import cacheable
from bus.http.openapi_parts import refer_headers
from bus.http.path_parameters import ContractName
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.semantics import form_of

router = APIRouter(prefix="/v1/contracts", tags=["Contracts"], route_class=Authorised)

_YAML: Final = "application/yaml"
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "An AsyncAPI 3.0 document",
        "headers": refer_headers("ETag"),
        "content": {"application/json": {"schema": {"type": "object"}}, _YAML: {"schema": {"type": "string"}}},
    },
    304: {"description": "It is still the one that `If-None-Match` names", "headers": refer_headers("ETag")},
}


@router.get("/{name}/asyncapi", response_class=Response, responses=_ANSWER)
async def read_asyncapi(
    request: Request,
    rooms: TheRooms,
    caller: Reader,
    name: ContractName,
    version: Annotated[str | None, Query(description="absent: the newest in force")] = None,
) -> Response:
    """How to publish and receive under a contract, as an AsyncAPI 3.0 document to generate code from.

    With `Accept: application/yaml` it comes as YAML.
    """
    asked = await asyncio.to_thread(_document, rooms.catalogue, name, version)
    media_type = form_of(request)
    form = b"yaml" if media_type == _YAML else b"json"
    issuer = rooms.tokens.issuer.encode()
    text = await rooms.heavy.run(write_asyncapi, asked, issuer, form, who=caller.participant)
    return cacheable(request, text, media_type)


def _document(catalogue: Catalogue, name: str, version: str | None) -> bytes:
    return (
        catalogue.registrar.read_version(name, version).text
        if version
        else json.dumps(catalogue.newest(name).contract.document)
    )
