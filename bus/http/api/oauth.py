"""The OAuth endpoints and the documents from which clients configure themselves."""

from typing import Any

from fastapi import APIRouter, Request, Response

from bus import json
from bus.http.api.oauth_documents import INTROSPECTED, PROOF, REVOKED, TOKEN
from bus.http.packing import HOLDS_SECRET
from bus.http.problems import hold_back
from bus.identity import (
    Answer,
    Call,
    Keys,
    OAuthServer,
    Tokens,
    describe_authorization_server,
    describe_protected_resource,
)
from bus.problem import Refused
from bus.settings import Settings

router = APIRouter(tags=["OAuth"])

_LONGEST_FORM = 65536
_LIMITED = 429
_HELD_BACK = 2.0
"""Seconds before a login that failed too often is told so: somebody who guesses does it on many connections."""


class FormTooLarge(Refused):
    """The form is larger than any that these endpoints need."""

    status = 413
    slug = "form-too-large"


def _form(fields: dict[str, str], required: str) -> dict[str, Any]:
    """The OpenAPI description of a form; FastAPI does not read it itself, because OAuth's errors are shaped differently."""
    proof = {
        "client_id": "with client_secret, unless they come in the Authorization header",
        "client_secret": "shown once, when the client was made",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "a JWT that the client signed (RFC 7523)",
    }
    properties = {name: {"type": "string", "description": text} for name, text in (fields | proof).items()}
    schema = {"type": "object", "required": [required], "properties": properties}
    return {
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}
    } | PROOF


@router.post(
    "/oauth/token",
    dependencies=[HOLDS_SECRET],
    responses=TOKEN,
    openapi_extra=_form(
        {
            "grant_type": "client_credentials",
            "scope": "scopes, separated by spaces; absent: all of the client's",
            "resource": "the bus's own identifier (RFC 8707); another one is refused with invalid_target",
        },
        required="grant_type",
    ),
)
async def issue_token(request: Request) -> Response:
    """Get an access token (RFC 6749, section 4.4): a JWT as RFC 9068 says.

    The client proves itself with `client_secret_basic`, `client_secret_post` or `private_key_jwt`.
    """
    return await _rendered(await _oauth(request).issue_token(await _call(request)))


@router.post(
    "/oauth/revoke", responses=REVOKED, openapi_extra=_form({"token": "one of your access tokens"}, required="token")
)
async def revoke_token(request: Request) -> Response:
    """Make one of your access tokens worthless (RFC 7009)."""
    return await _rendered(await _oauth(request).revoke(await _call(request)))


@router.post(
    "/oauth/introspect",
    dependencies=[HOLDS_SECRET],
    responses=INTROSPECTED,
    openapi_extra=_form({"token": "an access token"}, required="token"),
)
async def introspect_token(request: Request) -> Response:
    """Whether an access token stands, and what it says (RFC 7662): your own, or with the scope `admin` any."""
    return await _rendered(await _oauth(request).introspect(await _call(request)))


@router.get("/oauth/jwks")
async def read_jwks(request: Request) -> dict[str, Any]:
    """The public keys that verify access tokens (RFC 7517)."""
    keys: Keys = request.app.state.rooms.keys
    return keys.jwks()


@router.get("/.well-known/oauth-authorization-server")
async def read_authorization_server(request: Request) -> dict[str, Any]:
    """Where and how to get a token (RFC 8414)."""
    return describe_authorization_server(_issuer(request), _documentation(request))


@router.get("/.well-known/oauth-protected-resource")
async def read_protected_resource(request: Request) -> dict[str, Any]:
    """Which tokens this API takes (RFC 9728)."""
    return describe_protected_resource(_issuer(request), _documentation(request))


def _oauth(request: Request) -> OAuthServer:
    oauth: OAuthServer = request.app.state.rooms.oauth
    return oauth


def _issuer(request: Request) -> str:
    tokens: Tokens = request.app.state.rooms.tokens
    return tokens.issuer


def _documentation(request: Request) -> str | None:
    settings: Settings = request.app.state.rooms.settings
    is_public = not settings.operation_address and settings.operation_scope is None
    return f"{_issuer(request)}/docs" if is_public else None


async def _call(request: Request) -> Call:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            raise FormTooLarge(f"Send at most {_LONGEST_FORM} bytes.")
    return Call(request.headers, bytes(body), request.client.host if request.client else "")


async def _rendered(answer: Answer) -> Response:
    if answer.status == _LIMITED:
        await hold_back(_HELD_BACK)
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache", **answer.headers, "Content-Type": "application/json"}
    return Response(json.dumps(answer.body), answer.status, headers)
