"""Acts over HTTP: finds the actor and checks its authority. The action log gets each refusal for lack of authority."""

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

_NAMES: Final = ("id", "client_id", "name", "agency", "version", "participant")
"""Path parameters that name what an act is about; a contract's version and a grant have two."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """The act that a request is about to do."""

    what: Verb
    by: Actor


def actor(principal: Principal, request: Request) -> Actor:
    """The caller as an actor."""
    return Actor(
        principal.participant,
        is_operator=Scope.ADMIN in principal.scopes,
        channel=Channel.HTTP,
        address=request.client.host if request.client else "",
        client_id=principal.client_id,
        trace_id=read_trace_id(request.headers.get("traceparent")),
    )


def acting(scope: str, what: Verb) -> Callable[..., Awaitable[Actor]]:
    """A FastAPI dependency: the actor of `what`, whose access token has `scope`.

    Raises:
        Unauthenticated, ScopeMissing: the request has no valid token, or the token lacks the scope.
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
    """Write a request that was refused for lack of authority into the action log.

    For an act, the entry names its object. For any other request, it names only the operation.
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
    """The template of the request's route: the path itself may hold a person's key."""
    return str(getattr(scope.get("route"), "path", "(none)"))


def _object(what: Verb, request: Request) -> Object:
    named = request.path_params
    client = named.get("client_id")
    return Object(what.kind, str(client) if client else "/".join(str(named[name]) for name in _NAMES if name in named))
