"""Access tokens: JWTs as RFC 9068 profiles them, made at the token endpoint and verified at every request.

Promise: a token is taken only when this bus signed it for itself, it has not expired, and neither it nor its client was
revoked; `refresh` drops cached tokens that were revoked. Each client has a share of the cache, so that none pushes out the
tokens of the others; a token that was refused once, or whose client has gone, costs a look-up and no signature.
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
from bus.identity.keys import Keys
from bus.identity.known_clients import KnownClients
from bus.identity.participants import Client
from bus.identity.scopes import Scope
from bus.identity.shared_cache import SharedCache
from bus.identity.tables import REVOKED_TOKENS
from bus.ids import new_id
from bus.problem import Forbidden, Refused
from bus.storage import Storage, announce

_KIND = "at+jwt"
_KINDS = frozenset({_KIND, "application/at+jwt"})
_LONGEST = 4096
"""Bytes of an Authorization header that are worth a signature check; the bus's own tokens stay far below."""
_VERIFIED_BYTES = 16 * 1024 * 1024
_VERIFIED_EACH = 256
"""Tokens kept verified of one client."""
_REFUSED_BYTES = 2 * 1024 * 1024
_REFUSED_EACH = 16
_SKEW = 5
"""Seconds that another process's clock may be ahead of ours when it says `iat`."""
_REALM = 'Bearer realm="bus"'


_EXPIRED = "The access token has expired; ask for a new one."
_REVOKED = "The access token was revoked; ask for a new one."


class Unauthenticated(Refused):
    """You did not prove who you are; send a valid access token."""

    status = 401
    slug = "unauthenticated"


class ScopeMissing(Forbidden):
    """Your access token lacks the scope that this needs."""

    slug = "scope-missing"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request, as its access token proves.

    Attributes:
        scopes: those of the token that the client still has.
        expires_at: end of the token, seconds since 1970 in UTC.
        jti: the token's own id.
    """

    participant: str
    client_id: str
    scopes: frozenset[str]
    expires_at: float
    jti: str

    @property
    def is_operator(self) -> bool:
        """Whether the principal may do what the owners of things may."""
        return Scope.ADMIN in self.scopes


def require(principal: Principal, scope: str) -> None:
    """Let the principal pass only with that scope.

    Raises:
        ScopeMissing: its token does not carry the scope (RFC 6750, section 3.1).
    """
    if scope not in principal.scopes:
        raise ScopeMissing(
            f"This needs the scope {scope}; ask the operator for it, then ask for a token with it.",
            headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{scope}"'},
        )


class Tokens:
    """Makes and verifies this bus's access tokens.

    `known` is for the event loop: one look-up. `verify` checks a signature and may read the database; it, `refresh` and
    `revoke` belong in a thread.
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
        token = self._keys.sign(_KIND, claims)
        standing = self.clients.get(client.client_id)
        if standing is not None:
            principal = _principal_of(standing.client, claims)
            verified.put(principal.client_id, b"Bearer " + token.encode(), principal)
        return token

    def known(self, authorization: bytes) -> Principal | None:
        """Who sends this value of the Authorization header, if it was verified before; never waits."""
        principal = self._verified.values.get(authorization)
        return principal if principal is not None and principal.expires_at > self._now() else None

    async def authenticate(self, authorization: bytes) -> Principal:
        """Who sends this value of the Authorization header, for the event loop.

        Raises:
            Unauthenticated: see `verify`.
        """
        principal = self.known(authorization)
        if principal is not None:
            return principal
        # A signature is checked in a tenth of a millisecond: to hand it to a thread takes as long, and would put good
        # tokens behind all the bad ones that wait there.
        checked = self._checked(authorization)
        client = self._client(checked)
        if client is None:
            client = await asyncio.to_thread(self._found, checked)
        return self._principal(checked, client)

    def verify(self, authorization: bytes) -> Principal:
        """Who sends this value of the Authorization header.

        Raises:
            Unauthenticated: nobody, with the challenge of RFC 6750 and RFC 9728 in its headers.
        """
        return self.known(authorization) or self._verify_anew(authorization)

    def _verify_anew(self, authorization: bytes) -> Principal:
        checked = self._checked(authorization)
        return self._principal(checked, self._client(checked) or self._found(checked))

    def refresh(self) -> None:
        """Read again which clients and tokens were revoked, and forget what does not stand any more."""
        standing = REVOKED_TOKENS.c.expires_at > clock.micros(clock.now())
        # One at a time: else an older reading could replace a newer one, and stay.
        with self._refreshing:
            self.clients.refresh()
            with self._storage.read() as transaction:
                self._revoked = frozenset(
                    row[0] for row in transaction.rows(sa.select(REVOKED_TOKENS.c.jti).where(standing))
                )
            # New caches, not deletions: a verification under way that still saw the old clients writes into the old ones.
            before = self._verified.values.copy()
            verified: SharedCache[Principal] = SharedCache(_VERIFIED_BYTES, _VERIFIED_EACH)
            for key, principal in before.items():
                if self._stands(principal):
                    verified.put(principal.client_id, key, principal)
            self._verified = verified
            self._refused = SharedCache(_REFUSED_BYTES, _REFUSED_EACH)

    def revoke(self, principal: Principal, by: Actor) -> None:
        """Make this one token worthless, here at once and in other processes within a second (RFC 7009)."""
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

    def _checked(self, authorization: bytes) -> "_Checked":
        """The claims of a token that this bus signed and that has not expired.

        Raises:
            Unauthenticated: it is none, or it was refused before.
        """
        verified, refused = self._verified, self._refused
        token = self._bearer(authorization)
        before = refused.values.get(_digest(authorization))
        if before is not None:
            raise self._invalid(before)
        if self.clients.is_departed(_unverified_client(token)):
            raise self._invalid(_REVOKED)
        claims = self._claims(token)
        if claims["exp"] <= self._now():
            refused.put(str(claims["client_id"]), _digest(authorization), _EXPIRED)
            raise self._invalid(_EXPIRED)
        return _Checked(authorization, claims, verified, refused)

    def _client(self, checked: "_Checked") -> Client | None:
        """The client of a token, if it is known."""
        credentials = self.clients.get(checked.claims["client_id"])
        return None if credentials is None else credentials.client

    def _found(self, checked: "_Checked") -> Client | None:
        """The client of a token, which may have been made since the last refresh. Synchronous."""
        client_id = checked.claims["client_id"]
        credentials = self.clients.find(client_id)
        if credentials is None:
            self.clients.note_departed(client_id)
            return None
        return credentials.client

    def _principal(self, checked: "_Checked", client: Client | None) -> Principal:
        claims = checked.claims
        if client is None or claims["jti"] in self._revoked:
            checked.refused.put(claims["client_id"], _digest(checked.authorization), _REVOKED)
            raise self._invalid(_REVOKED)
        principal = _principal_of(client, claims)
        checked.verified.put(client.client_id, checked.authorization, principal)
        return principal

    def _bearer(self, authorization: bytes) -> bytes:
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            # RFC 6750, section 3.1: no error code for who did not try.
            raise self._refusal("Send an access token: Authorization: Bearer followed by it.", "")
        if len(authorization) > _LONGEST:
            raise self._invalid("The access token is too long to be one of this bus.")
        return token.strip()

    def _claims(self, token: bytes) -> dict[str, Any]:
        read = self._keys.read(token)
        if read is None or str(read.header.get("typ")).lower() not in _KINDS:
            raise self._invalid("The access token was not made by this bus.")
        now = int(self._now())
        try:
            self._expected(now, _SKEW).validate(read.claims)
        except ExpiredTokenError:
            # Judged by the caller, to the second.
            pass
        except JoseError:
            raise self._invalid("The access token is not meant for this bus.") from None
        return read.claims

    def _expected(self, now: int, skew: int) -> jwt.JWTClaimsRegistry:
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

    def _stands(self, principal: Principal) -> bool:
        known = self.clients.get(principal.client_id)
        return known is not None and principal.scopes <= known.client.scopes and principal.jti not in self._revoked

    def _invalid(self, detail: str) -> Unauthenticated:
        return self._refusal(detail, f', error="invalid_token", error_description="{detail}"')

    def _refusal(self, detail: str, error: str) -> Unauthenticated:
        metadata = f"{self.issuer}/.well-known/oauth-protected-resource"
        return Unauthenticated(detail, headers={"WWW-Authenticate": f'{_REALM}{error}, resource_metadata="{metadata}"'})


@dataclass(frozen=True, slots=True)
class _Checked:
    """A token whose signature and claims are good, and the caches that what becomes of it goes to."""

    authorization: bytes
    claims: dict[str, Any]
    verified: SharedCache[Principal]
    refused: SharedCache[str]


def _principal_of(client: Client, claims: Mapping[str, Any]) -> Principal:
    """Who sends a token of a client that stands."""
    return Principal(
        participant=client.participant,
        client_id=client.client_id,
        scopes=client.scopes.intersection(claims["scope"].split()),
        expires_at=float(claims["exp"]),
        jti=claims["jti"],
    )


def _digest(authorization: bytes) -> bytes:
    return blake2b(authorization, digest_size=16).digest()


def _unverified_client(token: bytes) -> str:
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
