"""Accounts of an identity provider: known by issuer and subject, with the role that the provider's claim gives.

Promise: an identity never gets an account that somebody added by hand, whatever the provider calls it.
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from bus.actions import Action, Verb, note
from bus.identity import Participants
from bus.problem import NotFound
from bus.staff.account import OF_PARTICIPANT, Account, Role
from bus.staff.accounts import insert_account, is_name, make_account, make_object
from bus.staff.digest import digest
from bus.staff.errors import ClaimRefused, SignInRefused
from bus.staff.provider import Identity
from bus.staff.tables import STAFF, STAFF_IDENTITIES, STAFF_SESSIONS, select_accounts
from bus.storage import RowConflict, Storage, Transaction

_DIGITS: Final = 12


class Identities:
    """Finds and makes accounts of identities. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def admit(self, identity: Identity, address: str) -> Account:
        """The account of an identity, with the role that the provider says now. A new identity gets a new account.

        Raises:
            ClaimRefused: the provider gives no role or participant that the bus knows.
            SignInRefused: the account is disabled.
        """
        role = _choose_role(identity)
        participant = self._find_participant(identity, role)
        try:
            with self._storage.write() as transaction:
                row = _find(transaction, identity)
                if row is None:
                    row = _add(transaction, identity, role, participant, address)
                elif row.disabled_at is not None:
                    raise SignInRefused("This account is shut out.")
                elif (row.role, row.participant) != (role.value, participant):
                    row = _change(transaction, identity, make_account(row), role, participant, address)
                return make_account(row)
        except RowConflict:
            raise SignInRefused("The same person signs in by another request.") from None

    def _find_participant(self, identity: Identity, role: Role) -> str | None:
        if role not in OF_PARTICIPANT:
            return None
        try:
            return Participants(self._storage).get(identity.participant or "").name
        except NotFound:
            raise ClaimRefused(f"The role {role} needs a participant, and the claim names none that exists.") from None


def _choose_role(identity: Identity) -> Role:
    known = [role for role in Role if role.value in identity.roles]
    if len(known) != 1:
        names = ", ".join(Role)
        raise ClaimRefused(f"The role claim should have one of these texts: {names}.")
    return known[0]


def _find(transaction: Transaction, identity: Identity) -> Any:
    mine = (STAFF_IDENTITIES.c.issuer == identity.issuer) & (STAFF_IDENTITIES.c.subject == identity.subject)
    return transaction.one(
        select_accounts().join(STAFF_IDENTITIES, STAFF_IDENTITIES.c.staff == STAFF.c.name).where(mine)
    )


def _add(transaction: Transaction, identity: Identity, role: Role, participant: str | None, address: str) -> Any:
    name = _choose_name(transaction, identity)
    insert_account(transaction, name, role, participant)
    values = {"issuer": identity.issuer, "subject": identity.subject, "staff": name}
    transaction.execute(sa.insert(STAFF_IDENTITIES).values(**values))
    row = _find(transaction, identity)
    told = {"role": role.value, "participant": participant}
    details = {"issuer": identity.issuer}
    _note(transaction, Verb.STAFF_ADD, make_account(row), address, None, told, details)
    return row


def _change(
    transaction: Transaction, identity: Identity, account: Account, role: Role, participant: str | None, address: str
) -> Any:
    """Give an account the role that the provider says now. Sessions with the earlier role end."""
    named, after = STAFF.c.name == account.name, {"role": role.value, "participant": participant}
    transaction.execute(sa.update(STAFF).where(named).values(**after))
    transaction.execute(sa.delete(STAFF_SESSIONS).where(STAFF_SESSIONS.c.staff == account.name))
    before = {"role": account.role.value, "participant": account.participant}
    row = _find(transaction, identity)
    _note(transaction, Verb.STAFF_CHANGE, make_account(row), address, before, after, {"issuer": identity.issuer})
    return row


def _note(
    transaction: Transaction,
    verb: Verb,
    account: Account,
    address: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    details: Mapping[str, Any],
) -> None:
    by, on = account.act_from(address), make_object(account.name)
    note(transaction, Action(verb, by, on, account.participant, before, after, details))


def _choose_name(transaction: Transaction, identity: Identity) -> str:
    """The provider's name for the person, if it can be an account's and nobody has it. Otherwise a name by a digest."""
    wanted = identity.name.lower()
    taken = sa.select(STAFF.c.name).where(STAFF.c.name == wanted)
    if is_name(wanted) and transaction.one(taken) is None:
        return wanted
    return "pegawai-" + digest(f"{identity.issuer} {identity.subject}")[:_DIGITS]
