"""A contract in the Open Data Contract Standard over HTTP."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from bus.contracts import Catalogue, RegisteredVersion, export_odcs
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
        "description": "A document of the Open Data Contract Standard 3.1",
        "headers": refer_headers("ETag"),
        "content": {"application/json": {"schema": {"type": "object"}}, _YAML: {"schema": {"type": "string"}}},
    },
    304: {"description": "It is still the one that `If-None-Match` names", "headers": refer_headers("ETag")},
}


@router.get("/{name}/odcs", response_class=Response, responses=_ANSWER)
async def read_odcs(
    request: Request,
    rooms: TheRooms,
    caller: Reader,
    name: ContractName,
    version: Annotated[str | None, Query(description="absent: the newest in force")] = None,
) -> Response:
    """A contract for data catalogues: a document of the Open Data Contract Standard 3.1.

    What the standard lacks stands in `customProperties`. With `Accept: application/yaml` it comes as YAML.
    """
    found = await asyncio.to_thread(_find_version, rooms.catalogue, name, version)
    media_type = form_of(request)
    form = b"yaml" if media_type == _YAML else b"json"
    text = await rooms.heavy.run(export_odcs, found.text, found.state.value.encode(), form, who=caller.participant)
    return cacheable(request, text, media_type)


def _find_version(catalogue: Catalogue, name: str, version: str | None) -> RegisteredVersion:
    return catalogue.registrar.read_version(name, version or catalogue.newest(name).contract.version)
