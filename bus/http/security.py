"""Authorisation at the edge: one dependency that says who calls, and lets nobody pass without the scope."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2

from bus.identity.scopes import MEANINGS
from bus.identity.tokens import Principal, Tokens, require

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
    """

    async def authorised(
        request: Request, _documented: Annotated[str | None, Security(SCHEME, scopes=[scope] if scope else [])]
    ) -> Principal:
        principal = await principal_of(request)
        if scope is not None:
            require(principal, scope)
        return principal

    return authorised


async def principal_of(request: Request) -> Principal:
    """Who sends a request.

    Raises:
        Unauthenticated: nobody that the bus knows.
    """
    tokens: Tokens = request.app.state.rooms.tokens
    return await tokens.authenticate(request.headers.get("authorization", "").encode("latin-1"))
