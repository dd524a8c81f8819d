"""Opens events: an event is outlined without its values, and opened with a reason.

Promise: before an opened event is returned, the reason is on disk, in the action log and, for personal data, in a disclosure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bus import clock, json
from bus.actions import Action, Actor, Object, Verb, note
from bus.contracts import Catalogue, ContractVersion, View
from bus.disclosures.disclosure import Channel, Disclosure
from bus.disclosures.log import DisclosureLog
from bus.disclosures.reason import check_reason
from bus.journal import Entry, History, JournalReader, apply_view
from bus.problem import Forbidden, NotFound
from bus.storage import Storage

HIDDEN: Final = "•••"
"""Stands for a value that is not shown."""
_PLAIN: Final = frozenset({"specversion", "type", "time", "datacontenttype", "dataschema", "sequence", "recordedtime"})
"""Attributes that are about no person."""


class EventUnknown(NotFound):
    """There is no event at this position that you may see."""

    slug = "event-unknown"


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One event as somebody sees it.

    Attributes:
        sender: the participant that published it.
        text: the CloudEvent as JSON. In an outline, `HIDDEN` stands for each value that may be about a person.
        is_personal: whether the contract's data are about persons.
        is_whole: whether the reader's grant leaves nothing out.
    """

    position: int
    recorded_at: datetime
    sender: str
    contract: str
    version: str
    text: bytes
    is_personal: bool
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _Sight:
    """What somebody may see of an event, and by which grant; None: by the sender's or the operator's right."""

    entry: Entry
    version: ContractVersion
    text: bytes
    view: View | None


class Openings:
    """Outlines and opens events. Synchronous: call it from threads."""

    def __init__(
        self, storage: Storage, journal: JournalReader, catalogue: Catalogue, disclosures: DisclosureLog
    ) -> None:
        self._storage = storage
        self._journal = journal
        self._catalogue = catalogue
        self._disclosures = disclosures

    def outline(self, number: int, by: Actor) -> ShownEvent:
        """The event's attributes and the names of its fields, without values that may be about a person.

        Args:
            number: the event's position, or its `sequence`.

        Raises:
            EventUnknown: there is no such event, or the actor may not see it.
        """
        sight = self._see(number, by)
        return _show(sight, json.dumps(_hide_attributes(json.loads(sight.text))))

    def open(self, number: int, by: Actor, reason: str) -> ShownEvent:
        """The event as the actor may see it. The operator and the sender see it whole, others through their grant.

        Args:
            number: the event's position, or its `sequence`.
            reason: why the actor looks.

        Raises:
            EventUnknown: there is no such event, or the actor may not see it.
            ReasonMissing: the reason is not one printable line.
        """
        sight, told = self._see(number, by), check_reason(reason)
        about = Object("event", str(sight.entry.position))
        with self._storage.write() as transaction:
            note(transaction, Action(Verb.EVENT_OPEN, by, about, sight.entry.participant, details={"reason": told}))
        if sight.version.is_personal:
            self._disclosures.record([_make_disclosure(sight, by, told)])
        return _show(sight, sight.text)

    def _see(self, number: int, by: Actor) -> _Sight:
        entry = self._journal.find_place(number)
        if entry is None:
            raise EventUnknown("There is no event at this position.")
        version = self._catalogue.version_numbered(entry.version_id)
        if by.is_operator or by.participant == entry.participant:
            return _Sight(entry, version, entry.body, None)
        view = self._find_view(version, by.participant)
        text = None if view is None else apply_view(entry, view, History(self._journal, [entry]).before)
        if text is None:
            raise EventUnknown("Nothing is there that you may see.")
        return _Sight(entry, version, text, view)

    def _find_view(self, version: ContractVersion, participant: str) -> View | None:
        today = clock.today()
        try:
            return self._catalogue.view(version.contract.name, participant, version.id, today)
        except (Forbidden, NotFound):
            return None


def hide_values(value: Any) -> Any:
    """The JSON value with `HIDDEN` in the place of each value; names of members and lengths of arrays stay."""
    if isinstance(value, Mapping):
        return {name: hide_values(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [hide_values(one) for one in value]
    return value if value is None else HIDDEN


def _hide_attributes(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if name in _PLAIN else hide_values(value) for name, value in document.items()}


def _show(sight: _Sight, text: bytes) -> ShownEvent:
    entry, contract = sight.entry, sight.version.contract
    return ShownEvent(
        position=entry.position,
        recorded_at=clock.moment(entry.recorded_at),
        sender=entry.participant,
        contract=contract.name,
        version=contract.version,
        text=text,
        is_personal=sight.version.is_personal,
        is_whole=sight.view is None or sight.view.is_whole,
    )


def _make_disclosure(sight: _Sight, by: Actor, reason: str) -> Disclosure:
    view = sight.view
    return Disclosure(
        participant=by.participant,
        client_id=by.client_name,
        channel=Channel.OPENING,
        contract_id=sight.version.contract_id,
        version=sight.version.contract.version,
        purpose=reason,
        legal_basis="" if view is None else view.grant.legal_basis,
        fields=("",) if view is None else view.fields_granted,
        positions=(sight.entry.position,),
    )
