"""Trying data out against a contract: nothing is stored. The API and the console offer it."""

import asyncio

from bus import json
from bus.contracts import Catalogue, ContractVersion, Kind, judge_data
from bus.http.rooms import Rooms
from bus.journal import try_data
from bus.problem import FieldError


async def try_document(rooms: Rooms, name: str, version: str | None, text: bytes, who: str) -> list[FieldError]:
    """Why an event with these data (of a query contract: a question) would be refused; empty: it would be accepted.

    Args:
        version: a version in whatever state; None: the newest in force.
        text: the data as JSON.
        who: the participant on whose share the data are checked.

    Raises:
        NoSuchContract: there is no such contract or version.
        Invalid: the text is not JSON, is nested too deep, or has a member twice.
        TooHeavy: to check the data takes too long.
    """
    tried = await asyncio.to_thread(_find_version, rooms.catalogue, name, version)
    levels = rooms.settings.max_depth
    if tried.contract.kind is not Kind.QUERY:
        return await try_data(rooms.gate, rooms.heavy, tried, text, levels, who)
    schema = await asyncio.to_thread(lambda: tried.sent_text)
    found = json.loads(await rooms.heavy.run(judge_data, schema, text, b"%d" % levels, who=who))
    return [FieldError(pointer, detail) for pointer, detail in found]


def _find_version(catalogue: Catalogue, name: str, version: str | None) -> ContractVersion:
    """The newest version in force, or the version with a number, in whatever state."""
    return catalogue.newest(name) if version is None else catalogue.read_version(name, version)
