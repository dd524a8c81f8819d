"""Registered adapters before an agency on a real socket: they serve without a restart, are swapped, rolled back, and survive."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bus import json
from bus.contracts.catalogue import Catalogue
from bus.contracts.document import parse_contract
from bus.declared.register.tables import VERSIONS
from bus.identity.participants import Kind, Participants
from tests import no_tls
from tests.an_actor import OPERATOR
from tests.builders import a_public_document, an_event
from tests.declared.a_declared_agency import a_body, a_delivery, a_poll, a_query
from tests.services.agreements import PRODUCER
from tests.services.fixtures import MakeBus
from tests.services.running import Bus
from tests.services.waiting import until

OFFICE = "dinas-kominfo"
ROWS, EVENTS, QUESTIONS = "uji.baris", "uji.kejadian", "uji.tanya"
SCOPES = ("contracts.read", "contracts.write", "contracts.approve", "queries.call", "events.read")
_ROW = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "nama": {"type": "string"}}}


@dataclass
class AnAgency:
    """An agency's API below /v1 and below /v2. It keeps the paths that were asked, and answers once `open` is set."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str) -> Any:
        self.paths.append(path)
        self.open.wait(30)
        if path.endswith("/baris"):
            return {"data": [{"id": "1", "nama": "Satu"}, {"id": "2", "nama": "Dua"}]}
        return {"isi": path}


@contextmanager
def an_agency() -> Iterator[AnAgency]:
    agency = AnAgency()
    agency.open.set()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            body = json.dumps(agency.answer(self.path))
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    for method in ("GET", "POST"):
        setattr(Handler, f"do_{method}", Handler._answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    agency.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield agency
    finally:
        agency.open.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def agency() -> Iterator[AnAgency]:
    with an_agency() as agency:
        yield agency


def a_version(agency: AnAgency, number: int) -> dict[str, Any]:
    """A version of the document: its server is the agency's API of that number."""
    servers = [{"name": "uji", "url": f"{agency.url}/v{number}"}]
    operations = [a_poll(interval_seconds=10), a_query(), a_delivery()]
    return a_body(*operations, version=f"{number}.0.0", servers=servers, owner=OFFICE)


def agree(bus: Bus) -> dict[str, httpx.Client]:
    """Put the contracts in force that name the adapter; an HTTP client of the office and one of the operator."""
    participants, clients = Participants(bus.storage), {}
    for name in (OFFICE, "badan"):
        participants.add(name, name, Kind.APP, OPERATOR)
    uses = {name: [{"adapter": "badan", "operation": name}] for name in ("tarik", "kirim", "cari")}
    question = {"request": {"type": "object"}, "answer": {"type": "object"}, "kind": "query"}
    contracts = [
        a_public_document(ROWS, OFFICE, OFFICE, schema=_ROW, key="/id", producers=["badan"], adapters=uses["tarik"]),
        a_public_document(EVENTS, PRODUCER, "badan", schema={"type": "object"}, kind="event", adapters=uses["kirim"]),
        a_public_document(QUESTIONS, OFFICE, OFFICE, adapters=uses["cari"], **question),
    ]
    parsed = [parse_contract(contract) for contract in contracts]
    Catalogue(bus.storage, bus.keys.pseudonym).registrar.apply(parsed, OPERATOR)
    for name, more in ((OFFICE, ()), ("operator", ("admin",))):
        if name == "operator":
            with suppress(Exception):
                participants.add(name, name, Kind.APP, OPERATOR)
        client, secret = participants.add_client(name, [*SCOPES, *more], by=OPERATOR)
        clients[name] = _login(bus, client.client_id, secret or "")
    return clients


def _login(bus: Bus, client_id: str, secret: str) -> httpx.Client:
    form = {"grant_type": "client_credentials"}
    asked = no_tls.post(f"{bus.address}/oauth/token", data=form, auth=(client_id, secret), timeout=30)
    token = asked.raise_for_status().json()["access_token"]
    return no_tls.Client(base_url=bus.address, headers={"authorization": f"Bearer {token}"}, timeout=30)


def put_in_force(clients: dict[str, httpx.Client], agency: AnAgency, number: int) -> None:
    """Register, propose and activate a version."""
    path = f"/v1/adapters/badan/versions/{number}.0.0"
    clients[OFFICE].post("/v1/adapters", json=a_version(agency, number)).raise_for_status()
    clients[OFFICE].post(f"{path}/propose").raise_for_status()
    clients["operator"].post(f"{path}/activate").raise_for_status()


def ask(clients: dict[str, httpx.Client]) -> str:
    answer = clients[OFFICE].post(f"/v1/queries/{QUESTIONS}", json={"nomor": 1})
    return str(answer.json()["isi"]) if answer.status_code == 200 else answer.json()["type"]


def send(bus: Bus, id: str) -> None:
    bus.publish(an_event(id=id, type=EVENTS, data={"nama": id}))


def test_a_version_serves_without_a_restart_and_another_takes_its_place(
    database: str, make_bus: MakeBus, agency: AnAgency
) -> None:
    bus = make_bus(database, agency_networks="127.0.0.0/8")
    bus.start("api")
    other = bus.start("relay,worker,adapters")
    clients = agree(bus)
    until(lambda: ask(clients) == "urn:bus:problem:adapter-off")
    send(bus, "pertama")
    put_in_force(clients, agency, 1)
    assert until(lambda: ask(clients).startswith("/v1")), other.log.read_text()
    rows = until(lambda: clients[OFFICE].get(f"/v1/feeds/{ROWS}").json().get("events"))
    assert sorted(one["subject"] for one in rows) == ["1", "2"]
    send(bus, "kedua")
    until(lambda: "/v1/terima" in agency.paths)

    agency.open.clear()
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(ask, clients)
        until(lambda: agency.paths.count("/v1/cari") > 1)
        put_in_force(clients, agency, 2)
        agency.open.set()
        assert under_way.result(30) == "/v1/cari"
    until(lambda: ask(clients) == "/v2/cari")
    send(bus, "ketiga")
    until(lambda: "/v2/terima" in agency.paths)
    until(lambda: "/v2/baris" in agency.paths)

    clients["operator"].post("/v1/adapters/badan/versions/1.0.0/activate").raise_for_status()
    until(lambda: ask(clients) == "/v1/cari")
    before = len(agency.paths)
    send(bus, "keempat")
    until(lambda: "/v1/terima" in agency.paths[before:])
    clients["operator"].post("/v1/adapters/badan/versions/1.0.0/deprecate").raise_for_status()
    until(lambda: ask(clients) == "urn:bus:problem:adapter-off")


def test_a_bus_that_is_killed_during_an_activation_has_one_version_in_force(
    make_bus: MakeBus, agency: AnAgency
) -> None:
    bus = make_bus(agency_networks="127.0.0.0/8")
    process = bus.start()
    clients = agree(bus)
    put_in_force(clients, agency, 1)
    clients[OFFICE].post("/v1/adapters", json=a_version(agency, 2)).raise_for_status()
    with ThreadPoolExecutor(1) as pool:
        path = "/v1/adapters/badan/versions/2.0.0/activate"
        activation = pool.submit(_try, clients["operator"], path)
        until(lambda: activation.running())
        process.kill()
        activation.result(30)
    bus.start()
    known = clients[OFFICE].get("/v1/adapters/badan").json()
    states = {one["version"]: one["state"] for one in known["versions"]}
    assert states in ({"1.0.0": "active", "2.0.0": "draft"}, {"1.0.0": "deprecated", "2.0.0": "active"})
    until(lambda: ask(clients) == f"/v{known['current'][0]}/cari")


def _try(client: httpx.Client, path: str) -> None:
    with suppress(httpx.TransportError):
        client.post(path)


def test_a_document_that_nobody_can_read_turns_its_adapter_off_and_not_the_bus(
    make_bus: MakeBus, agency: AnAgency
) -> None:
    bus = make_bus(agency_networks="127.0.0.0/8")
    bus.start()
    clients = agree(bus)
    put_in_force(clients, agency, 1)
    put_in_force(clients, agency, 2)
    bus.processes[-1].kill()
    with bus.storage.write() as transaction:
        statement = sa.update(VERSIONS).where(VERSIONS.c.version == "2.0.0")
        transaction.execute(statement.values(document=b"{rusak"))
    process = bus.start()
    assert "cannot read the document" in clients[OFFICE].get("/v1/adapters/badan").json()["off"]
    assert ask(clients) == "urn:bus:problem:adapter-off"
    assert "adapter.document_unreadable" in process.log.read_text()
    clients["operator"].post("/v1/adapters/badan/versions/1.0.0/activate").raise_for_status()
    until(lambda: ask(clients) == "/v1/cari")
