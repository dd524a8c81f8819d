"""A contract version's way through its life over HTTP: propose, activate, deprecate, retire."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from bus.actions import Actor, Verb
from bus.http.acts import acting
from bus.http.api.contract_version import VersionDetail, version_answer
from bus.http.api.preconditions import IfMatch
from bus.http.approving import approve_version
from bus.http.openapi_parts import refer_headers
from bus.http.path_parameters import ContractName, Version
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.values import Day
from bus.identity import Scope

router = APIRouter(prefix="/v1/contracts/{name}/versions/{version}", tags=["Contracts"], route_class=Authorised)

_REFUSALS: dict[int | str, dict[str, Any]] = {
    200: {"headers": refer_headers("ETag")},
    403: {"description": "The contract or its domain is somebody else's"},
    404: {"description": "There is no such version"},
    409: {
        "description": "It may not: the problem says why, with `compatibility` where it would break something",
    },
    422: {},
}


class Activation(BaseModel):
    """How a version is put in force."""

    model_config = ConfigDict(extra="forbid")

    accept_undecided: bool = Field(
        False,
        strict=True,
        description="the operator's word that a change whose compatibility cannot be decided is harmless",
    )


class Deprecation(BaseModel):
    """How a version is superseded."""

    model_config = ConfigDict(extra="forbid")

    sunset: Day | None = Field(
        None,
        description="the day after which its owner means to retire it, by Lamongan's calendar; nothing happens by itself",
    )


@router.post("/propose", response_model=VersionDetail, responses=_REFUSALS)
def propose_version(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_WRITE, Verb.CONTRACT_PROPOSE))],
    name: ContractName,
    version: Version,
    tags: IfMatch,
) -> Response:
    """Propose a draft to those who approve in its domain. The domain's owner or the operator proposes.

    A draft with a grant that has ended, or with an operation that its adapter lacks, is refused (409 `contract-not-ready`).
    """
    moved = rooms.catalogue.registrar.propose(name, version, by, tags)
    return version_answer(rooms.catalogue, moved, by)


@router.post("/consent", response_model=VersionDetail, responses=_REFUSALS)
def consent_to_version(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.CONTRACT_CONSENT))],
    name: ContractName,
    version: Version,
    tags: IfMatch,
) -> Response:
    """Give the word of an adapter's owner: the version may use the operations of your adapters that it names.

    The version's history holds the word. A change of the document cancels it.
    """
    moved = rooms.catalogue.registrar.consent(name, version, by, tags)
    return version_answer(rooms.catalogue, moved, by)


@router.post("/activate", response_model=VersionDetail, responses=_REFUSALS)
async def activate_version(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.CONTRACT_ACTIVATE))],
    name: ContractName,
    version: Version,
    tags: IfMatch,
    grants: Annotated[
        Literal["seen"] | None,
        Query(description="`seen`: you read what the version newly grants, as `POST /v1/contracts/check` lists it"),
    ] = None,
    how: Activation | None = None,
) -> Response:
    """Put a version in force; from then on it never changes. The owner of its domain or the operator does so.

    It must have no lint errors, and keep what it owes every active version. Its number must go up as far as the change asks.
    Who wrote or proposed a version about persons does not activate it; another client does (409 `four-eyes`).
    A version that shows more personal data to anybody needs `grants=seen`; without it the answer is 409 `contract-grants-unseen`,
    whose `grants` say what is shown to whom, why and until when.
    A version that names an adapter's operation needs the word of the adapter's owner (409 `adapter-word-missing`).
    """
    moved = await approve_version(
        rooms,
        name,
        version,
        by,
        tags,
        accept_undecided=how is not None and how.accept_undecided,
        grants_seen=grants == "seen",
    )
    return await asyncio.to_thread(version_answer, rooms.catalogue, moved, by)


@router.post("/deprecate", response_model=VersionDetail, responses=_REFUSALS)
def deprecate_version(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.CONTRACT_DEPRECATE))],
    name: ContractName,
    version: Version,
    tags: IfMatch,
    how: Deprecation | None = None,
) -> Response:
    """Mark a version as superseded; it still takes events, and tells their publishers."""
    sunset = how.sunset if how else None
    moved = rooms.catalogue.registrar.deprecate(name, version, by, tags, sunset=sunset)
    return version_answer(rooms.catalogue, moved, by)


@router.post("/retire", response_model=VersionDetail, responses=_REFUSALS)
def retire_version(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.CONTRACTS_APPROVE, Verb.CONTRACT_RETIRE))],
    name: ContractName,
    version: Version,
    tags: IfMatch,
) -> Response:
    """Take a version out of force for good; whoever publishes under it is told its successor."""
    moved = rooms.catalogue.registrar.retire(name, version, by, tags)
    return version_answer(rooms.catalogue, moved, by)
