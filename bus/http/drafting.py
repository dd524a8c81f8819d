"""Drafts of contract versions: registers and replaces them. The API and the console offer it."""

import asyncio

from bus import json
from bus.actions import Actor
from bus.contracts import Contract, DocumentInvalid, RegisteredVersion, Tags, read_document, restore_contract
from bus.http.drafts import check_room
from bus.http.rooms import Rooms
from bus.problem import FieldError


async def register_draft(rooms: Rooms, text: bytes, by: Actor, tags: Tags = None) -> RegisteredVersion:
    """Register a document in YAML or JSON as a draft.

    Raises:
        DocumentInvalid: the text is no contract document.
        Full, FilterTooLarge: the participant has as many versions as it may, or a grant filters by too much.
        Refused: what `Registrar.add_draft` raises.
    """
    return await _add(rooms, text, by, tags, None)


async def replace_draft(
    rooms: Rooms, text: bytes, place: tuple[str, str], by: Actor, tags: Tags = None
) -> RegisteredVersion:
    """Replace the document of a draft, or of a proposed version, which is a draft again then.

    Args:
        place: the contract's name and the version. The document must have both.

    Raises:
        NoSuchContract: there is no such version.
        Refused: what `register_draft` raises.
    """
    return await _add(rooms, text, by, tags, place)


async def _add(rooms: Rooms, text: bytes, by: Actor, tags: Tags, place: tuple[str, str] | None) -> RegisteredVersion:
    document = await rooms.heavy.run(read_document, text, who=by.participant)
    # One at a time: those that are counted together would be too many together.
    async with rooms.limits.get(by.participant).adding:
        return await asyncio.to_thread(_store, rooms, document, by, tags, place)


def _store(rooms: Rooms, document: bytes, by: Actor, tags: Tags, place: tuple[str, str] | None) -> RegisteredVersion:
    contract = restore_contract(json.loads(document))
    if place is not None:
        _check_place(contract, *place)
        rooms.catalogue.registrar.read_version(*place)
    check_room(rooms, by, contract)
    return rooms.catalogue.registrar.add_draft(contract, by, tags)


def _check_place(contract: Contract, name: str, version: str) -> None:
    wanted = {"/contract": (contract.name, name), "/version": (contract.version, version)}
    if wrong := [
        FieldError(at, f"must be {path}, as the path says") for at, (given, path) in wanted.items() if given != path
    ]:
        raise DocumentInvalid("The document is of another version than the path.", errors=wrong)
