"""An agency that pushes rows of persons to the bus, as a declared document says, over the bus's own HTTP edge."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx

from bus import clock, json
from bus.agencies import Agencies, Pushes
from bus.declared import AdapterDocument, DeclaredFactory, Mapper, Surroundings
from bus.heavy import Here
from bus.http.edge import create_edge
from bus.http.health import Health
from bus.limits import Rate
from tests import no_tls
from tests.a_bus import ADDRESS, Bus
from tests.agencies.a_polled_agency import CLOSED
from tests.builders import WARGA, a_document
from tests.declared.a_declared_agency import a_body, a_declaration
from tests.described import check_answers_of

FEW = Rate(100, 60)
PATH = "/v1/agencies/badan/push/terima"
USER, PASSWORD = "lamongan", "rahasia-rekaan"
SETTINGS = {"user": USER, "password": PASSWORD, "user_hosts": "badan.example"}
SIGNED = {
    "kind": "signature",
    "algorithm": "sha1",
    "parts": [{"secret": "user"}, {"secret": "password"}, {"value": "nik"}, {"time": "%Y%m%d"}],
    "header": "token",
}
KEYED = {"kind": "api_key", "secret": "password", "name": "x-api-key"}
ACCEPTED, REFUSED, DENIED = {"status": "1"}, {"status": "2"}, {"status": "2", "keterangan": "Token salah"}


def a_push(**changes: Any) -> dict[str, Any]:
    """An operation that takes `{"warga": [{"nik", "nama"}]}`, signed as OSS-RBA signs."""
    return {
        "name": "terima",
        "does": "push",
        "contract": WARGA,
        "least": "personal",
        "person": "/nik",
        "fields": ["/nik", "/nama"],
        "source": "/badan/warga",
        "verify": SIGNED,
        "values": {"nik": "/warga/0/nik"},
        "rows": "warga",
        "key": "nik",
        "record": '{"nik": nik, "nama": nama}',
        "accepted": {"body": ACCEPTED},
        "refused": {"body": REFUSED},
        "denied": {"body": DENIED},
        **changes,
    }


def a_push_body(**changes: Any) -> dict[str, Any]:
    """A document with one push."""
    secrets = {"user": {"title": "akun"}, "password": {"title": "kata sandi"}}
    return a_body(a_push(**changes), secrets=secrets)


def sign(nik: str, password: str = PASSWORD, days: int = 0) -> dict[str, str]:
    """The header of a push, signed today, or so many days from now."""
    day = (clock.now() + timedelta(days=days)).astimezone(clock.WIB).strftime("%Y%m%d")
    return {"token": hashlib.sha1(f"{USER}{password}{nik}{day}".encode(), usedforsecurity=False).hexdigest()}


@dataclass
class APushedBus:
    """A bus to which the agency pushes."""

    bus: Bus
    settings: Mapping[str, str]
    changes: Mapping[str, Any]
    wrong: Rate = FEW
    document: AdapterDocument | None = None

    def __post_init__(self) -> None:
        rooms = self.bus.rooms
        document = self.document or a_declaration(a_push(**self.changes), secrets=a_push_body()["secrets"])
        name = document.adapter
        around = Surroundings(mapper=Mapper(name, Here()))
        agencies = Agencies(
            {name: self.settings}, {name: lambda: DeclaredFactory(document, around)}, None, rooms.pauses
        )
        pushes = Pushes(
            rooms.storage,
            agencies,
            rooms.gate,
            rooms.recorder,
            rooms.appender,
            rooms.heavy,
            self.wrong,
        )
        self.bus.rooms = replace(rooms, agencies=agencies, pushes=pushes)
        self.bus.edge = create_edge(self.bus.rooms, Health({}))
        self.http = no_tls.AsyncClient(
            transport=httpx.ASGITransport(self.bus.edge),
            base_url=ADDRESS,
            event_hooks={"response": [check_answers_of(self.bus.edge)]},
        )

    def agree(self, version: str = "1.0.0", **contract: Any) -> None:
        """Put a version of the contract in force."""
        uses = [{"adapter": "badan", "operation": "terima"}]
        self.bus.apply(
            a_document(version=version, producers=["badan"], adapters=uses, **{"schema": CLOSED, **contract})
        )

    async def push(self, *rows: Any, headers: Mapping[str, str] | None = None, path: str = PATH) -> httpx.Response:
        """Push rows, signed rightly unless `headers` are given."""
        nik = str(rows[0].get("nik")) if rows else ""
        told = sign(nik) if headers is None else headers
        return await self.http.post(path, content=json.dumps({"warga": list(rows)}), headers=dict(told))

    def told(self) -> list[tuple[str, str | None]]:
        """Key and name of each event in the journal."""
        return [(one["subject"], one["data"] and one["data"].get("nama")) for one in self.events()]

    def events(self) -> list[Any]:
        """The events in the journal."""
        positions = list(range(1, self.bus.rooms.journal.last_position() + 1))
        return [json.loads(entry.body) for entry in self.bus.rooms.journal.at(positions).values()]

    def aside(self) -> dict[str, list[tuple[str, str]]]:
        """The rows that are set aside: key to rules and places."""
        return {one.key: [tuple(error) for error in one.errors] for one in self.bus.rooms.set_aside.search()}  # type: ignore[misc]
