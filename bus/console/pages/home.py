"""Beranda: whether all flows, or what needs somebody now; counts, and the table of flows."""

import asyncio
from typing import Annotated

from fastapi import Request, Response

from bus.console.needs import list_needs
from bus.console.page import page_router
from bus.console.render import show, words_of
from bus.console.roles import EVERYBODY, OPERATING, SUBSCRIBING
from bus.console.visit import Visit, visiting
from bus.http import Rooms
from bus.refusals import Poll
from bus.status import Status, name_sink

router = page_router()


@router.get("/konsol")
async def read_home(request: Request, visit: Annotated[Visit, visiting(*EVERYBODY)]) -> Response:
    """The start page of each role. Those who steer nothing get the beginning of their own work."""
    role, rooms = visit.account.role, visit.rooms
    if role not in SUBSCRIBING:
        return show(request, "beranda_lain.html", role=role)
    status = await asyncio.to_thread(_read_status, rooms, visit.reach)
    findings = await asyncio.to_thread(rooms.checkups.read) if role in OPERATING else ()
    needs = list_needs(status, findings, words_of(request))
    return show(request, "beranda.html", status=status, needs=needs, name_sink=name_sink, reach=visit.reach)


def _read_status(rooms: Rooms, reach: str | None) -> Status:
    polls = [Poll(adapter, operation.name) for adapter, operation in rooms.agencies.list_polls()]
    mine = {one.adapter for one in polls if rooms.agencies.find_participant(one.adapter) == reach}
    return rooms.status.read(reach, polls if reach is None else [one for one in polls if one.adapter in mine], mine)
