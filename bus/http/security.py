"""Authorisation at the edge: one dependency that says who calls, and lets nobody pass without the scope.

FastAPI reads a request's body before it asks a dependency. So the routes of the API are `Authorised`: they ask first.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Annotated, Any

from fastapi import Request, Response, Security
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.routing import APIRoute
from fastapi.security import OAuth2

from bus.http.admissions import admit
from bus.identity import MEANINGS, Principal, Tokens, require

SCHEME = OAuth2(
    scheme_name="oauth",
    description="An access token of the client credentials grant (RFC 6749, section 4.4).",
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token", scopes={scope.value: meaning for scope, meaning in MEANINGS.items()}
        )
    ),
    # It only documents: the refusal, with its challenge, is ours.
    auto_error=False,
)


def caller(scope: str | None) -> Callable[..., Awaitable[Principal]]:
    """A FastAPI dependency: who calls, with `scope` in the access token (None: any valid token will do).

    Raises:
        Unauthenticated, ScopeMissing: when a request comes without.
        Limited: the caller's participant has used up what it may do.
    """

    async def authorised(
        request: Request, _documented: Annotated[str | None, Security(SCHEME, scopes=[scope] if scope else [])]
    ) -> Principal:
        principal = await principal_of(request)
        # Whoever is refused from here on is named in the action log.
        request.state.caller = principal
        if scope is not None:
            require(principal, scope)
        await admit(request, principal, scope)
        return principal

    return authorised


class Authorised(APIRoute):
    """A route that verifies the token, and the scopes that its dependencies ask for, before a byte of the body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of a request."""
        answer = super().get_route_handler()
        needed = list(_authorising(self.dependant))
        reads_body = self.body_field is not None

        async def authorised(request: Request) -> Response:
            for authorise in needed:
                await authorise(request, None)
            if reads_body:
                # Kept by the request. FastAPI would tell every refusal of the edge's as "error parsing the body".
                await request.body()
            return await answer(request)

        return authorised


def _authorising(dependant: Dependant) -> Iterator[Callable[..., Awaitable[object]]]:
    """The dependencies that ask for the access token, as `caller` does."""
    for inner in dependant.dependencies:
        if inner.call is not None and any(one.call is SCHEME for one in inner.dependencies):
            yield inner.call
        yield from _authorising(inner)


async def principal_of(request: Request) -> Principal:
    """Who sends a request.

    Raises:
        Unauthenticated: nobody that the bus knows.
    """
    tokens: Tokens = request.app.state.rooms.tokens
    return await tokens.authenticate(request.headers.get("authorization", "").encode("latin-1"))
