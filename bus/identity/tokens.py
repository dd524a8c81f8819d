"""Access tokens: JWTs (RFC 9068) that the token endpoint makes, and that every request presents.

Promise: the bus accepts a token only if it signed the token for itself, and the token has not expired. Neither the token nor its
client may be revoked. `refresh` drops cached tokens that were revoked.

Each client has a share of the cache, so that no client can push out the tokens of others. A token that was refused before, or
whose client is gone, costs a look-up and no check of a signature.
"""

import asyncio
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError

from bus import clock, json
from bus.actions import Action, Actor, Object, Verb, note
from bus.identity.clients import Client
from bus.identity.keys import Keys
from bus.identity.known_clients import KnownClients
from bus.identity.scopes import REALM, Scope
from bus.identity.shared_cache import SharedCache
from bus.identity.tables import REVOKED_TOKENS
from bus.ids import new_id
from bus.problem import Refused
from bus.storage import Storage, announce

_KIND = "at+jwt"
_KINDS = frozenset({_KIND, "application/at+jwt"})
_VERSION = "client_version"
"""The claim with the client's version at the token's issue; absent: 0."""
_LONGEST = 4096
"""The longest Authorization header, in bytes, that gets a check of its signature. The bus's own tokens are far shorter."""
_VERIFIED_BYTES = 16 * 1024 * 1024
_VERIFIED_EACH = 256
"""The most verified tokens of one client in the cache."""
_REFUSED_BYTES = 2 * 1024 * 1024
_REFUSED_EACH = 16
_SKEW = 5
"""Seconds by which the clock of the process that set `iat` may be ahead."""


_EXPIRED = "The access token has expired; ask for a new one."
_REVOKED = "The access token was revoked; ask for a new one."


class Unauthenticated(Refused):
    """The request has no valid access token; send one."""

    status = 401
    slug = "unauthenticated"


@dataclass(frozen=True, slots=True)
class Principal:
    """The sender of a request, as its access token proves.

    Attributes:
        participant: the client's participant.
        client_id: the client.
        scopes: the token's scopes that the client still has.
        expires_at: the token's end, in seconds since 1970 in UTC.
        jti: the token's id.
    """

    participant: str
    client_id: str
    scopes: frozenset[str]
    expires_at: float
    jti: str

    @property
    def is_operator(self) -> bool:
        """Whether the principal may do everything that the owner of an object may."""
        return Scope.ADMIN in self.scopes


class Tokens:
    """Makes and verifies this bus's access tokens.

    `find_known` and `authenticate` are for the event loop. `verify`, `refresh` and `revoke` may read the database: call them from
    a thread.
    """

    def __init__(self, keys: Keys, issuer: str, storage: Storage, *, now: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self._keys = keys
        self._storage = storage
        self._now = now
        self.clients = KnownClients(storage)
        self._revoked: frozenset[str] = frozenset()
        self._verified: SharedCache[Principal] = SharedCache(_VERIFIED_BYTES, _VERIFIED_EACH)
        self._refused: SharedCache[str] = SharedCache(_REFUSED_BYTES, _REFUSED_EACH)
        self._refreshing = threading.Lock()
        self.refresh()

    def issue(self, client: Client, scopes: frozenset[str], seconds: int) -> str:
        """A token for `client` that carries `scopes` and lives for `seconds`; this process knows it from now on."""
        # Taken before the client is looked up: a refresh in between puts new caches in their place.
        verified = self._verified
        issued = int(self._now())
        claims = {
            "iss": self.issuer,
            "sub": client.client_id,
            "client_id": client.client_id,
            "participant": client.participant,
            "aud": self.issuer,
            "iat": issued,
            "exp": issued + seconds,
            "jti": new_id("token"),
            "scope": " ".join(sorted(scopes)),
        }
        if client.version:
            claims[_VERSION] = client.version
        token = self._keys.sign(_KIND, claims)
        standing = self.clients.get(client.client_id)
        if standing is not None:
            principal = _principal_of(standing.client, claims)
            verified.put(principal.client_id, b"Bearer " + token.encode(), principal)
        return token

    def find_known(self, authorization: bytes) -> Principal | None:
        """Who sends this value of the Authorization header, if it was verified before; never waits."""
        principal = self._verified.values.get(authorization)
        return principal if principal is not None and principal.expires_at > self._now() else None

    async def authenticate(self, authorization: bytes) -> Principal:
        """The principal of an Authorization header, for the event loop.

        Raises:
            Unauthenticated: see `verify`.
        """
        principal = self.find_known(authorization)
        if principal is not None:
            return principal
        # To check a signature takes as long as to hand it to a thread. There, good tokens would wait behind bad ones.
        checked = self._check(authorization)
        client = self._find_known_client(checked)
        if client is None:
            client = await asyncio.to_thread(self._find_client, checked)
        return self._make_principal(checked, client)

    def verify(self, authorization: bytes) -> Principal:
        """The principal of an Authorization header.

        Raises:
            Unauthenticated: the header holds no valid token. The refusal has the challenge of RFC 6750 and RFC 9728.
        """
        return self.find_known(authorization) or self._verify_anew(authorization)

    def _verify_anew(self, authorization: bytes) -> Principal:
        checked = self._check(authorization)
        return self._make_principal(checked, self._find_known_client(checked) or self._find_client(checked))

    def refresh(self) -> None:
        """Read again which clients and tokens were revoked, and drop cached tokens that are no longer valid."""
        standing = REVOKED_TOKENS.c.expires_at > clock.micros(clock.now())
        # One refresh at a time. Otherwise an older reading could replace a newer one.
        with self._refreshing:
            self.clients.refresh()
            with self._storage.read() as transaction:
                self._revoked = frozenset(
                    row[0] for row in transaction.rows(sa.select(REVOKED_TOKENS.c.jti).where(standing))
                )
            # New caches instead of deletions: a check that runs now with the old clients writes into the old caches.
            before = self._verified.values.copy()
            verified: SharedCache[Principal] = SharedCache(_VERIFIED_BYTES, _VERIFIED_EACH)
            for key, principal in before.items():
                if self._is_valid(principal):
                    verified.put(principal.client_id, key, principal)
            self._verified = verified
            self._refused = SharedCache(_REFUSED_BYTES, _REFUSED_EACH)

    def forget(self) -> None:
        """Have every token verified anew, since a signing key is gone."""
        with self._refreshing:
            self._verified = SharedCache(_VERIFIED_BYTES, _VERIFIED_EACH)

    def revoke(self, principal: Principal, by: Actor) -> None:
        """Revoke one token (RFC 7009): in this process at once, in others within a second."""
        now = clock.micros(clock.now())
        with self._storage.write() as transaction:
            transaction.execute(sa.delete(REVOKED_TOKENS).where(REVOKED_TOKENS.c.expires_at < now))
            transaction.execute(sa.delete(REVOKED_TOKENS).where(REVOKED_TOKENS.c.jti == principal.jti))
            values = {"jti": principal.jti, "expires_at": int(principal.expires_at * 1_000_000)}
            transaction.execute(sa.insert(REVOKED_TOKENS).values(values))
            details = {"client_id": principal.client_id}
            on = Object("token", principal.jti)
            note(transaction, Action(Verb.TOKEN_REVOKE, by, on, principal.participant, details=details))
            announce(transaction, "clients")
        self.refresh()

    def _check(self, authorization: bytes) -> "_Checked":
        """The claims of a token that this bus signed and that has not expired.

        Raises:
            Unauthenticated: the header holds no such token, or the token was refused before.
        """
        verified, refused = self._verified, self._refused
        token = self._read_bearer(authorization)
        before = refused.values.get(_make_digest(authorization))
        if before is not None:
            raise self._make_invalid(before)
        if self.clients.is_departed(_read_unverified_client(token)):
            raise self._make_invalid(_REVOKED)
        claims = self._read_claims(token)
        if claims["exp"] <= self._now():
            refused.put(str(claims["client_id"]), _make_digest(authorization), _EXPIRED)
            raise self._make_invalid(_EXPIRED)
        return _Checked(authorization, claims, verified, refused)

    def _find_known_client(self, checked: "_Checked") -> Client | None:
        """The client of a token, if it is known."""
        credentials = self.clients.get(checked.claims["client_id"])
        return None if credentials is None else credentials.client

    def _find_client(self, checked: "_Checked") -> Client | None:
        """The client of a token, which may have been made since the last refresh. Synchronous."""
        client_id = checked.claims["client_id"]
        credentials = self.clients.find(client_id)
        if credentials is None:
            self.clients.note_departed(client_id)
            return None
        return credentials.client

    def _make_principal(self, checked: "_Checked", client: Client | None) -> Principal:
        claims = checked.claims
        if client is None or claims["jti"] in self._revoked:
            checked.refused.put(claims["client_id"], _make_digest(checked.authorization), _REVOKED)
            raise self._make_invalid(_REVOKED)
        principal = _principal_of(client, claims)
        checked.verified.put(client.client_id, checked.authorization, principal)
        return principal

    def _read_bearer(self, authorization: bytes) -> bytes:
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            # RFC 6750, section 3.1: no error code for who did not try.
            raise self._make_refusal("Send an access token: Authorization: Bearer followed by it.", "")
        if len(authorization) > _LONGEST:
            raise self._make_invalid("The access token is too long to be one of this bus.")
        return token.strip()

    def _read_claims(self, token: bytes) -> dict[str, Any]:
        read = self._keys.read(token)
        if read is None or str(read.header.get("typ")).lower() not in _KINDS:
            raise self._make_invalid("The access token was not made by this bus.")
        now = int(self._now())
        try:
            self._make_registry(now, _SKEW).validate(read.claims)
        except ExpiredTokenError:
            # The caller checks the expiry itself, without leeway.
            pass
        except JoseError:
            raise self._make_invalid("The access token is not meant for this bus.") from None
        return read.claims

    def _make_registry(self, now: int, skew: int) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=now,
            leeway=skew,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.issuer},
            exp={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
            sub={"essential": True},
            client_id={"essential": True},
            scope={"essential": True},
        )

    def _is_valid(self, principal: Principal) -> bool:
        known = self.clients.get(principal.client_id)
        return known is not None and principal.scopes <= known.client.scopes and principal.jti not in self._revoked

    def _make_invalid(self, detail: str) -> Unauthenticated:
        return self._make_refusal(detail, f', error="invalid_token", error_description="{detail}"')

    def _make_refusal(self, detail: str, error: str) -> Unauthenticated:
        metadata = f"{self.issuer}/.well-known/oauth-protected-resource"
        return Unauthenticated(detail, headers={"WWW-Authenticate": f'{REALM}{error}, resource_metadata="{metadata}"'})


@dataclass(frozen=True, slots=True)
class _Checked:
    """A token with a right signature and right claims, and the caches that the final result goes to."""

    authorization: bytes
    claims: dict[str, Any]
    verified: SharedCache[Principal]
    refused: SharedCache[str]


def _principal_of(client: Client, claims: Mapping[str, Any]) -> Principal:
    """Who sends a token of a client that stands."""
    return Principal(
        participant=client.participant,
        client_id=client.client_id,
        scopes=client.keep_scopes(claims["scope"].split(), claims.get(_VERSION, 0)),
        expires_at=float(claims["exp"]),
        jti=claims["jti"],
    )


def _make_digest(authorization: bytes) -> bytes:
    return blake2b(authorization, digest_size=16).digest()


def _read_unverified_client(token: bytes) -> str:
    """What a token says is its client, unproven: enough to refuse it, never to take it."""
    parts = token.split(b".")
    if len(parts) != 3:
        return ""
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + b"=="))
    except ValueError:
        return ""
    client_id = claims.get("client_id") if isinstance(claims, dict) else None
    return client_id if isinstance(client_id, str) else ""
