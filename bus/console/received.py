"""Receipts: what one participant received under one purpose, gathered from many rows of the disclosure log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bus.console.words import Words
from bus.contracts import NoSuchContract
from bus.disclosures import Channel, Found
from bus.http import Rooms
from bus.identity import Kind, ParticipantUnknown


@dataclass(frozen=True, slots=True)
class Office:
    """An office as people know it.

    Attributes:
        contact: where to write to; None: the bus does not know.
    """

    name: str
    title: str
    contact: str | None


@dataclass(slots=True)
class Receipt:
    """What one participant received of one contract, for one purpose on one legal basis.

    Attributes:
        contract: None for a lookup.
        fields: JSON Pointers of what the grant showed; the empty pointer stands for all.
        times: how many answers or batches of deliveries held data.
        events: the positions of the events in them.
        answers: how many of `times` were answers to questions, which are no events.
    """

    participant: str
    contract: str | None
    purpose: str
    legal_basis: str
    first_at: datetime
    last_at: datetime
    fields: set[str] = field(default_factory=set)
    channels: set[Channel] = field(default_factory=set)
    times: int = 0
    answers: int = 0
    events: set[int] = field(default_factory=set)

    def add(self, row: Found) -> None:
        """Count a row of the log."""
        self.first_at, self.last_at = min(self.first_at, row.at), max(self.last_at, row.last_at)
        self.fields.update(row.disclosure.fields)
        self.channels.add(row.disclosure.channel)
        self.times += row.times
        self.answers += row.times if row.disclosure.person is not None else 0
        self.events.update(row.positions)


def gather_receipts(rows: Iterable[Found], rooms: Rooms) -> list[Receipt]:
    """The receipts in rows of the log, by participant and purpose. Rows whose events all did not leave count nothing."""
    receipts: dict[tuple[str, int, str, str], Receipt] = {}
    for row in rows:
        told = row.disclosure
        if not row.events and told.person is None:
            continue
        key = told.participant, told.contract_id, told.purpose, told.legal_basis
        if key not in receipts:
            contract = rooms.catalogue.name_of(told.contract_id)
            receipts[key] = Receipt(told.participant, contract, told.purpose, told.legal_basis, row.at, row.last_at)
        receipts[key].add(row)
    return sorted(receipts.values(), key=lambda one: (one.participant, one.contract or "", one.purpose))


def find_offices(names: Iterable[str], rooms: Rooms, words: Words) -> Mapping[str, Office]:
    """The offices of participants, by their names."""
    return {name: _find_office(name, rooms, words) for name in set(names)}


def find_owners(receipts: Sequence[Receipt], rooms: Rooms, words: Words) -> list[Office]:
    """The offices that answer for the data of some receipts, the controllers of the law, by title."""
    owners = {_find_owner(name, rooms) for name in {one.contract for one in receipts} if name is not None}
    return sorted(find_offices((one for one in owners if one), rooms, words).values(), key=lambda one: one.title)


def _find_owner(contract: str, rooms: Rooms) -> str | None:
    try:
        return rooms.catalogue.newest(contract).contract.owner
    except NoSuchContract:
        published = rooms.catalogue.list_published(contract)
        return published[-1].contract.owner if published else None


def _find_office(name: str, rooms: Rooms, words: Words) -> Office:
    try:
        found = rooms.participants.get(name)
    except ParticipantUnknown:
        return Office(name, name, None)
    is_operator = found.kind is Kind.OPERATOR
    return Office(name, words.say("Operator bus data") if is_operator else found.title, found.contact)


def tell_fields(pointers: Iterable[str], everything: str) -> str:
    """JSON Pointers in people's words: `/alamat/kode_wilayah` becomes `alamat kode wilayah`.

    Args:
        everything: what the empty pointer means.
    """
    each = sorted(set(pointers))
    if "" in each:
        return everything
    return ", ".join(
        one.strip("/").replace("/", " ").replace("_", " ").replace("~1", "/").replace("~0", "~") for one in each
    )
