"""What the OAuth endpoints answer, for the OpenAPI document."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from bus.http.openapi_parts import JSON, refer_headers


class AccessToken(BaseModel):
    """An access token (RFC 6749, section 5.1)."""

    access_token: str = Field(description="a JWT (RFC 9068); send it as `Authorization: Bearer …`")
    token_type: Literal["Bearer"]
    expires_in: int = Field(ge=1, description="seconds")
    scope: str = Field(description="its scopes, separated by spaces")


class Introspection(BaseModel):
    """What an access token says (RFC 7662, section 2.2)."""

    model_config = ConfigDict(extra="allow")

    active: bool = Field(description="it stands; without it, there is no other member")


class OAuthError(BaseModel):
    """Why a request was refused (RFC 6749, section 5.2)."""

    error: str = Field(description="such as `invalid_client`")
    error_description: str = Field(default="", description="why, and what to do")


_ERROR: Final[dict[str, Any]] = {"content": {JSON: {"schema": {"$ref": "#/components/schemas/OAuthError"}}}}
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "The request is wrong (RFC 6749, section 5.2)", **_ERROR},
    401: {"description": "The client did not prove itself (RFC 6749, section 5.2)", **_ERROR},
    413: {"description": "The form is too large"},
    429: {
        "description": "Too many logins failed, or the client makes too many tokens",
        "headers": refer_headers("Retry-After"),
        **_ERROR,
    },
}
TOKEN: Final[dict[int | str, dict[str, Any]]] = {200: {"model": AccessToken, "description": "A token"}, **_ERRORS}
REVOKED: Final[dict[int | str, dict[str, Any]]] = {200: {"description": "It is worthless from now on"}, **_ERRORS}
INTROSPECTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Introspection, "description": "What the token says"},
    **_ERRORS,
}
PROOF: Final[dict[str, Any]] = {"security": [{"client": []}, {}]}
"""The proof stands in the `Authorization` field, or in the form."""
ERRORS: Final = (OAuthError,)
"""Types that the answers refer to by name."""
