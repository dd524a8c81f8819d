"""App owners: what their pages share. Each page shows and changes the member's own participant alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from bus import clock
from bus.console.explanations import explain
from bus.console.roles import OWNING
from bus.console.visit import Visit, visiting
from bus.console.words import Words
from bus.contracts import Catalogue, Contract
from bus.problem import Invalid, Refused

Owner = Annotated[Visit, visiting(*OWNING)]
"""The visit of an app owner."""
MOST_CONTRACTS: Final = 200
"""Contracts that a page offers to choose from."""


class NotConfirmed(Invalid):
    """This act cannot be undone; tick the box that says so."""

    slug = "not-confirmed"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a form was not accepted.

    Attributes:
        text: what happened and what to do.
        is_foreign: the text is in English.
        fields: what is wrong with single fields of the form, by their names.
    """

    text: str
    is_foreign: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Own:
    """The contracts of a participant.

    Attributes:
        sent: the newest version of each contract under which it may send.
        granted: the newest version of each contract that grants it something today.
    """

    sent: tuple[Contract, ...]
    granted: tuple[Contract, ...]


def participant_of(visit: Visit) -> str:
    """The participant that an app owner acts for."""
    if visit.account.participant is None:
        raise AssertionError("An app owner acts for a participant.")
    return visit.account.participant


def check_confirmed(visit: Visit) -> None:
    """Refuse a form whose box `yakin` is not ticked.

    Raises:
        NotConfirmed: see the class.
    """
    if "yakin" not in visit.form:
        raise NotConfirmed("Tick the box first.")


def make_fault(words: Words, refusal: Refused, places: Mapping[str, tuple[str, str]] | None = None) -> Fault:
    """The fault of a form.

    Args:
        places: by the beginning of a pointer, the form's field and what is wrong with it.
    """
    known = places or {}
    fields = {
        name: text
        for error in refusal.errors
        for beginning, (name, text) in known.items()
        if error.pointer.startswith(beginning)
    }
    if fields:
        return Fault(words.say("Ada isian yang perlu diperbaiki. Isian itu ditandai di bawah."), fields=fields)
    if text := explain(refusal, words):
        return Fault(text)
    details = " ".join(f"{error.pointer}: {error.detail}." for error in refusal.errors)
    return Fault(f"{refusal.title} {refusal.detail} {details}".strip(), is_foreign=True)


def find_own(catalogue: Catalogue, participant: str) -> Own:
    """The contracts of a participant, at most `MOST_CONTRACTS` of each kind. Synchronous: call it from threads."""
    today, sent, granted = clock.today(), list[Contract](), list[Contract]()
    for name, versions in catalogue.walk_contracts("", participant):
        sending = [one for one in versions if participant in one.producers]
        granting = [one for one in versions if (grant := one.grant(participant)) and not grant.has_ended(today)]
        sent += sending[-1:]
        if granting and catalogue.find_suspension(name, participant) is None:
            granted.append(granting[-1])
    return Own(tuple(sent[:MOST_CONTRACTS]), tuple(granted[:MOST_CONTRACTS]))
