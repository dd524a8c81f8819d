"""Acts over HTTP: who acts, with the right to it; what is refused for lack of authority is in the action log."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Request, Security

from bus.actions import Actor, Attempts, Channel, Object, Verb, make_refused_act, make_refused_request
from bus.http.admissions import admit
from bus.http.security import SCHEME, principal_of
from bus.identity import Principal, Scope, require
from bus.problem import Refused
from bus.telemetry import read_trace_id

_NAMES: Final = ("id", "client_id", "name", "agency", "version")
"""Path parameters that name what an act is about; a contract's version has two."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """What a request is about to do."""

    what: Verb
    by: Actor


def actor(principal: Principal, request: Request) -> Actor:
    """The caller as the one who acts."""
    return Actor(
        principal.participant,
        is_operator=Scope.ADMIN in principal.scopes,
        channel=Channel.HTTP,
        address=request.client.host if request.client else "",
        client_id=principal.client_id,
        trace_id=read_trace_id(request.headers.get("traceparent")),
    )


def acting(scope: str, what: Verb) -> Callable[..., Awaitable[Actor]]:
    """A FastAPI dependency: who does `what`, with `scope` in the access token.

    Raises:
        Unauthenticated, ScopeMissing: when a request comes without.
    """

    async def authorised(
        request: Request, _documented: Annotated[str | None, Security(SCHEME, scopes=[scope])]
    ) -> Actor:
        principal = await principal_of(request)
        by = actor(principal, request)
        request.state.tried = _Tried(what, by)
        require(principal, scope)
        await admit(request, principal, scope)
        return by

    return authorised


def note_refused(request: Request, refusal: Refused) -> None:
    """Have the action log tell of a request that was refused for lack of authority.

    An act is told with its object, any other request with its operation alone.
    """
    if not refusal.lacks_authority:
        return
    tried: _Tried | None = getattr(request.state, "tried", None)
    caller: Principal | None = getattr(request.state, "caller", None)
    if tried is not None:
        attempt = make_refused_act(tried.what, tried.by, _object(tried.what, request), refusal.slug)
    elif caller is not None:
        operation = f"{request.method} {route_of(request.scope)}"
        attempt = make_refused_request(actor(caller, request), operation, refusal.slug)
    else:
        return
    attempts: Attempts = request.app.state.rooms.attempts
    attempts.note(attempt)


def route_of(scope: MutableMapping[str, Any]) -> str:
    """The template of the route that a request took; the path itself may hold a person's key."""
    return str(getattr(scope.get("route"), "path", "(none)"))


def _object(what: Verb, request: Request) -> Object:
    named = request.path_params
    client = named.get("client_id")
    return Object(what.kind, str(client) if client else "/".join(str(named[name]) for name in _NAMES if name in named))
