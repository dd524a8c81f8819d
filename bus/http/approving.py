"""The approval of a contract version: judges it in a worker process, then puts it in force. The API and the console offer it."""

import asyncio

from bus import json
from bus.actions import Actor
from bus.contracts import RegisteredVersion, Tags, judge_approval
from bus.http.rooms import Rooms


async def approve_version(
    rooms: Rooms,
    name: str,
    version: str,
    by: Actor,
    tags: Tags = None,
    *,
    accept_undecided: bool = False,
    grants_seen: bool = False,
) -> RegisteredVersion:
    """Put a version in force.

    Args:
        accept_undecided: the operator accepts a change whose compatibility cannot be decided.
        grants_seen: the approver saw what the version newly grants.

    Raises:
        Refused: what `Registrar.read_candidate`, `judge_approval` and `Registrar.put_in_force` raise.
    """
    registrar = rooms.catalogue.registrar
    candidate = await asyncio.to_thread(
        registrar.read_candidate,
        name,
        version,
        by,
        tags,
        accept_undecided=accept_undecided,
        grants_seen=grants_seen,
    )
    asked = await asyncio.to_thread(candidate.document)
    undecided = json.loads(await rooms.heavy.run(judge_approval, asked, who=by.participant))
    return await asyncio.to_thread(registrar.put_in_force, candidate, by, accepted_undecided=undecided)
