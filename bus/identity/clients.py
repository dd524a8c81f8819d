"""Clients: what each may do and how it proves itself, as the database keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bus import clock, json
from bus.actions import Actor
from bus.identity.errors import ScopeNotYours, TooManyClients
from bus.identity.scopes import GIVEN_BY_OFFICES
from bus.identity.tables import CLIENTS
from bus.storage import Transaction

MOST_CLIENTS: Final = 200
"""Clients that a participant may make for itself."""


@dataclass(frozen=True, slots=True)
class Client:
    """One OAuth client of a participant.

    Attributes:
        scopes: the most that its tokens may carry.
        revoked: whether the client is shut out for good.
        version: how often the client was given further scopes.
        given: by scope, the version that gave it; absent: it was there from the beginning.
    """

    client_id: str
    participant: str
    scopes: frozenset[str]
    created_at: datetime
    revoked: bool
    version: int = 0
    given: Mapping[str, int] = field(default_factory=dict)

    def keep_scopes(self, scopes: Iterable[str], version: int) -> frozenset[str]:
        """The scopes of a token that the client never lost since the token was issued.

        Args:
            version: the client's version when the token was issued.
        """
        return frozenset(scope for scope in self.scopes.intersection(scopes) if self.given.get(scope, 0) <= version)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client with the digest and keys that verify its proofs. Only this room uses it.

    Attributes:
        client: the client.
        secret_hash: the digest of its secret; it counts only for a client without keys.
        jwks: the public keys that verify its assertions (RFC 7523), as a JWK Set in JSON. None: it has no keys.
    """

    client: Client
    secret_hash: str
    jwks: str | None


def read_credentials(transaction: Transaction, client_id: str | None = None) -> dict[str, Credentials]:
    """The credentials of the clients that are not revoked, by id.

    Args:
        client_id: read only this client. None: read all.
    """
    query = sa.select(CLIENTS).where(CLIENTS.c.revoked_at.is_(None))
    if client_id is not None:
        query = query.where(CLIENTS.c.client_id == client_id)
    return {row.client_id: Credentials(make_client(row), row.secret_hash, row.jwks) for row in transaction.rows(query)}


def give_scopes(client: Client, scopes: frozenset[str]) -> Client:
    """The client with these scopes."""
    added = scopes - client.scopes
    version = client.version + bool(added)
    given = {scope: by for scope, by in client.given.items() if scope in scopes} | dict.fromkeys(added, version)
    return replace(client, scopes=scopes, version=version, given=given)


def check_giver(by: Actor, scopes: frozenset[str], had: frozenset[str] = frozenset()) -> None:
    """Refuse an actor that gives a client more than a participant gives its own clients.

    Args:
        scopes: those that the client is to have.
        had: those that it has. It may keep them.

    Raises:
        ScopeNotYours: names the scopes.
    """
    beyond = scopes - had - GIVEN_BY_OFFICES
    if beyond and not by.is_operator:
        raise ScopeNotYours(f"The operator gives {', '.join(sorted(beyond))}.")


def check_number(transaction: Transaction, participant: str, by: Actor) -> None:
    """Refuse one more client of a participant that makes its clients itself. Each client is in every process's memory.

    Raises:
        TooManyClients: it has many. Revoked clients count too: they stay in the table.
    """
    number = transaction.value(sa.select(sa.func.count()).where(CLIENTS.c.participant == participant))
    if number >= MOST_CLIENTS and not by.is_operator:
        raise TooManyClients(f"{participant} has {number} clients, revoked ones among them.")


def write_scopes(client: Client) -> dict[str, Any]:
    """The columns that hold a client's scopes."""
    given = json.dumps(client.given).decode()
    return {"scopes": " ".join(sorted(client.scopes)), "version": client.version, "given": given}


def make_client(row: sa.Row[Any]) -> Client:
    """The client of a row."""
    return Client(
        client_id=row.client_id,
        participant=row.participant,
        scopes=frozenset(row.scopes.split()),
        created_at=clock.moment(row.created_at),
        revoked=row.revoked_at is not None,
        version=row.version,
        given=json.loads(row.given),
    )
