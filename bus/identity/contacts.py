"""Contacts: the mail address of a participant's office, where the bus sends notices of the participant's own troubles.

It is an address of an office, and may name a person. So no log has it: the action log says only that it changed.
"""

import sqlalchemy as sa

from bus.actions import Action, Actor, Object, Verb, note
from bus.identity.tables import PARTICIPANTS
from bus.mailbox import is_mailbox
from bus.problem import FieldError, Invalid
from bus.storage import Storage, Transaction


class ContactRefused(Invalid):
    """A participant's contact is one mail address, such as tik@bapenda.lamongan.go.id."""

    slug = "participant-contact"


def check_contact(contact: str | None) -> None:
    """Refuse a contact that is no mail address; None: there is none.

    Raises:
        ContactRefused: the text is not one mail address.
    """
    if contact is not None and not is_mailbox(contact):
        raise ContactRefused(
            "Give one mail address, such as tik@bapenda.lamongan.go.id.",
            errors=[FieldError("/contact", "not one mail address")],
        )


def describe_change(before: str | None, after: str | None) -> str:
    """What became of a contact, without the address itself: for the action log and for plans."""
    if before == after:
        return "unchanged"
    if before is None:
        return "added"
    return "removed" if after is None else "changed"


def read_contacts(storage: Storage) -> dict[str, str]:
    """The contacts of all participants that have one, by the participant's name."""
    query = sa.select(PARTICIPANTS.c.name, PARTICIPANTS.c.contact).where(PARTICIPANTS.c.contact.is_not(None))
    with storage.read() as transaction:
        return {row.name: row.contact for row in transaction.rows(query)}


def write_contact(transaction: Transaction, name: str, before: str | None, contact: str | None, by: Actor) -> None:
    """Give a participant another contact, and note that it changed. `before` is the contact that it had."""
    change = describe_change(before, contact)
    if change == "unchanged":
        return
    transaction.execute(sa.update(PARTICIPANTS).where(PARTICIPANTS.c.name == name).values(contact=contact))
    about = Object("participant", name)
    note(transaction, Action(Verb.PARTICIPANT_UPDATE, by, about, name, details={"contact": change}))
