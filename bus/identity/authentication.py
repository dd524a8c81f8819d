"""Clients in the form that authlib needs, and the assertions by which a client may prove itself (RFC 7523).

Promise: no answer tells whether a client exists. `logins` checks secrets.
"""

import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jws, jwt
from joserfc.errors import JoseError

from bus import clock, json
from bus.identity.clients import Client, Credentials
from bus.identity.participants import Participants
from bus.identity.public_keys import NOBODYS, load_public_keys
from bus.identity.signatures import Signatures, VerificationKey, verify_jwt
from bus.identity.tables import USED_ASSERTIONS
from bus.storage import RowConflict, Storage

SECRET_METHODS = ("client_secret_basic", "client_secret_post")
ASSERTION_METHOD = "private_key_jwt"
METHODS = (*SECRET_METHODS, ASSERTION_METHOD)

FAILED = "The client is unknown or revoked, or what it sent does not prove that it is this client."

_LONGEST_ASSERTION = 3600 + 60
"""The most seconds to an assertion's end. The bus remembers its id until then (RFC 7523, section 3)."""

_LONGEST_JTI = 255


class OAuthClient(ClientMixin):  # type: ignore[misc]  # authlib is not typed
    """A client in the form that authlib needs. If `known` is None, no such client exists, and every check fails."""

    def __init__(self, known: Credentials | None) -> None:
        self._known = known

    @property
    def client(self) -> Client:
        """The client. Ask for it only after the client proved itself.

        Raises:
            InvalidClientError: no such client exists.
        """
        if self._known is None:
            raise InvalidClientError(FAILED)
        return self._known.client

    @property
    def keys(self) -> Sequence[VerificationKey]:
        """The keys that verify the client's assertions. Without such keys, these are keys that nobody signs with."""
        return load_public_keys(self._known.jwks) if self._known is not None and self._known.jwks else NOBODYS

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether the client may prove itself by `method`."""
        has_keys = self._known is not None and self._known.jwks is not None
        return has_keys == (method == ASSERTION_METHOD)

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client may ask for tokens by `grant_type`."""
        return grant_type == "client_credentials"


class ClientDirectory:
    """Finds clients for authlib."""

    def __init__(self, participants: Participants) -> None:
        self._participants = participants

    def __call__(self, client_id: str) -> OAuthClient:
        """The client with that id. If it does not exist, a client whose checks all fail."""
        return OAuthClient(self._participants.find_credentials(client_id))


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]  # authlib is not typed
    """`private_key_jwt`: the client proves itself by a signed assertion, which is for this bus and valid once."""

    CLIENT_AUTH_METHOD = ASSERTION_METHOD

    def __init__(self, storage: Storage, issuer: str) -> None:
        super().__init__(leeway=30)
        self._storage = storage
        self._audiences = [issuer, f"{issuer}/oauth/token"]

    def get_audiences(self) -> list[str]:
        """The audiences that mean this server: its issuer and its token endpoint (RFC 7523, section 3)."""
        return self._audiences

    def extract_assertion(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The header and claims of an assertion, not verified yet.

        Raises:
            InvalidClientError: the text is no JWT. An attacker's text may also make the parser fail.
        """
        try:
            read = jws.extract_compact(assertion.encode(), registry=Signatures())
            claims = json.loads(read.payload)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise InvalidClientError(FAILED) from None
        if not isinstance(claims, dict):
            raise InvalidClientError(FAILED)
        return read.headers(), claims

    def resolve_client_public_key(self, client: OAuthClient) -> Sequence[VerificationKey]:
        """The keys that verify the client's assertions."""
        return client.keys

    def process_assertion_claims(self, assertion: str, resolve_key: Sequence[VerificationKey]) -> jwt.Claims:
        """The claims of an assertion that the client signed for this bus.

        Raises:
            InvalidClientError: the client did not sign it, or it is for another server. Before the signature is verified, the
                reason is always the same.
        """
        token = verify_jwt(assertion, resolve_key)
        if token is None:
            raise InvalidClientError(FAILED)
        self.verify_claims(token.claims)
        return token.claims

    def validate_jti(self, claims: jwt.Claims, jti: Any) -> bool:
        """Whether the bus sees this assertion for the first time. The bus remembers it from now on.

        Raises:
            InvalidClientError: the assertion lives too long, or its `jti` is too long or unprintable.
        """
        now = time.time()
        # Python reads NaN as a number. NaN fails this comparison.
        if not claims["exp"] <= now + _LONGEST_ASSERTION:
            raise InvalidClientError("The assertion lives too long; let it expire within an hour.")
        if not (isinstance(jti, str) and jti.isprintable() and len(jti) <= _LONGEST_JTI):
            raise InvalidClientError(
                f"The jti of an assertion is printable, and has at most {_LONGEST_JTI} characters."
            )
        try:
            with self._storage.write() as transaction:
                expired = USED_ASSERTIONS.c.expires_at < clock.micros(clock.now())
                transaction.execute(sa.delete(USED_ASSERTIONS).where(expired))
                # Until the leeway no longer accepts the assertion.
                until = int((claims["exp"] + self.leeway) * 1_000_000)
                values = {"client_id": claims["sub"], "jti": jti, "expires_at": until}
                transaction.execute(sa.insert(USED_ASSERTIONS).values(values))
        except RowConflict:
            return False
        return True
