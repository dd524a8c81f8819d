"""A client as authlib asks about it, and the assertions with which a client may prove itself (RFC 7523).

Promise: nobody learns from an answer whether a client exists. Secrets are judged in `logins`.
"""

import time
from typing import Any

import sqlalchemy as sa
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from bus import clock, json
from bus.identity.keys import verify_jwt
from bus.identity.participants import Client, Credentials, Participants
from bus.identity.tables import USED_ASSERTIONS
from bus.storage import RowConflict, Storage

SECRET_METHODS = ("client_secret_basic", "client_secret_post")
ASSERTION_METHOD = "private_key_jwt"
METHODS = (*SECRET_METHODS, ASSERTION_METHOD)

FAILED = "The client is unknown or revoked, or what it sent does not prove that it is this client."

_LONGEST_ASSERTION = 3600 + 60
"""Seconds that an assertion may still live: its id has to be remembered for that long (RFC 7523, section 3)."""

_LONGEST_JTI = 255


class OAuthClient(ClientMixin):  # type: ignore[misc]  # authlib is not typed
    """A client as authlib asks about it; `known` is None for one that does not exist, which always fails."""

    def __init__(self, known: Credentials | None, nobodys_jwks: str = "") -> None:
        self._known = known
        self._nobodys_jwks = nobodys_jwks

    @property
    def client(self) -> Client:
        """The client; asked for after it proved itself."""
        if self._known is None:
            raise InvalidClientError(FAILED)
        return self._known.client

    @property
    def keys(self) -> KeySet:
        """What verifies its assertions; a key that signs nothing when there is none."""
        return KeySet.import_key_set(json.loads((self._known and self._known.jwks) or self._nobodys_jwks))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether it may prove itself so."""
        return method in SECRET_METHODS or (self._known is not None and self._known.jwks is not None)

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may ask for tokens so."""
        return grant_type == "client_credentials"


class ClientDirectory:
    """Finds clients for authlib."""

    def __init__(self, participants: Participants) -> None:
        self._participants = participants
        # Read for each client that does not exist, as theirs are for those that do.
        self._nobodys_jwks = json.dumps({"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]}).decode()

    def __call__(self, client_id: str) -> OAuthClient:
        """The client of that id, or one that always fails."""
        return OAuthClient(self._participants.find_credentials(client_id), self._nobodys_jwks)


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]  # authlib is not typed
    """`private_key_jwt`: the client signs that it is itself, for this bus, once."""

    CLIENT_AUTH_METHOD = ASSERTION_METHOD

    def __init__(self, storage: Storage, issuer: str) -> None:
        super().__init__(leeway=30)
        self._storage = storage
        self._audiences = [issuer, f"{issuer}/oauth/token"]

    def get_audiences(self) -> list[str]:
        """RFC 7523, section 3: the token endpoint's URL or the issuer identifies this server."""
        return self._audiences

    def extract_assertion(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims, before anything is verified.

        Raises:
            InvalidClientError: the text is no JWT. Anybody may send one, also one that a parser falls over.
        """
        try:
            read: tuple[dict[str, Any], dict[str, Any]] = super().extract_assertion(assertion)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise InvalidClientError(FAILED) from None
        return read

    def resolve_client_public_key(self, client: OAuthClient) -> KeySet:
        """What verifies the assertions of that client."""
        return client.keys

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> jwt.Claims:
        """The claims of an assertion that the client signed for this bus.

        Raises:
            InvalidClientError: it did not. Until the signature is checked the reason is the same for all.
        """
        token = verify_jwt(assertion, resolve_key)
        if token is None:
            raise InvalidClientError(FAILED)
        self.verify_claims(token.claims)
        return token.claims

    def validate_jti(self, claims: jwt.Claims, jti: Any) -> bool:
        """Whether this assertion comes for the first time; from now on it has come."""
        now = time.time()
        # A comparison that NaN, which Python reads as a number, does not pass.
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
                # As long as the leeway would still take it.
                until = int((claims["exp"] + self.leeway) * 1_000_000)
                values = {"client_id": claims["sub"], "jti": jti, "expires_at": until}
                transaction.execute(sa.insert(USED_ASSERTIONS).values(values))
        except RowConflict:
            return False
        return True
