"""The roster: a document that lists participants, and the plan that makes the bus know them.

All mistakes of a document are found at once. A plan changes all or nothing; participants that the document lacks stay.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Object, Verb, note
from bus.identity.contacts import describe_change, write_contact
from bus.identity.errors import NameRefused
from bus.identity.participants import NAME, OPERATOR, Kind, Participant, check_participant
from bus.identity.tables import PARTICIPANTS
from bus.mailbox import is_mailbox
from bus.problem import Conflict, FieldError, Invalid
from bus.storage import RowConflict, Storage, Transaction, announce

_MEMBERS: Final = ("name", "kind", "title", "contact")
_LONGEST_TITLE: Final = 200
_MOST_PLANS: Final = 5
"""Plans for one participant that others overtake, before it is told."""
_KINDS: Final = [kind.value for kind in Kind if kind is not Kind.OPERATOR]


class RosterInvalid(Invalid):
    """The list of participants has errors; correct every place that the problem names."""

    slug = "roster"


class RosterChanged(Conflict):
    """Somebody changed the participants meanwhile; apply the list again."""

    slug = "roster-changed"


class Change(Enum):
    """What a plan does to one participant."""

    ADD = "add"
    UPDATE = "update"
    NOTHING = "unchanged"


@dataclass(frozen=True, slots=True)
class Step:
    """What a plan does to one participant.

    Attributes:
        before: the participant as the bus knows it; None: the bus does not know it.
    """

    after: Participant
    before: Participant | None

    @property
    def change(self) -> Change:
        """What the step changes."""
        if self.before is None:
            return Change.ADD
        return Change.NOTHING if self.before == self.after else Change.UPDATE

    @property
    def changes_anything(self) -> bool:
        """Whether the step changes anything."""
        return self.change is not Change.NOTHING

    def __str__(self) -> str:
        """The step on one line, with every value that changes."""
        if self.before is None:
            return f"add {self.after.name}: {self.after.kind.value}, {self.after.title!r}"
        pairs = [
            ("kind", self.before.kind.value, self.after.kind.value),
            ("title", repr(self.before.title), repr(self.after.title)),
        ]
        changes = ", ".join(f"{name} {old} -> {new}" for name, old, new in pairs if old != new)
        if self.before.contact != self.after.contact:
            # A plan may be kept as a log of a deployment, so it does not show the address.
            changes += f"{', ' if changes else ''}contact {describe_change(self.before.contact, self.after.contact)}"
        return f"{self.change.value} {self.after.name}" + (f": {changes}" if changes else "")


def read_roster(document: Any) -> list[Participant]:
    """The participants of a document `{"participants": [{"name", "kind", "title"?, "contact"?}]}`.

    Raises:
        RosterInvalid: names every error by its JSON Pointer.
    """
    listed = document.get("participants") if isinstance(document, Mapping) else None
    if not isinstance(listed, list) or not listed:
        raise RosterInvalid(
            "The document needs the member `participants`, a list that is not empty.",
            errors=[FieldError("/participants", "must be a list that is not empty")],
        )
    errors = [FieldError(f"/{name}", "is not known here") for name in document if name != "participants"]
    for index, entry in enumerate(listed):
        errors += [FieldError(f"/participants/{index}{pointer}", detail) for pointer, detail in _find_errors(entry)]
    errors += _find_repeats(listed)
    if errors:
        raise RosterInvalid(f"The list of participants has {len(errors)} errors.", errors=errors)
    return [
        Participant(one["name"], one.get("title", one["name"]), Kind(one["kind"]), one.get("contact")) for one in listed
    ]


def plan_roster(storage: Storage, participants: Sequence[Participant]) -> list[Step]:
    """What it takes that the bus knows these participants, in the order of the document.

    A participant without a contact in the document keeps its contact: a list that ships with the bus knows none.
    """
    names = [participant.name for participant in participants]
    with storage.read() as transaction:
        rows = transaction.rows(sa.select(PARTICIPANTS).where(PARTICIPANTS.c.name.in_(names)))
        known = {row.name: Participant(row.name, row.title, Kind(row.kind), row.contact) for row in rows}
    return [_make_step(participant, known.get(participant.name)) for participant in participants]


def _make_step(listed: Participant, known: Participant | None) -> Step:
    if known is not None and listed.contact is None:
        return Step(replace(listed, contact=known.contact), known)
    return Step(listed, known)


def carry_out_roster(storage: Storage, steps: Sequence[Step], by: Actor) -> None:
    """Do what a plan says, all in one transaction.

    Raises:
        RosterChanged: a participant is no longer as it was when the plan was made.
    """
    try:
        with storage.write() as transaction:
            for step in steps:
                _take(transaction, step, by)
            announce(transaction, "clients")
    except RowConflict:
        raise RosterChanged("Another participant was added meanwhile; apply the list again.") from None


def set_participant(storage: Storage, participant: Participant, by: Actor) -> Step:
    """Make the bus know a participant with this kind and title, whether it knew the participant before or not.

    Without a contact it keeps the one that it has. Returns what changed.

    Raises:
        NameRefused, TitleRefused, KindRefused, ContactRefused: the value breaks the rule that the class states.
        RosterChanged: somebody changed the participant at the same time, again and again.
    """
    check_participant(participant)
    if participant.name == OPERATOR:
        raise NameRefused("This name belongs to the operator, whom `bus init` makes.")
    for left in reversed(range(_MOST_PLANS)):
        (step,) = plan_roster(storage, [participant])
        try:
            if step.changes_anything:
                carry_out_roster(storage, [step], by)
            break
        except RosterChanged:
            # Who asks for the same at the same time shall not be told of a conflict.
            if not left:
                raise
    return step


def find_missing(storage: Storage, names: set[str]) -> list[str]:
    """The names that no participant has, in order."""
    with storage.read() as transaction:
        known = {row.name for row in transaction.rows(sa.select(PARTICIPANTS.c.name))}
    return sorted(names - known)


def _take(transaction: Transaction, step: Step, by: Actor) -> None:
    name, on = step.after.name, Object("participant", step.after.name)
    values = {"title": step.after.title, "kind": step.after.kind.value}
    match step.change:
        case Change.ADD:
            made = {"name": name, "created_at": clock.micros(clock.now()), "contact": step.after.contact, **values}
            transaction.execute(sa.insert(PARTICIPANTS).values(**made))
            note(transaction, Action(Verb.PARTICIPANT_ADD, by, on, name, after={"kind": values["kind"]}))
        case Change.UPDATE:
            assert step.before is not None  # noqa: S101 - what is updated was there
            had = {"title": step.before.title, "kind": step.before.kind.value}
            as_before = (PARTICIPANTS.c.name == name) & (PARTICIPANTS.c.title == had["title"])
            as_before &= PARTICIPANTS.c.kind == had["kind"]
            if transaction.execute(sa.update(PARTICIPANTS).where(as_before).values(**values)) != 1:
                raise RosterChanged(f"{name} was changed meanwhile; apply the list again.")
            if had != values:
                note(transaction, Action(Verb.PARTICIPANT_UPDATE, by, on, name, before=had, after=values))
            write_contact(transaction, name, step.before.contact, step.after.contact, by)
        case Change.NOTHING:
            pass


def _find_errors(entry: Any) -> Iterator[tuple[str, str]]:
    """The errors of one entry, each with its place within the entry."""
    if not isinstance(entry, Mapping):
        yield "", "must be an object with name and kind"
        return
    for member in entry:
        if member not in _MEMBERS:
            yield f"/{member}", f"is not known here; an entry has {', '.join(_MEMBERS)}"
    name, title = entry.get("name"), entry.get("title", "-")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield "/name", "must have 2 to 63 small letters, digits and hyphens, a letter first"
    elif name == OPERATOR:
        yield "/name", "belongs to the operator, whom `bus init` makes"
    if entry.get("kind") not in _KINDS:
        yield "/kind", f"must be one of {', '.join(_KINDS)}"
    if "contact" in entry and not (isinstance(entry["contact"], str) and is_mailbox(entry["contact"])):
        yield "/contact", "must be one mail address; leave it out to keep what the bus knows"
    if not isinstance(title, str) or not title or not title.isprintable() or len(title) > _LONGEST_TITLE:
        yield "/title", f"must be one printable line of at most {_LONGEST_TITLE} characters"


def _find_repeats(listed: Sequence[Any]) -> Iterator[FieldError]:
    names = [entry.get("name") if isinstance(entry, Mapping) else None for entry in listed]
    counts = Counter(name for name in names if isinstance(name, str))
    for index, name in enumerate(names):
        if isinstance(name, str) and counts[name] > 1 and names.index(name) < index:
            yield FieldError(f"/participants/{index}/name", f"stands at /participants/{names.index(name)} already")
