"""Visits: who looks at a page or sends a form, and whether the role of that member includes it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Depends, Request

from bus.actions import Actor, make_refused_request
from bus.console.cookies import SESSION, VISITOR, read_cookie
from bus.http import Rooms
from bus.problem import Refused
from bus.staff import Account, Role, RoleMissing, Session


class NotSignedIn(Refused):
    """Nobody is signed in here, or the session has ended; sign in."""

    status = 403
    slug = "not-signed-in"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a member of staff.

    Attributes:
        form: the fields of the form; empty of a page that is only looked at.
        by: the member as an actor of the action log.
    """

    session: Session
    rooms: Rooms
    form: Mapping[str, str]
    by: Actor

    @property
    def account(self) -> Account:
        """The member's account."""
        return self.session.account

    @property
    def reach(self) -> str | None:
        """The participant whose objects the member sees; None: those of all participants."""
        return self.account.reach


def visiting(*roles: Role) -> Any:
    """A FastAPI dependency: the visit of a member who has one of these roles.

    Raises:
        NotSignedIn: there is no session, or it has ended.
        RoleMissing: the member has another role. The action log tells it.
    """

    async def find(request: Request) -> Visit:
        session = await find_session(request)
        if session is None:
            raise NotSignedIn("Sign in first.")
        by = session.account.act_from(address_of(request))
        if session.account.role not in roles:
            refusal = RoleMissing(f"The role {session.account.role} does not include this.")
            route = getattr(request.scope.get("route"), "path", "")
            request.app.state.rooms.attempts.note(make_refused_request(by, f"{request.method} {route}", refusal.slug))
            raise refusal
        return Visit(session, request.app.state.rooms, getattr(request.state, "form", {}), by)

    return Depends(find)


async def find_session(request: Request) -> Session | None:
    """The session of the browser; None: nobody is signed in. It is looked for once a request."""
    if not hasattr(request.state, "session"):
        secret, rooms = read_cookie(request, SESSION), request.app.state.rooms
        find = partial(rooms.staff.sessions.find, secret, is_used=not asks_itself(request))
        request.state.session = await asyncio.to_thread(find) if secret else None
    session: Session | None = request.state.session
    return session


async def still_signed_in(request: Request) -> bool:
    """Whether the session of the browser goes on. An answer that takes long asks again and again."""
    find = partial(request.app.state.rooms.staff.sessions.find, read_cookie(request, SESSION), is_used=False)
    return await asyncio.to_thread(find) is not None


def asks_itself(request: Request) -> bool:
    """Whether a page asks for a part of itself or for live numbers, without anybody's act."""
    is_stream = request.headers.get("accept") == "text/event-stream"
    return request.method == "GET" and (is_stream or request.headers.get("hx-request") == "true")


def address_of(request: Request) -> str:
    """The network address of the browser."""
    return request.client.host if request.client else ""


def bound_of(request: Request) -> str:
    """The cookie's value that forms of this browser are bound to; empty: it has none yet."""
    return read_cookie(request, SESSION) or read_cookie(request, VISITOR)
