"""An agency in the test's own process: an adapter that answers what it is told to, and remembers what it was given."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any, ClassVar

from bus import clock
from bus.agencies.asking import QueryPolicy
from bus.agencies.circuits import OpenCircuits
from bus.agencies.job_runner import JobRunner
from bus.agencies.memory import Held, hold_deletions
from bus.agencies.pauses import Pauses
from bus.agencies.queries import Queries
from bus.agencies.registry import Agencies
from bus.disclosures import DisclosureLog
from bus.http.edge import create_edge
from bus.http.health import Health
from bus.kit import (
    DELIVERED,
    Adapter,
    AdapterSettings,
    AgencyFault,
    Classification,
    Does,
    Event,
    Operation,
    Outcome,
    Polled,
    Question,
    Refused,
)
from bus.limits import Ration
from bus.refusals import Poll
from bus.storage import Storage
from tests.a_bus import Bus

AGENCY = "badan"
ASK, TAKE = "tanya", "terima"


@dataclass
class AnAdapter:
    """Answers `answer`, or raises `refusal`, once `open` is set; `busiest` is the most it was asked at once."""

    answer: Mapping[str, Any] = field(default_factory=lambda: {"ditemukan": True, "nama": "Rekaan 1"})
    refusal: Refused | AgencyFault | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)
    questions: list[Question] = field(default_factory=list)
    busiest: int = 0
    _asked: int = 0

    def __post_init__(self) -> None:
        self.open.set()

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        self.questions.append(question)
        self._asked += 1
        self.busiest = max(self.busiest, self._asked)
        try:
            await self.open.wait()
        finally:
            self._asked -= 1
        if self.refusal is not None:
            raise self.refusal
        return self.answer

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        return [DELIVERED] * len(events)

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        return Polled([], cursor)

    async def close(self) -> None:
        pass


@dataclass
class AFactory:
    """Makes the one adapter that it was given."""

    adapter: AnAdapter
    name: ClassVar[str] = AGENCY
    participant: ClassVar[str] = AGENCY
    settings: ClassVar[type[AdapterSettings]] = AdapterSettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation(ASK, Does.QUERY, least=Classification.PUBLIC),
        Operation(TAKE, Does.DELIVER, least=Classification.PUBLIC),
    )

    def create(self, settings: AdapterSettings) -> Adapter:
        return self.adapter


def agencies_with(adapter: AnAdapter, pauses: Pauses | None = None) -> Agencies:
    """A registry in which this adapter alone is set up."""
    settings = {AGENCY: {"base_url": "https://badan.example"}}
    return Agencies(settings, {AGENCY: lambda: AFactory(adapter)}, pauses=pauses)


def hold_some_deletions(storage: Storage, source: str = "/badan/warga") -> None:
    """Let a poll of the agency hold 97 deletions of 100 rows back."""
    with storage.write() as transaction:
        hold_deletions(transaction, Held(Poll(AGENCY, "tarik"), source, 97, 100, clock.micros(clock.now())))


def join(
    bus: Bus, adapter: AnAdapter, policy: QueryPolicy | None = None, disclosures: DisclosureLog | None = None
) -> None:
    """Set the agency up on a bus, and let sinks be on this machine."""
    bus.rooms = replace(
        bus.rooms,
        settings=bus.rooms.settings.model_copy(update={"sink_networks": (ip_network("127.0.0.0/8"),)}),
        disclosures=disclosures or bus.rooms.disclosures,
    )
    set_up(bus, agencies_with(adapter, bus.rooms.pauses), policy)


def set_up(bus: Bus, agencies: Agencies, policy: QueryPolicy | None = None) -> None:
    """Let a bus deliver to agencies, and ask them."""
    rooms = bus.rooms
    queries = Queries(
        rooms.catalogue,
        agencies,
        rooms.disclosures,
        rooms.limits,
        Ration(rooms.storage),
        rooms.quotas,
        OpenCircuits(rooms.storage),
        policy,
        rooms.heavy,
    )
    runner = JobRunner(rooms.jobs, queries, rooms.participants)
    bus.rooms = replace(rooms, agencies=agencies, queries=queries, job_runner=runner)
    bus.edge = create_edge(bus.rooms, Health({}))
