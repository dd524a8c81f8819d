"""Authorisation at the edge: one dependency that says who calls, and lets nobody pass without the scope."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2

from bus.http.admissions import admit
from bus.identity.scopes import MEANINGS
from bus.identity.tokens import Principal, Tokens, require

_SCHEME = OAuth2(
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
        request: Request, _documented: Annotated[str | None, Security(_SCHEME, scopes=[scope] if scope else [])]
    ) -> Principal:
        tokens: Tokens = request.app.state.rooms.tokens
        authorization = request.headers.get("authorization", "").encode("latin-1")
        principal = await tokens.authenticate(authorization)
        if scope is not None:
            require(principal, scope)
        await admit(request, principal, scope)
        return principal

    return authorised
