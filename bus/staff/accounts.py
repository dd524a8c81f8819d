"""The register of staff: accounts, and the one-time links by which a member sets what proves the account.

Promise: a link works once, and only for a while. Its secret is shown once, and stored only as a digest.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Object, Verb, note
from bus.identity import Keys, Participants
from bus.ids import new_secret
from bus.staff.account import Account, Role, check_participant
from bus.staff.authenticator import find_step, new_totp_secret
from bus.staff.digest import digest
from bus.staff.errors import (
    CodeRefused,
    LinkUnusable,
    StaffDisabled,
    StaffExists,
    StaffNameRefused,
    StaffProvided,
    StaffUnknown,
)
from bus.staff.passwords import Passwords, check_password
from bus.staff.tables import STAFF, STAFF_LINKS, STAFF_PASSKEYS, STAFF_SESSIONS, select_accounts
from bus.storage import RowConflict, Storage, Transaction

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,62}")
COMMAND_LINE: Final = "baris-perintah"
"""The account of those who open the console by a link from the command line. It has no password."""


LINK_PATH: Final = "/konsol/tautan/"
"""A link's address is the bus's address, this path, and the link's secret."""


class Purpose(StrEnum):
    """What a one-time link is for."""

    SET_UP = "set-up"
    """To choose a password and an authenticator."""
    OPEN = "open"
    """To open the console at once."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was not used yet.

    Attributes:
        totp_secret: the secret of the authenticator that the member sets up; empty of a link that opens the console.
    """

    account: Account
    purpose: Purpose
    totp_secret: str


@dataclass(frozen=True, slots=True)
class Proofs:
    """What proves an account. None: the account has none yet."""

    account: Account
    password_hash: str | None
    totp_secret: str | None


class Accounts:
    """Changes and reads accounts. Synchronous: call it from threads.

    Attributes:
        passwords: hashes the accounts' passwords.
    """

    def __init__(self, storage: Storage, keys: Keys, link_minutes: int, passwords: Passwords | None = None) -> None:
        self._storage = storage
        self._keys = keys
        self._link_seconds = link_minutes * 60
        self.passwords = passwords or Passwords()

    def add(self, name: str, role: Role, participant: str | None, by: Actor) -> str:
        """Add an account. Returns the secret of its first link.

        Raises:
            StaffNameRefused, ParticipantMismatch, StaffExists: see the classes.
            ParticipantUnknown: the participant does not exist.
        """
        if not is_name(name):
            raise StaffNameRefused(f"{name!r} cannot be an account's name.")
        check_participant(role, participant)
        if participant is not None:
            Participants(self._storage).get(participant)
        try:
            with self._storage.write() as transaction:
                insert_account(transaction, name, role, participant)
                told = {"role": role.value, "participant": participant}
                note(transaction, Action(Verb.STAFF_ADD, by, make_object(name), participant, after=told))
                return self._add_link(transaction, name, Purpose.SET_UP, by, participant)
        except RowConflict:
            raise StaffExists(f"There is an account {name} already.") from None

    def make_link(self, name: str, by: Actor) -> str:
        """The secret of a new link for an account. What proves the account now works until the link is used.

        Raises:
            StaffUnknown, StaffDisabled, StaffProvided: see the classes.
        """
        with self._storage.write() as transaction:
            account = _get(transaction, name)
            if account.is_disabled or name == COMMAND_LINE:
                raise StaffDisabled(f"The account {name} takes no links; add another account.")
            if account.is_provided:
                raise StaffProvided(f"An identity provider proves the account {name}.")
            return self._add_link(transaction, name, Purpose.SET_UP, by, account.participant)

    def make_opening(self, by: Actor) -> str:
        """The secret of a link that opens the console as operator, for who may use the command line."""
        with self._storage.write() as transaction:
            if _find(transaction, COMMAND_LINE) is None:
                insert_account(transaction, COMMAND_LINE, Role.OPERATOR, None)
            return self._add_link(transaction, COMMAND_LINE, Purpose.OPEN, by, None)

    def read_link(self, secret: str) -> Link:
        """The link with that secret.

        Raises:
            LinkUnusable: see the class.
        """
        with self._storage.read() as transaction:
            return self._get_link(transaction, secret)

    def set_up(self, secret: str, password: str, code: str, address: str) -> Account:
        """Use a link: give its account a password and an authenticator. Ends the account's sessions and other links.

        Raises:
            LinkUnusable, PasswordRefused, CodeRefused: see the classes.
        """
        link = self.read_link(secret)
        if link.purpose is not Purpose.SET_UP:
            raise LinkUnusable("This link opens the console; it sets nothing up.")
        check_password(password, link.account.name)
        step = find_step(link.totp_secret, code, clock.now())
        if step is None:
            raise CodeRefused("The code does not fit.")
        values = {
            "password_hash": self.passwords.hash(password),
            "totp_secret": self._keys.encrypt(link.totp_secret),
            "totp_step": step,
        }
        named = STAFF.c.name == link.account.name
        return self.set_up_otherwise(
            secret, lambda to: to.execute(sa.update(STAFF).where(named).values(**values)), address
        )

    def set_up_otherwise(self, secret: str, store: Callable[[Transaction], object], address: str) -> Account:
        """Use a link: forget all that proved its account, and have `store` write what proves it from now on.

        Raises:
            LinkUnusable: see the class.
        """
        with self._storage.write() as transaction:
            link = self._get_link(transaction, secret)
            if link.purpose is not Purpose.SET_UP:
                raise LinkUnusable("This link opens the console; it sets nothing up.")
            _use(transaction, secret)
            name = link.account.name
            _forget(transaction, name)
            forgotten = {"password_hash": None, "totp_secret": None}
            transaction.execute(sa.update(STAFF).where(STAFF.c.name == name).values(**forgotten))
            transaction.execute(sa.delete(STAFF_PASSKEYS).where(STAFF_PASSKEYS.c.staff == name))
            store(transaction)
            by = link.account.act_from(address)
            note(transaction, Action(Verb.STAFF_PROOF, by, make_object(name), link.account.participant))
        return link.account

    def open(self, secret: str) -> Account:
        """Use a link that opens the console. Returns the account that it opens.

        Raises:
            LinkUnusable: see the class.
        """
        with self._storage.write() as transaction:
            link = self._get_link(transaction, secret)
            if link.purpose is not Purpose.OPEN:
                raise LinkUnusable("This link sets an account up; it opens nothing.")
            _use(transaction, secret)
        return link.account

    def disable(self, name: str, by: Actor) -> None:
        """Shut an account out for good: its sessions and links end at once. A second call changes nothing.

        The account of the command line is not shut out, since nobody could then open the console by it again.

        Raises:
            StaffUnknown: see the class.
        """
        with self._storage.write() as transaction:
            account = _get(transaction, name)
            if account.is_disabled:
                return
            if name != COMMAND_LINE:
                at = clock.micros(clock.now())
                transaction.execute(sa.update(STAFF).where(STAFF.c.name == name).values(disabled_at=at))
            _forget(transaction, name)
            note(transaction, Action(Verb.STAFF_DISABLE, by, make_object(name), account.participant))

    def end_sessions(self, name: str, by: Actor) -> None:
        """End all sessions of an account, which may sign in again.

        Raises:
            StaffUnknown: see the class.
        """
        with self._storage.write() as transaction:
            account = _get(transaction, name)
            transaction.execute(sa.delete(STAFF_SESSIONS).where(STAFF_SESSIONS.c.staff == name))
            note(transaction, Action(Verb.STAFF_END_SESSIONS, by, make_object(name), account.participant))

    def get(self, name: str) -> Account:
        """The account with that name.

        Raises:
            StaffUnknown: see the class.
        """
        with self._storage.read() as transaction:
            return _get(transaction, name)

    def list_page(self, limit: int, after: str = "") -> Sequence[Account]:
        """At most `limit` accounts by name, beginning after the name `after`."""
        query = select_accounts().where(STAFF.c.name > after).order_by(STAFF.c.name).limit(limit)
        with self._storage.read() as transaction:
            return [make_account(row) for row in transaction.rows(query)]

    def find_proofs(self, name: str) -> Proofs | None:
        """What proves an account; None: there is no such account, or it is disabled."""
        with self._storage.read() as transaction:
            row = _find(transaction, name)
        if row is None or row.disabled_at is not None:
            return None
        secret = None if row.totp_secret is None else self._keys.decrypt(row.totp_secret)
        return Proofs(make_account(row), row.password_hash, secret)

    def use_step(self, name: str, step: int) -> bool:
        """Whether a code of this step counts: no code of this step or a later one was used. From now on it is used."""
        newer = (STAFF.c.name == name) & (STAFF.c.totp_step < step) & STAFF.c.disabled_at.is_(None)
        with self._storage.write() as transaction:
            return bool(transaction.execute(sa.update(STAFF).where(newer).values(totp_step=step)))

    def _add_link(
        self, transaction: Transaction, name: str, purpose: Purpose, by: Actor, participant: str | None
    ) -> str:
        secret, now = new_secret(), clock.now()
        transaction.execute(sa.delete(STAFF_LINKS).where(STAFF_LINKS.c.ends_at < clock.micros(now)))
        values = {
            "digest": digest(secret),
            "staff": name,
            "purpose": purpose.value,
            "totp_secret": self._keys.encrypt(new_totp_secret()) if purpose is Purpose.SET_UP else None,
            "ends_at": clock.micros(now + timedelta(seconds=self._link_seconds)),
        }
        transaction.execute(sa.insert(STAFF_LINKS).values(**values))
        details = {"purpose": purpose.value}
        note(transaction, Action(Verb.STAFF_LINK, by, make_object(name), participant, details=details))
        return secret

    def _get_link(self, transaction: Transaction, secret: str) -> Link:
        query = (
            select_accounts(STAFF_LINKS.c.purpose, STAFF_LINKS.c.totp_secret.label("fresh_secret"))
            .join(STAFF, STAFF.c.name == STAFF_LINKS.c.staff)
            .where(STAFF_LINKS.c.digest == digest(secret), STAFF_LINKS.c.ends_at > clock.micros(clock.now()))
        )
        row = transaction.one(query)
        if row is None or row.disabled_at is not None:
            raise LinkUnusable("The link was used, or it has ended.")
        fresh = "" if row.fresh_secret is None else self._keys.decrypt(row.fresh_secret)
        return Link(make_account(row), Purpose(row.purpose), fresh)


def is_name(name: str) -> bool:
    """Whether a name can be that of a person's account."""
    return _NAME.fullmatch(name) is not None and name != COMMAND_LINE


def make_object(name: str) -> Object:
    """An account as the object of an act."""
    return Object("staff", name)


def make_account(row: Any) -> Account:
    """The account in a row of `staff`."""
    return Account(
        row.name,
        Role(row.role),
        row.participant,
        _read_moment(row.created_at),
        has_password=row.password_hash is not None,
        has_passkey=row.has_passkey,
        is_provided=row.is_provided,
        is_disabled=row.disabled_at is not None,
    )


def reencrypt_authenticators(transaction: Transaction, keys: Keys) -> int:
    """Encrypt the authenticators of all accounts with the newest key. Returns how many were not encrypted so before.

    Raises:
        Undecryptable: a secret fits none of the keys.
    """
    count = 0
    for name, stored in _list_secrets(transaction):
        if not keys.encryption.is_current(stored):
            same = (STAFF.c.name == name, STAFF.c.totp_secret == stored)
            transaction.execute(sa.update(STAFF).where(*same).values(totp_secret=keys.encrypt(keys.decrypt(stored))))
            count += 1
    return count


def check_authenticators(transaction: Transaction, keys: Keys) -> None:
    """Refuse keys that do not open the authenticators of all accounts.

    Raises:
        Undecryptable: a secret fits none of the keys.
    """
    for _, stored in _list_secrets(transaction):
        keys.decrypt(stored)


def _list_secrets(transaction: Transaction) -> Sequence[tuple[str, str]]:
    query = sa.select(STAFF.c.name, STAFF.c.totp_secret).where(STAFF.c.totp_secret.is_not(None))
    return [(name, stored) for name, stored in transaction.rows(query)]


def _read_moment(micros: int) -> datetime:
    return clock.moment(micros)


def insert_account(transaction: Transaction, name: str, role: Role, participant: str | None) -> None:
    """Write a new account, which nothing proves yet.

    Raises:
        RowConflict: there is an account with this name.
    """
    values = {
        "name": name,
        "role": role.value,
        "participant": participant,
        "totp_step": -1,
        "created_at": clock.micros(clock.now()),
    }
    transaction.execute(sa.insert(STAFF).values(**values))


def _find(transaction: Transaction, name: str) -> Any:
    return transaction.one(select_accounts().where(STAFF.c.name == name)) if _NAME.fullmatch(name) else None


def _get(transaction: Transaction, name: str) -> Account:
    row = _find(transaction, name)
    if row is None:
        raise StaffUnknown(f"There is no account {name!r}.")
    return make_account(row)


def _use(transaction: Transaction, secret: str) -> None:
    """Take a link away. Of two requests with one link, one alone finds it."""
    if not transaction.execute(sa.delete(STAFF_LINKS).where(STAFF_LINKS.c.digest == digest(secret))):
        raise LinkUnusable("The link was used by another request.")


def _forget(transaction: Transaction, name: str) -> None:
    """End the sessions and links of an account."""
    transaction.execute(sa.delete(STAFF_LINKS).where(STAFF_LINKS.c.staff == name))
    transaction.execute(sa.delete(STAFF_SESSIONS).where(STAFF_SESSIONS.c.staff == name))
