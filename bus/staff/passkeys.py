"""Passkeys of staff: added by a one-time link or by their owner, used to sign in, listed and removed by their owner.

Promise: an answer of a browser counts once. A passkey whose count of signatures goes back was copied, and is refused.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Verb, note
from bus.staff.account import Account
from bus.staff.accounts import Accounts, make_account, make_object
from bus.staff.ceremony import (
    Answer,
    NewPasskey,
    read_creation,
    read_proof,
    verify_creation,
    verify_proof,
    write_creation,
    write_request,
)
from bus.staff.challenges import Challenges
from bus.staff.errors import LastProof, PasskeyRefused, PasskeyUnknown, SignInRefused
from bus.staff.relying_party import RelyingParty
from bus.staff.tables import STAFF, STAFF_PASSKEYS, select_accounts
from bus.storage import RowConflict, Storage, Transaction

_PROVE: Final = "passkey"
_LONGEST: Final = 100
_MOST: Final = 20
"""Passkeys of one account."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey.

    Attributes:
        label: what its owner calls it.
        used_at: when it last proved the account; None: never yet.
    """

    id: str
    label: str
    created_at: datetime
    used_at: datetime | None


class Passkeys:
    """Adds, uses and removes passkeys. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, accounts: Accounts, challenges: Challenges) -> None:
        self._storage = storage
        self._accounts = accounts
        self._challenges = challenges

    def ask_creation(self, account: Account, bound: str, party: RelyingParty) -> str:
        """What a browser needs to make a passkey for an account, as JSON."""
        known = [one.id for one in self.list_of(account)]
        return write_creation(account.name, known, self._challenges.make(_name_creation(account), bound), party)

    def set_up(self, secret: str, text: str, label: str, bound: str, party: RelyingParty, address: str) -> Account:
        """Use a link: the passkey is from now on what proves its account, and the only thing.

        Args:
            secret: the link's secret.
            text: what the browser says.

        Raises:
            LinkUnusable, PasskeyRefused: see the classes.
        """
        account = self._accounts.read_link(secret).account
        made = self._read_made(account, text, bound, party)
        try:
            return self._accounts.set_up_otherwise(secret, lambda to: _insert(to, account, made, label), address)
        except RowConflict:
            raise PasskeyRefused("This passkey is in use already.") from None

    def add(self, account: Account, text: str, label: str, bound: str, party: RelyingParty, address: str) -> None:
        """Add a passkey to an account that has other proofs.

        Raises:
            PasskeyRefused: see the class.
        """
        made = self._read_made(account, text, bound, party)
        try:
            with self._storage.write() as transaction:
                if len(_list(transaction, account)) >= _MOST:
                    raise PasskeyRefused(f"An account has at most {_MOST} passkeys.")
                _insert(transaction, account, made, label)
                by, of = account.act_from(address), account.participant
                note(transaction, Action(Verb.STAFF_PASSKEY_ADD, by, make_object(account.name), of))
        except RowConflict:
            raise PasskeyRefused("This passkey is in use already.") from None

    def ask_proof(self, bound: str, party: RelyingParty, account: Account | None = None) -> str:
        """What a browser needs to use a passkey, as JSON.

        Args:
            account: whose passkeys count; None: the browser offers all that it has for this bus.
        """
        known = [] if account is None else [one.id for one in self.list_of(account)]
        return write_request(known, self._challenges.make(_PROVE, bound), party)

    def prove(self, text: str, bound: str, party: RelyingParty) -> Account:
        """The account that a passkey proves.

        Args:
            text: what the browser says.
            bound: the value of the browser's cookie.

        Raises:
            SignInRefused: the passkey is unknown, its answer is wrong, or the account is disabled.
        """
        try:
            answer = read_proof(text)
            self._challenges.check(answer.challenge, _PROVE, bound)
            row = self._find(answer)
            count = verify_proof(answer, party, b64decode(row.public_key), row.sign_count)
            self._challenges.use(answer.challenge)
        except PasskeyRefused as refusal:
            raise SignInRefused(refusal.detail) from None
        with self._storage.write() as transaction:
            same = (STAFF_PASSKEYS.c.id == answer.id) & (STAFF_PASSKEYS.c.sign_count == row.sign_count)
            used = {"sign_count": count, "used_at": clock.micros(clock.now())}
            if not transaction.execute(sa.update(STAFF_PASSKEYS).where(same).values(**used)):
                raise SignInRefused("The passkey was used by another request.")
        return make_account(row)

    def list_of(self, account: Account) -> Sequence[Passkey]:
        """The passkeys of an account, the oldest first."""
        with self._storage.read() as transaction:
            return _list(transaction, account)

    def remove(self, account: Account, id: str, address: str) -> None:
        """Remove a passkey of an account.

        Raises:
            PasskeyUnknown, LastProof: see the classes.
        """
        mine = (STAFF_PASSKEYS.c.staff == account.name) & (STAFF_PASSKEYS.c.id == id)
        with self._storage.write() as transaction:
            # Of two removals at once, the second waits here and sees what the first one left.
            row = transaction.one(sa.select(STAFF).where(STAFF.c.name == account.name).with_for_update())
            known = _list(transaction, account)
            if row is None or id not in [one.id for one in known]:
                raise PasskeyUnknown("There is no such passkey.")
            if len(known) == 1 and row.password_hash is None and not account.is_provided:
                raise LastProof("Nothing else proves this account.")
            transaction.execute(sa.delete(STAFF_PASSKEYS).where(mine))
            by, of = account.act_from(address), account.participant
            note(transaction, Action(Verb.STAFF_PASSKEY_REMOVE, by, make_object(account.name), of))

    def _read_made(self, account: Account, text: str, bound: str, party: RelyingParty) -> NewPasskey:
        answer = read_creation(text)
        self._challenges.check(answer.challenge, _name_creation(account), bound)
        made = verify_creation(answer, party)
        self._challenges.use(answer.challenge)
        return made

    def _find(self, answer: Answer) -> Any:
        table = STAFF_PASSKEYS.c
        query = select_accounts(table.public_key, table.sign_count).join(STAFF_PASSKEYS, table.staff == STAFF.c.name)
        with self._storage.read() as transaction:
            row = transaction.one(query.where(table.id == answer.id, STAFF.c.disabled_at.is_(None)))
        if row is None:
            raise PasskeyRefused("Nobody has this passkey.")
        return row


def _name_creation(account: Account) -> str:
    return f"new passkey of {account.name}"


def _list(transaction: Transaction, account: Account) -> Sequence[Passkey]:
    table = STAFF_PASSKEYS.c
    query = sa.select(table.id, table.label, table.created_at, table.used_at)
    rows = transaction.rows(query.where(table.staff == account.name).order_by(table.created_at, table.id))
    return [
        Passkey(row.id, row.label, clock.moment(row.created_at), row.used_at and clock.moment(row.used_at))
        for row in rows
    ]


def _insert(transaction: Transaction, account: Account, made: NewPasskey, label: str) -> None:
    values = {
        "id": made.id,
        "staff": account.name,
        "label": label.strip()[:_LONGEST],
        "public_key": b64encode(made.public_key).decode(),
        "sign_count": made.sign_count,
        "created_at": clock.micros(clock.now()),
    }
    transaction.execute(sa.insert(STAFF_PASSKEYS).values(**values))
