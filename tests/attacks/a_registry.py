"""A bus with a ministry's registry of residents: an adapter whose owner is a participant, and offices with clients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import httpx

from bus import json
from bus.agencies.queries import Queries
from bus.agencies.registry import Agencies, Find, bindings
from bus.contracts.catalogue import Catalogue
from bus.http.edge import create_edge
from bus.http.health import Health
from bus.journal.gate import Gate
from bus.kit import (
    DELIVERED,
    Adapter,
    AdapterSettings,
    Classification,
    Does,
    Event,
    Operation,
    Outcome,
    Polled,
    Question,
)
from bus.limits import Ration
from tests.a_bus import FAR, Bus, Document

REGISTRY = "kependudukan-pusat"
KEEPER = "dukcapil-lamongan"
ASK, RETURN, FETCH = "cari-nik", "data-balikan", "laporan"
OFFICE = "dinas-uji"
STOLEN = "uji.curian"
REPORTS = "pengaduan.laporan-uji"
NIK = {"type": "string", "pattern": "^[0-9]{16}$", "maxLength": 16}
BOTH = ("contracts.read", "contracts.write", "contracts.approve")
RESIDENT: Mapping[str, Any] = {"ditemukan": True, "penduduk": {"nik": "3524010101909001", "nama": "Rekaan"}}


@dataclass
class ARegistry:
    """Answers with a whole resident, and remembers what it was sent."""

    polled: Sequence[Event] = ()
    polls: int = 0
    asked: list[Question] = field(default_factory=list)
    received: list[Event] = field(default_factory=list)

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        self.asked.append(question)
        return RESIDENT

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        self.received.extend(events)
        return [DELIVERED] * len(events)

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        self.polls += 1
        return Polled(self.polled, None)

    async def close(self) -> None:
        pass


@dataclass
class ARegistryFactory:
    """Makes the one registry that it was given."""

    registry: ARegistry
    name: ClassVar[str] = REGISTRY
    participant: ClassVar[str] = REGISTRY
    settings: ClassVar[type[AdapterSettings]] = AdapterSettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation(
            ASK,
            Does.QUERY,
            least=Classification.PERSONAL,
            person="/nik",
            definitions={"/nik": "nik", "/penduduk/nik": "nik"},
        ),
        Operation(RETURN, Does.DELIVER, least=Classification.PERSONAL, person="/nik", definitions={"/nik": "nik"}),
        Operation(FETCH, Does.POLL, contract=REPORTS, least=Classification.PERSONAL, person="/nik"),
    )

    def create(self, settings: AdapterSettings) -> Adapter:
        return self.registry


def join(bus: Bus, registry: ARegistry, *, owner: str = KEEPER) -> None:
    """Set the registry up on a bus; its owner decides who may use it."""
    settings = {REGISTRY: {"base_url": "https://pusat.example", "owner": owner}}
    factories: dict[str, Find] = {REGISTRY: lambda: ARegistryFactory(registry)}
    agencies, rooms = Agencies(settings, factories), bus.rooms
    catalogue = Catalogue(rooms.storage, rooms.keys.pseudonym, bindings(settings, factories))
    catalogue.refresh()
    bus.rooms = replace(
        rooms,
        agencies=agencies,
        catalogue=catalogue,
        gate=Gate(catalogue),
        queries=Queries(catalogue, agencies, rooms.disclosures, rooms.limits, Ration(rooms.storage)),
    )
    bus.edge = create_edge(bus.rooms, Health({}))


def before_the_registry(bus: Bus) -> Catalogue:
    """The register as a bus without that adapter sees it: what was put in force there stays so."""
    return Catalogue(bus.rooms.storage, bus.rooms.keys.pseudonym)


def a_query(**changes: Any) -> Document:
    """A query of an office's own on the registry; a change to None takes the member away."""
    document = {
        "contract": STOLEN,
        "version": "1.0.0",
        "kind": "query",
        "title": "Uji",
        "owner": OFFICE,
        "classification": "personal",
        "subject": "/nik",
        "request": {"type": "object", "properties": {"nik": NIK}, "required": ["nik"]},
        "answer": {"type": "object"},
        "compatibility": "none",
        "producers": [REGISTRY],
        "consumers": [a_grant(OFFICE)],
        "adapters": [{"adapter": REGISTRY, "operation": ASK}],
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def an_event(**changes: Any) -> Document:
    """An event contract of an office's own that the registry gets; a change to None takes the member away."""
    document = {
        "contract": STOLEN,
        "version": "1.0.0",
        "kind": "event",
        "title": "Uji",
        "owner": OFFICE,
        "classification": "personal",
        "subject": "/nik",
        "schema": {"type": "object", "properties": {"nik": NIK}, "required": ["nik"]},
        "compatibility": "none",
        "producers": [OFFICE],
        "consumers": [a_grant(REGISTRY)],
        "adapters": [{"adapter": REGISTRY, "operation": RETURN}],
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def a_grant(participant: str) -> Document:
    return {"participant": participant, "purpose": "uji", "legal_basis": "PKS 1/2026", "until": FAR}


async def draft(client: httpx.AsyncClient, document: Document) -> None:
    """Register a draft."""
    answer = await client.post("/v1/contracts", content=json.dumps(document))
    assert answer.status_code == 201, answer.text


async def move(client: httpx.AsyncClient, step: str, version: str = "1.0.0", contract: str = STOLEN) -> httpx.Response:
    """Take a step with the stolen contract."""
    return await client.post(f"/v1/contracts/{contract}/versions/{version}/{step}")


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and kind of a refusal."""
    return answer.status_code, str(answer.json().get("type", "")).removeprefix("urn:bus:problem:")
