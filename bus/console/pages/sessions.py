"""Sesi: where a member is signed in, and the end of each session."""

import asyncio
from typing import Annotated

from fastapi import Path, Request, Response

from bus.console.page import go_to, page_router
from bus.console.render import show
from bus.console.roles import EVERYBODY
from bus.console.visit import Visit, visiting

router = page_router()

Visitor = Annotated[Visit, visiting(*EVERYBODY)]


@router.get("/konsol/sesi")
async def list_sessions(request: Request, visit: Visitor) -> Response:
    """The member's own sessions."""
    found = await asyncio.to_thread(visit.rooms.staff.sessions.list_of, visit.account)
    return show(request, "sesi.html", sessions=found)


@router.post("/konsol/sesi/{id}/akhiri")
async def end_session(visit: Visitor, id: Annotated[str, Path(max_length=100)]) -> Response:
    """End one of them."""
    await asyncio.to_thread(visit.rooms.staff.sessions.end, visit.account, id, visit.by.address)
    return go_to("/konsol/sesi")
