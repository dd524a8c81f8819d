"""Keluar: a member ends the session of this browser."""

import asyncio
from typing import Annotated

from fastapi import Request, Response

from bus.console.cookies import SESSION, drop_cookie
from bus.console.page import SIGN_IN, go_to, page_router
from bus.console.roles import EVERYBODY
from bus.console.visit import Visit, visiting

router = page_router()


@router.post("/konsol/keluar")
async def sign_out(request: Request, visit: Annotated[Visit, visiting(*EVERYBODY)]) -> Response:
    """End the session."""
    end = visit.rooms.staff.sessions.end
    await asyncio.to_thread(end, visit.account, visit.session.id, visit.by.address)
    response = go_to(SIGN_IN)
    drop_cookie(request, response, SESSION)
    return response
