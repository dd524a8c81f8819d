"""A contract version's way through its life over HTTP: propose, activate, deprecate, retire."""

import asyncio
from datetime import date
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from bus import json
from bus.contracts import jobs
from bus.http.contract_version import VersionDetail, version_detail
from bus.http.contracts import Approver, Writer, actor
from bus.http.preconditions import IfMatch
from bus.http.rooms import TheRooms

router = APIRouter(prefix="/v1/contracts/{name}/versions/{version}", tags=["Contracts"])

_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"description": "The contract is somebody else's", **_PROBLEM},
    404: {"description": "There is no such version", **_PROBLEM},
    409: {
        "description": "It may not: the problem says why, with `compatibility` where it would break something",
        **_PROBLEM,
    },
    412: {"description": "It is no longer what If-Match names", **_PROBLEM},
}


class Activation(BaseModel):
    """How a version is put in force."""

    model_config = ConfigDict(extra="forbid")

    accept_undecided: bool = Field(
        False, description="the operator's word that a change whose compatibility cannot be decided is harmless"
    )


class Deprecation(BaseModel):
    """How a version is superseded."""

    model_config = ConfigDict(extra="forbid")

    sunset: date | None = Field(
        None,
        description="the day after which its owner means to retire it, by Lamongan's calendar; nothing happens by itself",
    )


@router.post("/propose", responses=_REFUSALS)
def propose_version(
    rooms: TheRooms, response: Response, caller: Writer, name: str, version: str, tags: IfMatch
) -> VersionDetail:
    """Lay a draft before those who approve for the contract's owner."""
    return version_detail(rooms.catalogue.propose(name, version, actor(caller), tags), response)


@router.post("/activate", responses=_REFUSALS)
async def activate_version(
    rooms: TheRooms,
    response: Response,
    caller: Approver,
    name: str,
    version: str,
    tags: IfMatch,
    how: Activation | None = None,
) -> VersionDetail:
    """Put a version in force; from then on it never changes.

    It must have no lint errors, keep what it owes every version that is still active, and go up as far as the change is large.
    """
    accept = how is not None and how.accept_undecided
    catalogue, by = rooms.catalogue, actor(caller)
    candidate = await asyncio.to_thread(catalogue.candidate, name, version, by, tags, accept_undecided=accept)
    asked = await asyncio.to_thread(candidate.document)
    undecided = json.loads(await rooms.heavy.run(jobs.approve, asked, who=caller.participant))
    moved = await asyncio.to_thread(catalogue.put_in_force, candidate, by, accepted_undecided=undecided)
    return version_detail(moved, response)


@router.post("/deprecate", responses=_REFUSALS)
def deprecate_version(
    rooms: TheRooms,
    response: Response,
    caller: Approver,
    name: str,
    version: str,
    tags: IfMatch,
    how: Deprecation | None = None,
) -> VersionDetail:
    """Mark a version as superseded; it still takes events, and tells their publishers."""
    sunset = how.sunset if how else None
    return version_detail(rooms.catalogue.deprecate(name, version, actor(caller), tags, sunset=sunset), response)


@router.post("/retire", responses=_REFUSALS)
def retire_version(
    rooms: TheRooms, response: Response, caller: Approver, name: str, version: str, tags: IfMatch
) -> VersionDetail:
    """Take a version out of force for good; whoever publishes under it is told its successor."""
    return version_detail(rooms.catalogue.retire(name, version, actor(caller), tags), response)
