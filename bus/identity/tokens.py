"""Access tokens: JWTs as RFC 9068 profiles them, made at the token endpoint and verified at every request.

Promise: a token is taken only when this bus signed it for itself, it has not expired, and neither it nor its client was
revoked; what it was cached as is forgotten with the next `refresh`.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError

from bus import clock
from bus.actions.action import Action, Object, Verb
from bus.actions.actor import Actor
from bus.actions.log import note
from bus.identity.keys import Keys
from bus.identity.participants import Client, standing_clients
from bus.identity.scopes import Scope
from bus.identity.tables import REVOKED_TOKENS
from bus.ids import new_id
from bus.problem import Forbidden, Refused
from bus.storage import Storage, announce

_KIND = "at+jwt"
_KINDS = frozenset({_KIND, "application/at+jwt"})
_LONGEST = 4096
"""Bytes of an Authorization header that are worth a signature check; the bus's own tokens stay far below."""
_CACHED = 20_000
"""Tokens kept verified: some ten megabytes."""
_SKEW = 5
"""Seconds that another process's clock may be ahead of ours when it says `iat`."""
_REALM = 'Bearer realm="bus"'


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
        self._clients: dict[str, Client] = {}
        self._revoked: frozenset[str] = frozenset()
        self._cache: dict[bytes, Principal] = {}
        self._refreshing = threading.Lock()
        self.refresh()

    def issue(self, client: Client, scopes: frozenset[str], seconds: int) -> str:
        """A token for `client` that carries `scopes` and lives for `seconds`."""
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
        return self._keys.sign(_KIND, claims)

    def known(self, authorization: bytes) -> Principal | None:
        """Who sends this value of the Authorization header, if it was verified before; never waits."""
        principal = self._cache.get(authorization)
        return principal if principal is not None and principal.expires_at > self._now() else None

    async def authenticate(self, authorization: bytes) -> Principal:
        """Who sends this value of the Authorization header, for the event loop.

        Raises:
            Unauthenticated: see `verify`.
        """
        principal = self.known(authorization)
        return await asyncio.to_thread(self.verify, authorization) if principal is None else principal

    def verify(self, authorization: bytes) -> Principal:
        """Who sends this value of the Authorization header.

        Raises:
            Unauthenticated: nobody, with the challenge of RFC 6750 and RFC 9728 in its headers.
        """
        return self.known(authorization) or self._verify_anew(authorization)

    def refresh(self) -> None:
        """Read again which clients and tokens were revoked, and forget what does not stand any more."""
        standing = REVOKED_TOKENS.c.expires_at > clock.micros(clock.now())
        # One at a time: else an older reading could replace a newer one, and stay.
        with self._refreshing:
            with self._storage.read() as connection:
                self._clients = standing_clients(connection)
                self._revoked = frozenset(connection.scalars(sa.select(REVOKED_TOKENS.c.jti).where(standing)))
            # A new dict, not deletions: a verification under way that still saw the old clients writes into the old one.
            self._cache = {key: principal for key, principal in self._cache.copy().items() if self._stands(principal)}

    def revoke(self, principal: Principal, by: Actor) -> None:
        """Make this one token worthless, here at once and in other processes within a second (RFC 7009)."""
        now = clock.micros(clock.now())
        with self._storage.write() as connection:
            connection.execute(sa.delete(REVOKED_TOKENS).where(REVOKED_TOKENS.c.expires_at < now))
            connection.execute(sa.delete(REVOKED_TOKENS).where(REVOKED_TOKENS.c.jti == principal.jti))
            values = {"jti": principal.jti, "expires_at": int(principal.expires_at * 1_000_000)}
            connection.execute(sa.insert(REVOKED_TOKENS).values(values))
            details = {"client_id": principal.client_id}
            on = Object("token", principal.jti)
            note(connection, Action(Verb.TOKEN_REVOKE, by, on, principal.participant, details=details))
            announce(connection, "clients")
        self.refresh()

    def _verify_anew(self, authorization: bytes) -> Principal:
        cache = self._cache
        claims = self._claims(self._bearer(authorization))
        client = self._client(claims["client_id"])
        if client is None or claims["jti"] in self._revoked:
            raise self._invalid("The access token was revoked; ask for a new one.")
        principal = Principal(
            participant=client.participant,
            client_id=client.client_id,
            scopes=client.scopes.intersection(claims["scope"].split()),
            expires_at=float(claims["exp"]),
            jti=claims["jti"],
        )
        if len(cache) >= _CACHED:
            del cache[next(iter(cache))]
        cache[authorization] = principal
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
            raise self._expired() from None
        except JoseError:
            raise self._invalid("The access token is not meant for this bus.") from None
        if read.claims["exp"] <= self._now():
            raise self._expired()
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

    def _client(self, client_id: str) -> Client | None:
        client = self._clients.get(client_id)
        if client is None:
            # Made since the last refresh: one row, once for each new client in each process, and only behind our signature.
            with self._storage.read() as connection:
                client = standing_clients(connection, client_id).get(client_id)
        return client

    def _stands(self, principal: Principal) -> bool:
        client = self._clients.get(principal.client_id)
        return client is not None and principal.scopes <= client.scopes and principal.jti not in self._revoked

    def _expired(self) -> Unauthenticated:
        return self._invalid("The access token has expired; ask for a new one.")

    def _invalid(self, detail: str) -> Unauthenticated:
        return self._refusal(detail, f', error="invalid_token", error_description="{detail}"')

    def _refusal(self, detail: str, error: str) -> Unauthenticated:
        metadata = f"{self.issuer}/.well-known/oauth-protected-resource"
        return Unauthenticated(detail, headers={"WWW-Authenticate": f'{_REALM}{error}, resource_metadata="{metadata}"'})
