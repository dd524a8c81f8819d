"""Participants and their clients: who is known to the bus, and what each client may do.

Promise: a client's secret is shown once, when it is made, and stored only as a digest. Every process notices a change within
a second.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from bus import clock
from bus.actions import OPERATOR as OPERATOR
from bus.actions import Action, Actor, Object, Verb, note
from bus.identity import secrets
from bus.identity.clients import (
    Client,
    Credentials,
    check_giver,
    give_scopes,
    make_client,
    read_credentials,
    write_scopes,
)
from bus.identity.contacts import check_contact, write_contact
from bus.identity.errors import (
    ClientHasKeys,
    ClientRevoked,
    ClientUnknown,
    KindRefused,
    NameRefused,
    NothingToChange,
    ParticipantExists,
    ParticipantUnknown,
    ScopeUnknown,
    TitleRefused,
)
from bus.identity.public_keys import check_key_set, count_keys
from bus.identity.scopes import Scope
from bus.identity.tables import CLIENTS, PARTICIPANTS
from bus.ids import new_id, new_secret
from bus.problem import FieldError
from bus.storage import RowConflict, Storage, Transaction, announce

NAME = re.compile(r"[a-z][a-z0-9-]{1,62}")


class Kind(StrEnum):
    """The kinds of participants."""

    APP = "app"
    MINISTRY = "ministry"
    DEVELOPER = "developer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Participant:
    """An organisation or app that is known to the bus.

    Attributes:
        contact: the mail address that gets its notices; None: it has none.
    """

    name: str
    title: str
    kind: Kind
    contact: str | None = None


MadeClient = Callable[[Transaction, Client, str | None], None]
"""Called with a client and its secret (None: it has keys), before the transaction that makes it is committed."""


def _tell_nobody(transaction: Transaction, client: Client, secret: str | None) -> None:
    """What a client's maker needs, `add_client` returns."""


def check_participant(participant: Participant) -> None:
    """Refuse a participant that may not be made known.

    Raises:
        NameRefused, TitleRefused, KindRefused, ContactRefused: the value breaks the rule that the class states.
    """
    if not NAME.fullmatch(participant.name):
        raise NameRefused(
            "Choose 2 to 63 small letters, digits and hyphens, a letter first, such as dukcapil-lamongan.",
            errors=[FieldError("/name", "not a participant's name")],
        )
    if not participant.title.strip() or not participant.title.isprintable():
        raise TitleRefused("Give its full name on one line.", errors=[FieldError("/title", "not one printable line")])
    if participant.kind is Kind.OPERATOR:
        raise KindRefused("The operator is made by `bus init`; choose app, ministry or developer.")
    check_contact(participant.contact)


class Participants:
    """The register of participants and clients. Synchronous: call it from a thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(self, name: str, title: str, kind: Kind, by: Actor, contact: str | None = None) -> Participant:
        """Add a participant.

        Raises:
            NameRefused, TitleRefused, KindRefused, ContactRefused: the value breaks the rule that the class states.
            ParticipantExists: another participant has the name.
        """
        participant = Participant(name, title, kind, contact)
        check_participant(participant)
        try:
            with self._storage.write() as transaction:
                _insert_participant(transaction, participant)
                on, after = Object("participant", name), {"kind": kind.value}
                note(transaction, Action(Verb.PARTICIPANT_ADD, by, on, name, after=after))
        except RowConflict:
            raise ParticipantExists(f"A participant named {name} exists already.") from None
        return participant

    def set_contact(self, name: str, contact: str | None, by: Actor) -> Participant:
        """Give a participant another contact; None: it has none any more.

        Raises:
            ParticipantUnknown: no participant has the name.
            ContactRefused: the text is not one mail address.
        """
        check_contact(contact)
        with self._storage.write() as transaction:
            known = _get(transaction, name)
            write_contact(transaction, name, known.contact, contact, by)
        return replace(known, contact=contact)

    def list_page(self, limit: int, after: str = "") -> Sequence[Participant]:
        """At most `limit` participants in order of name, beginning after the name `after`."""
        query = sa.select(PARTICIPANTS).where(PARTICIPANTS.c.name > after).order_by(PARTICIPANTS.c.name).limit(limit)
        with self._storage.read() as transaction:
            return [_make_participant(row) for row in transaction.rows(query)]

    def get(self, name: str) -> Participant:
        """The participant with that name.

        Raises:
            ParticipantUnknown: no participant has the name.
        """
        with self._storage.read() as transaction:
            return _get(transaction, name)

    def add_client(
        self,
        participant: str,
        scopes: Iterable[str],
        jwks: Mapping[str, Any] | None = None,
        *,
        by: Actor,
        made: MadeClient = _tell_nobody,
    ) -> tuple[Client, str | None]:
        """Add a client to a participant.

        Args:
            participant: the participant's name.
            scopes: one or more values of `Scope`.
            jwks: a JWK Set of public keys, for a client that proves itself by `private_key_jwt`.
            by: the actor.
            made: called with the client and its secret, in the transaction that makes it.

        Returns:
            The client, and its secret, which nobody can read again; None for a client with keys.

        Raises:
            ParticipantUnknown: the participant does not exist.
            ScopeUnknown: a scope does not exist, or there is none.
            ScopeNotYours: the operator alone gives one of the scopes.
            KeySetRefused: the key set breaks the rule that the class states.
        """
        client = Client(new_id("client"), participant, _check_scopes(scopes), clock.now(), revoked=False)
        check_giver(by, client.scopes)
        stored = None if jwks is None else check_key_set(jwks)
        secret = new_secret() if stored is None else None
        secret_hash = secrets.NO_SECRET if secret is None else secrets.make_digest(secret)
        with self._storage.write() as transaction:
            _get(transaction, participant)
            _insert_client(transaction, Credentials(client, secret_hash, stored))
            after = {"scopes": sorted(client.scopes), "keys": count_keys(stored)}
            note(transaction, Action(Verb.CLIENT_ADD, by, _make_object(client.client_id), participant, after=after))
            made(transaction, client, secret)
        return client, secret

    def list_clients(self, participant: str, limit: int, after: str = "") -> Sequence[Client]:
        """At most `limit` clients of a participant, in order of id, beginning after the id `after`. Includes revoked clients.

        Raises:
            ParticipantUnknown: the participant does not exist.
        """
        query = (
            sa.select(CLIENTS)
            .where(CLIENTS.c.participant == participant, CLIENTS.c.client_id > after)
            .order_by(CLIENTS.c.client_id)
            .limit(limit)
        )
        with self._storage.read() as transaction:
            _get(transaction, participant)
            return [make_client(row) for row in transaction.rows(query)]

    def revoke_client(self, participant: str, client_id: str, by: Actor) -> None:
        """Shut a client out for good: its secret and its tokens stop working. A second call changes nothing.

        Raises:
            ParticipantUnknown, ClientUnknown: the participant or the client does not exist.
        """
        with self._storage.write() as transaction:
            row = _get_client(transaction, participant, client_id)
            revoke = sa.update(CLIENTS).where(CLIENTS.c.client_id == client_id, CLIENTS.c.revoked_at.is_(None))
            transaction.execute(revoke.values(revoked_at=clock.micros(clock.now())))
            before, after = {"revoked": row.revoked_at is not None}, {"revoked": True}
            note(transaction, Action(Verb.CLIENT_REVOKE, by, _make_object(client_id), participant, before, after))
            announce(transaction, "clients")

    def update_client(
        self,
        participant: str,
        client_id: str,
        scopes: Iterable[str] | None = None,
        jwks: Mapping[str, Any] | None = None,
        *,
        by: Actor,
    ) -> Client:
        """Change a client's scopes, its keys, or both.

        Tokens that are out lose at once what is taken away, and gain nothing: not even a scope that was taken and given again.
        A client that gets keys has no working secret from then on.

        Args:
            scopes: all that the client has from now on; None: they stay.
            jwks: the key set that replaces the client's keys; None: what proves the client stays.

        Raises:
            ParticipantUnknown, ClientUnknown: the participant or the client does not exist.
            ClientRevoked: the client is shut out for good.
            ScopeNotYours: the operator alone gives one of the scopes.
            NothingToChange, ScopeUnknown, KeySetRefused: the change breaks the rule that the class states.
        """
        if scopes is None and jwks is None:
            raise NothingToChange("Give scopes, jwks, or both.")
        asked = None if scopes is None else _check_scopes(scopes)
        values: dict[str, Any] = {}
        if jwks is not None:
            values = {"jwks": check_key_set(jwks), "secret_hash": secrets.NO_SECRET}
        with self._storage.write() as transaction:
            row = _get_client(transaction, participant, client_id)
            if row.revoked_at is not None:
                raise ClientRevoked(f"{client_id} is revoked; make another client.")
            before = make_client(row)
            # Keys for all that the client may do already are as much as the scopes themselves.
            check_giver(by, asked or before.scopes, before.scopes if jwks is None else frozenset())
            changed = before if asked is None else give_scopes(before, asked)
            values |= write_scopes(changed)
            transaction.execute(sa.update(CLIENTS).where(CLIENTS.c.client_id == client_id).values(**values))
            had = {"scopes": sorted(before.scopes), "keys": count_keys(row.jwks)}
            has = {"scopes": sorted(changed.scopes), "keys": count_keys(values.get("jwks", row.jwks))}
            note(transaction, Action(Verb.CLIENT_UPDATE, by, _make_object(client_id), participant, had, has))
            announce(transaction, "clients")
        return changed

    def rotate_secret(self, participant: str, client_id: str, by: Actor) -> str:
        """The new secret of a client, to be shown once. The secret before stops working; tokens that are out go on to their end.

        Raises:
            ParticipantUnknown, ClientUnknown: the participant or the client does not exist.
            ClientRevoked: the client is shut out for good.
            ClientHasKeys: the client has no secret.
            ScopeNotYours: the client has scopes that the operator alone gives.
        """
        secret = new_secret()
        with self._storage.write() as transaction:
            row = _get_client(transaction, participant, client_id)
            if row.revoked_at is not None:
                raise ClientRevoked(f"{client_id} is revoked; make another client.")
            if row.jwks is not None:
                raise ClientHasKeys(f"{client_id} has keys; give it other keys instead.")
            check_giver(by, make_client(row).scopes)
            mine = sa.update(CLIENTS).where(CLIENTS.c.client_id == client_id)
            transaction.execute(mine.values(secret_hash=secrets.make_digest(secret)))
            note(transaction, Action(Verb.CLIENT_ROTATE_SECRET, by, _make_object(client_id), participant))
            announce(transaction, "clients")
        return secret

    def find_client(self, client_id: str) -> Client | None:
        """The client with that id, also if it is revoked; None if there is none."""
        if not client_id.isprintable():
            return None
        with self._storage.read() as transaction:
            row = transaction.one(sa.select(CLIENTS).where(CLIENTS.c.client_id == client_id))
        return None if row is None else make_client(row)

    def find_credentials(self, client_id: str) -> Credentials | None:
        """The credentials of a client; None if the client is unknown or revoked."""
        if not client_id.isprintable():
            # PostgreSQL takes no NUL in a text, SQLite no lone surrogate.
            return None
        with self._storage.read() as transaction:
            return read_credentials(transaction, client_id).get(client_id)

    def renew_hash(self, client_id: str, old: str, new: str) -> None:
        """Store a new digest of a client's secret, unless the stored digest is no longer `old`."""
        same = (CLIENTS.c.client_id == client_id) & (CLIENTS.c.secret_hash == old)
        with self._storage.write() as transaction:
            transaction.execute(sa.update(CLIENTS).where(same).values(secret_hash=new))
            announce(transaction, "clients")


def bootstrap(storage: Storage, by: Actor) -> tuple[str, str] | None:
    """Make the operator and its first client, which has every scope.

    Returns:
        The client's id and its secret, which nobody can read again. None: the operator exists already.
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


def has_operator(storage: Storage) -> bool:
    """Whether the operator exists, so that the database is of a bus that was made whole."""
    with storage.read() as transaction:
        return transaction.one(sa.select(PARTICIPANTS.c.name).where(PARTICIPANTS.c.name == OPERATOR)) is not None


def _check_scopes(scopes: Iterable[str]) -> frozenset[str]:
    asked = frozenset(str(scope) for scope in scopes)
    known = frozenset(str(scope) for scope in Scope)
    if not asked or asked - known:
        raise ScopeUnknown(
            f"Give at least one scope, each one of {', '.join(Scope)}.",
            errors=[FieldError("/scopes", "empty, or holds a scope that does not exist")],
        )
    return asked


def _make_object(client_id: str) -> Object:
    return Object("client", client_id)


def _get(transaction: Transaction, name: str) -> Participant:
    query = sa.select(PARTICIPANTS).where(PARTICIPANTS.c.name == name)
    row = transaction.one(query) if NAME.fullmatch(name) else None
    if row is None:
        raise ParticipantUnknown(f"There is no participant {name!r}; `bus participant add` makes one.")
    return _make_participant(row)


def _get_client(transaction: Transaction, participant: str, client_id: str) -> sa.Row[Any]:
    _get(transaction, participant)
    mine = (CLIENTS.c.participant == participant) & (CLIENTS.c.client_id == client_id)
    row: sa.Row[Any] | None = transaction.one(sa.select(CLIENTS).where(mine)) if client_id.isprintable() else None
    if row is None:
        raise ClientUnknown(f"{participant} has no client {client_id!r}.")
    return row


def _make_participant(row: sa.Row[Any]) -> Participant:
    return Participant(row.name, row.title, Kind(row.kind), row.contact)


def _insert_participant(transaction: Transaction, participant: Participant) -> None:
    values: dict[str, Any] = {"name": participant.name, "title": participant.title, "kind": participant.kind.value}
    values |= {"contact": participant.contact, "created_at": clock.micros(clock.now())}
    transaction.execute(sa.insert(PARTICIPANTS).values(**values))
    announce(transaction, "clients")


def _insert_client(transaction: Transaction, credentials: Credentials) -> None:
    client = credentials.client
    transaction.execute(
        sa.insert(CLIENTS).values(
            client_id=client.client_id,
            participant=client.participant,
            secret_hash=credentials.secret_hash,
            jwks=credentials.jwks,
            created_at=clock.micros(client.created_at),
            **write_scopes(client),
        )
    )
    announce(transaction, "clients")
