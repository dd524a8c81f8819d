"""The way of an adapter's version through its life over HTTP: propose, activate, deprecate, retire."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from bus.actions import Actor, Verb
from bus.http.acts import acting
from bus.http.api.adapters import AdapterVersionDetail, write_version
from bus.http.api.preconditions import IfMatch
from bus.http.openapi_parts import refer_headers
from bus.http.path_parameters import AdapterName, Version
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.identity import Scope

router = APIRouter(prefix="/v1/adapters/{name}/versions/{version}", tags=["Adapters"], route_class=Authorised)

_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"headers": refer_headers("ETag")},
    403: {"description": "The adapter is somebody else's, or the operator's word is needed"},
    404: {"description": "There is no such version"},
    409: {"description": "It may not: the problem says why, with the places in `errors`"},
    422: {},
}


@router.post("/propose", response_model=AdapterVersionDetail, responses=_REFUSALS)
async def propose_adapter(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_WRITE, Verb.ADAPTER_PROPOSE))],
    name: AdapterName,
    version: Version,
    tags: IfMatch,
) -> Response:
    """Propose a draft to the operator, or to the owner whom the operator names. The document's owner proposes.

    These drafts are refused with 409. A draft has errors (`adapter-not-ready`). Or it takes an operation from contracts in
    force (`adapter-incompatible`). Or the bus may not connect to its server (`adapter-address`).
    """
    registrar = rooms.adapters.registrar
    present = await asyncio.to_thread(registrar.read_draft, name, version, by, tags)
    judged = await rooms.judge.approve(present, by.participant)
    return write_version(await asyncio.to_thread(registrar.propose, present, judged, by), by)


@router.post("/activate", response_model=AdapterVersionDetail, responses=_REFUSALS)
async def activate_adapter(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.ADAPTER_ACTIVATE))],
    name: AdapterName,
    version: Version,
    tags: IfMatch,
) -> Response:
    """Put a version in force in every process within a second; the version before becomes deprecated.

    A deprecated version can be activated again: that is the roll-back. The operator activates, or the owner whom the operator
    names in `BUS_ADAPTERS__<ADAPTER>__OWNER` (403 `adapter-operator-word`). Who wrote or proposed a version that carries personal
    data does not activate it; another client does (409 `adapter-four-eyes`). It is checked as a proposal is. If the operator gave
    settings, they must fit (409 `adapter-settings`). Calls under way end with the version before.
    """
    registrar = rooms.adapters.registrar
    candidate = await asyncio.to_thread(registrar.read_candidate, name, version, by, tags)
    judged = await rooms.judge.approve(candidate[0], by.participant)
    return write_version(await asyncio.to_thread(registrar.activate, candidate, judged, by), by)


@router.post("/deprecate", response_model=AdapterVersionDetail, responses=_REFUSALS)
def deprecate_adapter(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.ADAPTER_DEPRECATE))],
    name: AdapterName,
    version: Version,
    tags: IfMatch,
) -> Response:
    """Take the active version out of force. It can be activated again.

    While no version is active, deliveries to the agency wait, its polls rest, and questions get 503 `adapter-off`.
    """
    return write_version(rooms.adapters.registrar.deprecate(name, version, by, tags), by)


@router.post("/retire", response_model=AdapterVersionDetail, responses=_REFUSALS)
def retire_adapter(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.ADAPTER_RETIRE))],
    name: AdapterName,
    version: Version,
    tags: IfMatch,
) -> Response:
    """Take a version out of force for good. Deliveries wait, as after a deprecation."""
    return write_version(rooms.adapters.registrar.retire(name, version, by, tags), by)
