"""Acceptance of a request for access: its grant comes into a draft of the contract. The API and the console offer it."""

import asyncio

from bus import json
from bus.actions import Actor
from bus.contracts import Contract, RegisteredVersion, Tags, read_document, restore_contract
from bus.http.drafts import check_room
from bus.http.rooms import Rooms


async def accept_access(rooms: Rooms, by: Actor, id: str) -> RegisteredVersion:
    """Put the grant that somebody asks for into a draft, which the contract's owner then edits, proposes and activates.

    Raises:
        NoSuchAccessRequest, AccessDecided, NotOwner: see there.
        ChangedMeanwhile, VersionChanged: the contract changed at the same moment.
        DocumentInvalid: the contract does not take the grant.
        Full: the owner has as many drafts as it may have.
    """
    sketch = await asyncio.to_thread(rooms.catalogue.registrar.access_requests.sketch, id, by)
    document = await rooms.heavy.run(read_document, sketch.document, who=by.participant)
    # One at a time: those that are counted together would be too many together.
    async with rooms.limits.get(by.participant).adding:
        return await asyncio.to_thread(_accept, rooms, id, document, sketch.tags, by)


def _accept(rooms: Rooms, id: str, document: bytes, tags: Tags, by: Actor) -> RegisteredVersion:
    drafted: Contract = restore_contract(json.loads(document))
    check_room(rooms, by, drafted)
    return rooms.catalogue.registrar.access_requests.accept(id, drafted, tags, by)
