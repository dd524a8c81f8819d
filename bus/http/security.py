"""Authorisation at the edge: one dependency finds the caller, and refuses a caller without the scope.

`bus.identity` makes the answers: `scopes.py` to a token that lacks the scope, `tokens.py` to a request without a valid token.

FastAPI reads a request's body before it calls a dependency. So the routes of the API are `Authorised`: they authorise first.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Annotated, Any

from fastapi import Request, Response, Security
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.routing import APIRoute
from fastapi.security import OAuth2

from bus.http.admissions import admit
from bus.http.orders import read_order
from bus.identity import MEANINGS, Principal, Tokens, require
from bus.limits import Limit

SCHEME = OAuth2(
    scheme_name="oauth",
    description="An access token of the client credentials grant (RFC 6749, section 4.4).",
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token", scopes={scope.value: meaning for scope, meaning in MEANINGS.items()}
        )
    ),
    # The scheme only documents. The bus makes the refusal, with its challenge.
    auto_error=False,
)


def caller(scope: str | None, limit: Limit | None = None) -> Callable[..., Awaitable[Principal]]:
    """A FastAPI dependency: the caller, whose access token has `scope` (None: any valid token is enough).

    Args:
        scope: the scope that the token must have.
        limit: the rate that counts the request; None: by the method and the scope.

    Raises:
        Unauthenticated, ScopeMissing: the request has no valid token, or the token lacks the scope.
        Limited: the caller's participant has used up its limit.
    """

    async def authorised(
        request: Request, _documented: Annotated[str | None, Security(SCHEME, scopes=[scope] if scope else [])]
    ) -> Principal:
        principal = await principal_of(request)
        # From here on, the action log can name a refused caller.
        request.state.caller = principal
        if scope is not None:
            require(principal, scope)
        await admit(request, principal, scope, limit)
        return principal

    return authorised


class Authorised(APIRoute):
    """A route that verifies the token, and the scopes of its dependencies, before it reads a byte of the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of a request."""
        answer = super().get_route_handler()
        needed = list(_authorising(self.dependant))
        reads_body = self.body_field is not None

        async def authorised(request: Request) -> Response:
            for authorise in needed:
                await authorise(request, None)
            if reads_body:
                # FastAPI would report every refusal of the edge as "error parsing the body".
                request = await read_order(request, request.app.state.rooms.settings.max_depth)
            return await answer(request)

        return authorised


def _authorising(dependant: Dependant) -> Iterator[Callable[..., Awaitable[object]]]:
    """The dependencies that ask for the access token, as `caller` does."""
    for inner in dependant.dependencies:
        if inner.call is not None and any(one.call is SCHEME for one in inner.dependencies):
            yield inner.call
        yield from _authorising(inner)


async def principal_of(request: Request) -> Principal:
    """The sender of a request.

    Raises:
        Unauthenticated: the bus does not know the sender.
    """
    tokens: Tokens = request.app.state.rooms.tokens
    return await tokens.authenticate(request.headers.get("authorization", "").encode("latin-1"))
