"""Participants and their clients: who is known to the bus, and what each client may do.

Promise: a client's secret is shown once, when it is made, and kept only as a hash; whatever changes here, every process
notices within a second.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey

from bus import clock, json
from bus.actions import OPERATOR as OPERATOR
from bus.actions import Action, Actor, Object, Verb, note
from bus.identity import secrets
from bus.identity.scopes import Scope
from bus.identity.tables import CLIENTS, PARTICIPANTS
from bus.ids import new_id, new_secret
from bus.problem import Conflict, FieldError, Invalid, NotFound
from bus.storage import RowConflict, Storage, Transaction, announce

_NAME = re.compile(r"[a-z][a-z0-9-]{1,62}")


class NameRefused(Invalid):
    """A participant's name is 2 to 63 small letters, digits and hyphens, and begins with a letter."""

    slug = "participant-name"


class TitleRefused(Invalid):
    """A participant's title is one line of printable text."""

    slug = "participant-title"


class KindRefused(Invalid):
    """A participant of this kind is made by `bus init` alone."""

    slug = "participant-kind"


class ParticipantExists(Conflict):
    """A participant of this name is there already; choose another name, or use that one."""

    slug = "participant-exists"


class ParticipantUnknown(NotFound):
    """There is no participant of this name; add it first."""

    slug = "participant-unknown"


class ClientUnknown(NotFound):
    """The participant has no such client."""

    slug = "client-unknown"


class ScopeUnknown(Invalid):
    """A scope is not one of the bus's, or none was given."""

    slug = "scope-unknown"


class KeySetRefused(Invalid):
    """A client's key set holds public keys for ES256 (P-256) or EdDSA (Ed25519), and nothing else."""

    slug = "client-jwks"


class Kind(StrEnum):
    """What a participant is."""

    APP = "app"
    MINISTRY = "ministry"
    DEVELOPER = "developer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Participant:
    """An organisation or app that is known to the bus."""

    name: str
    title: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Client:
    """One OAuth client of a participant.

    Attributes:
        scopes: the most that its tokens may carry.
        revoked: whether it was shut out, for good.
    """

    client_id: str
    participant: str
    scopes: frozenset[str]
    created_at: datetime
    revoked: bool


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client with what proves that a caller is it; stays inside this room.

    Attributes:
        secret_hash: what is kept of its secret.
        jwks: the public keys that verify its assertions (RFC 7523), a JWK Set in JSON; None: it has none.
    """

    client: Client
    secret_hash: str
    jwks: str | None


class Participants:
    """The register of participants and clients. Synchronous: call it from a thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(self, name: str, title: str, kind: Kind, by: Actor) -> Participant:
        """Make a participant known.

        Raises:
            NameRefused, TitleRefused, KindRefused: see there.
            ParticipantExists: the name is taken.
        """
        if not _NAME.fullmatch(name):
            raise NameRefused(
                "Choose 2 to 63 small letters, digits and hyphens, a letter first, such as dukcapil-lamongan.",
                errors=[FieldError("/name", "not a participant's name")],
            )
        if not title or not title.isprintable():
            raise TitleRefused(
                "Give its full name on one line.", errors=[FieldError("/title", "not one printable line")]
            )
        if kind is Kind.OPERATOR:
            raise KindRefused("The operator is made by `bus init`; choose app, ministry or developer.")
        participant = Participant(name, title, kind)
        try:
            with self._storage.write() as transaction:
                _insert_participant(transaction, participant)
                on, after = Object("participant", name), {"kind": kind.value}
                note(transaction, Action(Verb.PARTICIPANT_ADD, by, on, name, after=after))
        except RowConflict:
            raise ParticipantExists(f"{name} is known already.") from None
        return participant

    def list_page(self, limit: int, after: str = "") -> Sequence[Participant]:
        """Up to `limit` participants in order of name, those behind the name `after`."""
        query = sa.select(PARTICIPANTS).where(PARTICIPANTS.c.name > after).order_by(PARTICIPANTS.c.name).limit(limit)
        with self._storage.read() as transaction:
            return [_make_participant(row) for row in transaction.rows(query)]

    def get(self, name: str) -> Participant:
        """The participant of that name.

        Raises:
            ParticipantUnknown: there is none.
        """
        with self._storage.read() as transaction:
            return _get(transaction, name)

    def add_client(
        self, participant: str, scopes: Iterable[str], jwks: Mapping[str, Any] | None = None, *, by: Actor
    ) -> tuple[Client, str]:
        """Make a client of a participant, and its secret, which nobody can read again.

        Args:
            scopes: at least one of `Scope`.
            jwks: JWK Set of public keys, for a client that proves itself with `private_key_jwt`.

        Raises:
            ParticipantUnknown, ScopeUnknown, KeySetRefused: see there.
        """
        client = Client(new_id("client"), participant, _check_scopes(scopes), clock.now(), revoked=False)
        keys = None if jwks is None else _read_public_keys(jwks)
        secret = new_secret()
        stored = None if keys is None else json.dumps(keys.as_dict()).decode()
        with self._storage.write() as transaction:
            _get(transaction, participant)
            _insert_client(transaction, Credentials(client, secrets.make_digest(secret), stored))
            after = {"scopes": sorted(client.scopes), "keys": 0 if keys is None else len(keys.keys)}
            note(transaction, Action(Verb.CLIENT_ADD, by, _make_object(client.client_id), participant, after=after))
        return client, secret

    def list_clients(self, participant: str, limit: int, after: str = "") -> Sequence[Client]:
        """Up to `limit` clients of a participant, revoked ones too, in order of id, those behind the id `after`.

        Raises:
            ParticipantUnknown: there is no such participant.
        """
        query = (
            sa.select(CLIENTS)
            .where(CLIENTS.c.participant == participant, CLIENTS.c.client_id > after)
            .order_by(CLIENTS.c.client_id)
            .limit(limit)
        )
        with self._storage.read() as transaction:
            _get(transaction, participant)
            return [_make_client(row) for row in transaction.rows(query)]

    def revoke_client(self, participant: str, client_id: str, by: Actor) -> None:
        """Shut a client out for good: its secret and its tokens are worth nothing any more. Doing it twice is harmless.

        Raises:
            ParticipantUnknown, ClientUnknown: see there.
        """
        mine = (CLIENTS.c.participant == participant) & (CLIENTS.c.client_id == client_id)
        with self._storage.write() as transaction:
            _get(transaction, participant)
            row = transaction.one(sa.select(CLIENTS).where(mine)) if client_id.isprintable() else None
            if row is None:
                raise ClientUnknown(f"{participant} has no client {client_id!r}.")
            revoke = sa.update(CLIENTS).where(mine, CLIENTS.c.revoked_at.is_(None))
            transaction.execute(revoke.values(revoked_at=clock.micros(clock.now())))
            before, after = {"revoked": row.revoked_at is not None}, {"revoked": True}
            note(transaction, Action(Verb.CLIENT_REVOKE, by, _make_object(client_id), participant, before, after))
            announce(transaction, "clients")

    def find_client(self, client_id: str) -> Client | None:
        """The client of that id, also a revoked one; None where there is none."""
        if not client_id.isprintable():
            return None
        with self._storage.read() as transaction:
            row = transaction.one(sa.select(CLIENTS).where(CLIENTS.c.client_id == client_id))
        return None if row is None else _make_client(row)

    def find_credentials(self, client_id: str) -> Credentials | None:
        """A client that is not revoked, with what proves it."""
        if not client_id.isprintable():
            # PostgreSQL takes no NUL in a text, SQLite no lone surrogate.
            return None
        with self._storage.read() as transaction:
            return read_credentials(transaction, client_id).get(client_id)

    def renew_hash(self, client_id: str, old: str, new: str) -> None:
        """Keep another digest of the same secret, unless the secret changed meanwhile."""
        same = (CLIENTS.c.client_id == client_id) & (CLIENTS.c.secret_hash == old)
        with self._storage.write() as transaction:
            transaction.execute(sa.update(CLIENTS).where(same).values(secret_hash=new))
            announce(transaction, "clients")


def bootstrap(storage: Storage, by: Actor) -> tuple[str, str] | None:
    """Make the operator and its first client, with every scope; None when the operator is there already.

    Returns:
        The client's id and its secret, which nobody can read again.
    """
    client = Client(new_id("client"), OPERATOR, frozenset(Scope), clock.now(), revoked=False)
    secret = new_secret()
    secret_hash = secrets.make_digest(secret)
    try:
        with storage.write() as transaction:
            _insert_participant(transaction, Participant(OPERATOR, "Operator of the bus", Kind.OPERATOR))
            _insert_client(transaction, Credentials(client, secret_hash, None))
            after = {"client_id": client.client_id, "scopes": sorted(client.scopes)}
            note(transaction, Action(Verb.BUS_INIT, by, Object("bus", "bus"), OPERATOR, after=after))
    except RowConflict:
        return None
    return client.client_id, secret


def read_credentials(transaction: Transaction, client_id: str | None = None) -> dict[str, Credentials]:
    """Every client that is not revoked, with what proves it, by id; or that one alone."""
    query = sa.select(CLIENTS).where(CLIENTS.c.revoked_at.is_(None))
    if client_id is not None:
        query = query.where(CLIENTS.c.client_id == client_id)
    return {row.client_id: Credentials(_make_client(row), row.secret_hash, row.jwks) for row in transaction.rows(query)}


def _check_scopes(scopes: Iterable[str]) -> frozenset[str]:
    asked = frozenset(scopes)
    known = frozenset(str(scope) for scope in Scope)
    if not asked or asked - known:
        raise ScopeUnknown(
            f"Give at least one scope, each one of {', '.join(Scope)}.",
            errors=[FieldError("/scopes", "empty, or holds a scope that does not exist")],
        )
    return asked


def _read_public_keys(jwks: Mapping[str, Any]) -> KeySet:
    try:
        keys = KeySet.import_key_set({"keys": jwks["keys"]})
    except (JoseError, ValueError, KeyError, TypeError):
        raise KeySetRefused("The key set cannot be read (RFC 7517, section 5).", errors=_JWKS_WRONG) from None
    if len(keys.keys) > _MOST_KEYS:
        raise KeySetRefused(f"Register at most {_MOST_KEYS} keys.", errors=_JWKS_WRONG)
    if len(keys.keys) != len(jwks["keys"]) or not all(_is_public(key) for key in keys):
        raise KeySetRefused("Register public P-256 or Ed25519 keys alone; keep private ones.", errors=_JWKS_WRONG)
    return keys


_MOST_KEYS = 16
_JWKS_WRONG = [FieldError("/jwks", "not a set of public P-256 or Ed25519 keys")]


def _is_public(key: object) -> bool:
    if isinstance(key, ECKey):
        return key.curve_name == "P-256" and not key.is_private
    return isinstance(key, OKPKey) and key.get("crv") == "Ed25519" and not key.is_private


def _make_object(client_id: str) -> Object:
    return Object("client", client_id)


def _get(transaction: Transaction, name: str) -> Participant:
    query = sa.select(PARTICIPANTS).where(PARTICIPANTS.c.name == name)
    row = transaction.one(query) if _NAME.fullmatch(name) else None
    if row is None:
        raise ParticipantUnknown(f"There is no participant {name!r}; `bus participant add` makes one.")
    return _make_participant(row)


def _make_participant(row: sa.Row[Any]) -> Participant:
    return Participant(row.name, row.title, Kind(row.kind))


def _make_client(row: sa.Row[Any]) -> Client:
    return Client(
        client_id=row.client_id,
        participant=row.participant,
        scopes=frozenset(row.scopes.split()),
        created_at=clock.moment(row.created_at),
        revoked=row.revoked_at is not None,
    )


def _insert_participant(transaction: Transaction, participant: Participant) -> None:
    transaction.execute(
        sa.insert(PARTICIPANTS).values(
            name=participant.name,
            title=participant.title,
            kind=participant.kind.value,
            created_at=clock.micros(clock.now()),
        )
    )
    announce(transaction, "clients")


def _insert_client(transaction: Transaction, credentials: Credentials) -> None:
    client = credentials.client
    transaction.execute(
        sa.insert(CLIENTS).values(
            client_id=client.client_id,
            participant=client.participant,
            secret_hash=credentials.secret_hash,
            scopes=" ".join(sorted(client.scopes)),
            jwks=credentials.jwks,
            created_at=clock.micros(client.created_at),
        )
    )
    announce(transaction, "clients")
