"""Requests to the OAuth endpoints: forms, read before anything else is done with them (RFC 6749, section 3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from bus.identity.clients import Client, Credentials
from bus.identity.logins import Claim

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 50
_RESOURCE: Final = "resource"


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]  # authlib is not typed
    """The client asks for a token for another server (RFC 8707, section 2)."""

    error = "invalid_target"


@dataclass(frozen=True, slots=True)
class Call:
    """A POST request to one of the endpoints.

    Attributes:
        headers: the header fields, by name in any case of letters.
        body: the form, not read yet.
        address: the caller's network address.
    """

    headers: Mapping[str, str]
    body: bytes
    address: str


class OAuthRequest(OAuth2Request):  # type: ignore[misc]  # authlib is not typed
    """A request whose client is not proven yet.

    Attributes:
        address: the caller's network address.
        claim: the client that it names.
        proven: the client that its secret proved.
        authenticated: the client that it proved, by whatever method.
        resources: the servers that the token shall be for (RFC 8707). No other parameter may come twice.
        fields: its other parameters.
    """

    def __init__(self, call: Call) -> None:
        # authlib refuses plain http on the last hop. The operator's public URL and proxy decide whether the way uses TLS.
        super().__init__("POST", "https://localhost/oauth", headers=call.headers)
        self.address = call.address
        self.claim = Claim("", None, None)
        self.proven: Credentials | None = None
        self.authenticated: Client | None = None
        pairs = _parse_form(call)
        self.resources = [value for name, value in pairs if name == _RESOURCE]
        self.fields = _take_once([(name, value) for name, value in pairs if name != _RESOURCE])
        self.payload = BasicOAuth2Payload(self.fields)

    @property
    def form(self) -> dict[str, str]:
        """The parameters, as authlib asks for them."""
        return self.fields

    def check_resources(self, issuer: str) -> None:
        """Refuse a request for a token for another server.

        Raises:
            InvalidTargetError: a resource is not the bus's own identifier (RFC 9728).
        """
        if any(resource not in (issuer, f"{issuer}/") for resource in self.resources):
            raise InvalidTargetError(f"Tokens of this server are for {issuer} alone.")


def _parse_form(call: Call) -> list[tuple[str, str]]:
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise InvalidRequestError(f"Send the parameters as {_FORM}.")
    try:
        return parse_qsl(call.body.decode(), max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise InvalidRequestError("The form cannot be read.") from None


def _take_once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        # RFC 6749, section 3.2.
        raise InvalidRequestError("A parameter is sent more than once.")
    return fields


def check_one_method(request: OAuthRequest) -> None:
    """Refuse a request that proves its client in several ways."""
    ways = [
        request.headers.get("authorization", "").lower().startswith("basic "),
        "client_secret" in request.fields,
        "client_assertion" in request.fields,
    ]
    if sum(ways) > 1:
        # RFC 6749, section 2.3.
        raise InvalidRequestError("Prove the client in one way, not in several.")
