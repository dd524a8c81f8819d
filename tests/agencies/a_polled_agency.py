"""A polled agency in the test's own process: it lists the rows, or tells the events, that the test gives it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bus import json
from bus.agencies import Agencies, Holds, Poller
from bus.kit import Adapter, AdapterSettings, Classification, Does, Event, Operation, Polled, Row, Rows, read_rows
from bus.storage import make_leadership
from tests.a_bus import Bus
from tests.an_agency import AGENCY, AFactory, AnAdapter
from tests.builders import WARGA, a_document, a_person

SOURCE = "/badan/warga"
POLL = Operation("tarik", Does.POLL, contract=WARGA, interval=3600.0, least=Classification.PERSONAL, person="/nik")
USES = [{"adapter": AGENCY, "operation": POLL.name}]
CLOSED = {
    "type": "object",
    "properties": {"nik": {"type": "string"}, "nama": {"type": "string", "maxLength": 20}},
    "required": ["nik"],
    "additionalProperties": False,
}
OPEN = {**CLOSED, "properties": {**CLOSED["properties"], "nama": {"type": "string"}}}  # type: ignore[dict-item]


@dataclass
class APolledAgency(AnAdapter):
    """Lists entries at each step, or tells events; `polls` counts the steps."""

    entries: Sequence[Any] = ()
    events: Sequence[Event] = ()
    is_whole: bool = True
    polls: int = 0
    settings: dict[str, str] = field(default_factory=dict)

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        self.polls += 1
        if self.events:
            return Polled(self.events, str(self.polls))
        return Polled([], str(self.polls), rows=Rows(SOURCE, read_rows(self.entries, _read, _find_key), self.is_whole))


def _read(entry: dict[str, Any]) -> Row:
    # A text is due: a mapping meets what it does not expect.
    return Row(entry["nik"], {**entry, "nama": entry["nama"].strip()}, entry.get("waktu"))


def _find_key(entry: dict[str, Any]) -> Any:
    return entry.get("nik")


def a_row(number: int, nama: Any = "Siti") -> dict[str, Any]:
    """A person's row; of another number, another person's."""
    return {"nik": a_person(number)["nik"], "nama": nama}


@dataclass
class APolledFactory(AFactory):
    operations: ClassVar[tuple[Operation, ...]] = (POLL,)

    def create(self, settings: AdapterSettings) -> Adapter:
        return self.adapter


@dataclass
class APolledBus:
    """A bus that polls the agency."""

    bus: Bus
    agency: APolledAgency

    def __post_init__(self) -> None:
        rooms = self.bus.rooms
        settings = {AGENCY: {"base_url": "https://badan.example", **self.agency.settings}}
        agencies = Agencies(settings, {AGENCY: lambda: APolledFactory(self.agency)}, pauses=rooms.pauses)
        leads = make_leadership(rooms.storage, "poller")
        self.poller = Poller(rooms.storage, agencies, rooms.gate, rooms.recorder, rooms.appender, leads, rooms.heavy)
        self.holds = Holds(rooms.storage)

    def agree(self, version: str = "1.0.0", **contract: Any) -> None:
        """Put a version of the contract in force."""
        self.bus.apply(a_document(version=version, producers=[AGENCY], adapters=USES, **contract))

    async def step(self, *entries: Any) -> list[tuple[str, str | None]]:
        """Poll once, with these entries if there are any: key and name of each new event; None: deleted."""
        if entries:
            self.agency.entries = entries
        before = self.bus.rooms.journal.last_position()
        await self.poller.step(AGENCY, POLL)
        return self.told(before)

    def told(self, after: int = 0) -> list[tuple[str, str | None]]:
        """Key and name of each event after a position."""
        rooms = self.bus.rooms
        positions = range(after + 1, rooms.journal.last_position() + 1)
        entries = rooms.journal.at(list(positions))
        documents = [json.loads(entries[position].body) for position in positions]
        return [(one["subject"], one["data"] and one["data"].get("nama")) for one in documents]

    def aside(self) -> dict[str, list[tuple[str, str]]]:
        """The rows that are set aside: key to rules and places."""
        return {one.key: [tuple(error) for error in one.errors] for one in self.bus.rooms.set_aside.search()}  # type: ignore[misc]
