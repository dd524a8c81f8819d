"""The entrance: opens a session for a member who proved an account, and leads on."""

import asyncio
from typing import Final

from fastapi import Request, Response

from bus.console.cookies import SESSION, VISITOR, WANTED, drop_cookie, set_cookie
from bus.console.page import go_to, is_inside
from bus.console.visit import address_of
from bus.http import Rooms
from bus.staff import Account, Session

HOME: Final = "/konsol"


async def go_on(request: Request, rooms: Rooms, session: Session, wanted: str) -> Response:
    """Note in a session that its member proved the account again, and have the browser go on."""
    await asyncio.to_thread(rooms.staff.sessions.note_proof, session, address_of(request))
    response = go_to(wanted if is_inside(wanted) else HOME)
    drop_cookie(request, response, WANTED)
    return response


async def enter(request: Request, rooms: Rooms, account: Account, wanted: str) -> Response:
    """Open a session, and have the browser go to a page of the console.

    Args:
        wanted: the page; an address elsewhere becomes the start page.

    Raises:
        SignInRefused: the account was disabled meanwhile.
    """
    open_session = rooms.staff.sessions.open
    secret = await asyncio.to_thread(open_session, account, address_of(request), request.headers.get("user-agent", ""))
    response = go_to(wanted if is_inside(wanted) else HOME)
    set_cookie(request, response, SESSION, secret)
    drop_cookie(request, response, VISITOR)
    drop_cookie(request, response, WANTED)
    return response
