"""A contract's AsyncAPI document over HTTP."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from bus import json
from bus.contracts.asyncapi import asyncapi
from bus.contracts.yaml import write_text
from bus.http.conditional import cacheable
from bus.http.contracts import Reader
from bus.http.pull import wanted
from bus.http.rooms import TheRooms
from bus.http.security import Authorised

router = APIRouter(prefix="/v1/contracts", tags=["Contracts"], route_class=Authorised)

_YAML: Final = "application/yaml"
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "AsyncAPI 3.0", "content": {"application/json": {}, _YAML: {}}},
    304: {"description": "It is still the one that If-None-Match names"},
}


@router.get("/{name}/asyncapi", response_class=Response, responses=_ANSWER)
def read_asyncapi(
    request: Request,
    rooms: TheRooms,
    caller: Reader,
    name: str,
    version: Annotated[str | None, Query(description="absent: the newest in force")] = None,
) -> Response:
    """How to publish and receive under a contract, as an AsyncAPI 3.0 document to generate code from.

    With `Accept: application/yaml` it comes as YAML.
    """
    catalogue = rooms.catalogue
    found = catalogue.version(name, version) if version else catalogue.newest(name)
    document = asyncapi(found.contract, rooms.tokens.issuer)
    if wanted(request, _YAML):
        return cacheable(request, write_text(document), _YAML)
    return cacheable(request, json.dumps(document), "application/json")
