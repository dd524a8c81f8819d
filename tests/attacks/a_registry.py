"""A bus with a ministry's registry of residents: an adapter whose owner is a participant, and offices with clients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import httpx

from bus import json
from bus.agencies.factories import Find
from bus.agencies.offers import make_bindings
from bus.agencies.registry import Agencies
from bus.contracts.catalogue import Catalogue
from bus.journal.gate import Gate
from bus.kit import (
    Classification,
    Does,
    Event,
    Operation,
    Outcome,
    Polled,
)
from tests.a_bus import Bus
from tests.an_agency import AFactory, AnAdapter, set_up
from tests.builders import Document, a_document, a_grant

REGISTRY = "kependudukan-pusat"
KEEPER = "dukcapil-lamongan"
ASK, RETURN, FETCH = "cari-nik", "data-balikan", "laporan"
OFFICE = "dinas-uji"
STOLEN = "uji.curian"
REPORTS = "pengaduan.laporan-uji"
NIK = {"type": "string", "pattern": "^[0-9]{16}$", "maxLength": 16}
_SCHEMA = {"type": "object", "properties": {"nik": NIK}, "required": ["nik"]}
BOTH = ("contracts.read", "contracts.write", "contracts.approve")
RESIDENT: Mapping[str, Any] = {"ditemukan": True, "penduduk": {"nik": "3524010101909001", "nama": "Rekaan"}}


@dataclass
class ARegistry(AnAdapter):
    """Answers with a whole resident, and remembers what it was sent."""

    answer: Mapping[str, Any] = field(default_factory=lambda: RESIDENT)
    polled: Sequence[Event] = ()
    polls: int = 0
    received: list[Event] = field(default_factory=list)

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        self.received.extend(events)
        return await super().deliver(operation, events)

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        self.polls += 1
        return Polled(self.polled, None)


@dataclass
class ARegistryFactory(AFactory):
    """Makes the one registry that it was given."""

    name: ClassVar[str] = REGISTRY
    participant: ClassVar[str] = REGISTRY
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


def join(bus: Bus, registry: ARegistry, *, owner: str = KEEPER) -> None:
    """Set the registry up on a bus; its owner decides who may use it."""
    settings = {REGISTRY: {"base_url": "https://pusat.example", "owner": owner}}
    factories: dict[str, Find] = {REGISTRY: lambda: ARegistryFactory(registry)}
    catalogue = Catalogue(bus.rooms.storage, bus.rooms.keys.pseudonym, make_bindings(settings, factories))
    catalogue.refresh()
    bus.rooms = replace(bus.rooms, catalogue=catalogue, gate=Gate(catalogue))
    set_up(bus, Agencies(settings, factories))


def before_the_registry(bus: Bus) -> Catalogue:
    """The register as a bus without that adapter sees it: what was put in force there stays so."""
    return Catalogue(bus.rooms.storage, bus.rooms.keys.pseudonym)


def a_query_document(**changes: Any) -> Document:
    """A query of an office's own on the registry; a change to None takes the member away."""
    query = {
        "kind": "query",
        "schema": None,
        "request": _SCHEMA,
        "answer": {"type": "object"},
        "producers": [REGISTRY],
        "consumers": [a_grant(OFFICE)],
        "adapters": [{"adapter": REGISTRY, "operation": ASK}],
    }
    return an_event_document(**query | changes)


def an_event_document(**changes: Any) -> Document:
    """An event contract of an office's own that the registry gets; a change to None takes the member away."""
    event = {
        "contract": STOLEN,
        "kind": "event",
        "title": "Uji",
        "owner": OFFICE,
        "key": None,
        "schema": _SCHEMA,
        "producers": [OFFICE],
        "adapters": [{"adapter": REGISTRY, "operation": RETURN}],
    }
    return a_document(a_grant(REGISTRY), **event | changes)


async def draft(client: httpx.AsyncClient, document: Document) -> None:
    """Register a draft."""
    answer = await client.post("/v1/contracts", content=json.dumps(document))
    assert answer.status_code == 201, answer.text


async def move(client: httpx.AsyncClient, step: str, version: str = "1.0.0", contract: str = STOLEN) -> httpx.Response:
    """Take a step with the stolen contract. Who activates it saw what it grants."""
    seen = {"grants": "seen"} if step == "activate" else None
    return await client.post(f"/v1/contracts/{contract}/versions/{version}/{step}", params=seen)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and kind of a refusal."""
    return answer.status_code, str(answer.json().get("type", "")).removeprefix("urn:bus:problem:")
