"""A document's simulator gives the answers of its examples, so that every shipped document meets itself over a socket."""

from typing import Any

import httpx
import pytest

from bus import shipped
from bus.declared import AdapterDocument, DeclaredFactory, Mapper, Surroundings, load_document, make_simulator
from bus.declared.adapter import DeclaredAdapter
from bus.heavy import Here
from bus.kit import Event, Failure, Question, Refused, SimulatedFaults
from tests.declared.a_declared_agency import a_declaration, a_query

OSS = load_document(shipped.ADAPTERS / "oss.yaml")
BASE = "http://127.0.0.1:1"


def an_adapter(document: AdapterDocument, *faults: str, **settings: str) -> DeclaredAdapter:
    simulator = make_simulator(document)
    transport = httpx.ASGITransport(simulator.create_app(SimulatedFaults(simulator.faults, faults)))
    factory = DeclaredFactory(document, Surroundings(transport=transport, mapper=Mapper(document.adapter, Here())))
    return factory.create(factory.settings.model_validate({"base_url": BASE, **simulator.settings, **settings}))


def events(operation: int, example: int) -> list[Event]:
    told = OSS.operations[operation].examples[example].events
    return [Event.from_document({"id": "1", "source": "/dpmptsp", **event}) for event in told]


async def test_oss_takes_a_status_and_refuses_a_nib_that_it_does_not_know():
    adapter = an_adapter(OSS)
    assert [one.failure for one in await adapter.deliver("status-izin", events(0, 0))] == [None]
    assert [one.failure for one in await adapter.deliver("status-izin", events(0, 1))] == [Failure.PERMANENT]


@pytest.mark.parametrize(
    ("nib", "answer"),
    [
        (
            "9120200012345",
            {
                "ditemukan": True,
                "nib": "9120200012345",
                "nama_perseroan": "Warung Soto Rekaan",
                "kode_wilayah": "35.24",
            },
        ),
        ("9120200099999", {"ditemukan": False}),
    ],
)
async def test_oss_answers_a_question(nib: str, answer: Any):
    assert await an_adapter(OSS).query("cari-nib", Question("uji.nib", {"nib": nib}, "bapenda")) == answer


async def test_satusehat_gives_a_token_and_knows_what_its_examples_know():
    document = load_document(shipped.ADAPTERS / "satusehat.yaml")
    adapter = an_adapter(document, organisasi="organisasi")
    question = Question("uji.pasien", {"nik": "3524010101908001"}, "rsud")
    assert await adapter.query("cari-pasien", question) == {"ditemukan": True, "id_satusehat": "P00000000001"}
    (told, *_) = next(one for one in document.operations if one.name == "rujukan").examples
    event = Event.from_document({"source": "/rsud", **told.events[0]})
    assert [one.failure for one in await adapter.deliver("rujukan", [event, event])] == [None, None]


@pytest.mark.parametrize(
    ("fault", "failure"), [("down", Failure.TRANSIENT), ("garbage", Failure.TRANSIENT), ("login", Failure.SINK_DOWN)]
)
async def test_an_outage_is_classed(fault: str, failure: Failure):
    (outcome,) = await an_adapter(OSS, fault).deliver("status-izin", events(0, 0))
    assert outcome.failure is failure


AUTHS: list[dict[str, Any]] = [
    {"kind": "oauth2", "token_path": "/token?grant_type=client_credentials", "client_id": "a", "client_secret": "b"},
    {"kind": "login", "path": "/masuk", "secrets": {"u": "a"}, "token": "data.token", "header": "X-T", "scheme": ""},
    {"kind": "api_key", "secret": "a", "in": "query", "name": "kunci"},
    {"kind": "basic", "user": "a", "password": "b"},
]


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: auth["kind"])
async def test_every_kind_of_auth_gets_in(auth: dict[str, Any]):
    example = {
        "title": "x",
        "question": {"nomor": "1"},
        "request": {"method": "POST", "path": "/cari", "body": {"nomor": "1"}},
        "answer": {"body": {"isi": 7}},
    }
    secrets = {name: {"title": name} for name in "ab"}
    document = a_declaration(a_query(examples=[example]), auth=[auth], secrets=secrets)
    secrets_unused = {"b": "x", "b_hosts": "x", "a": "x", "a_hosts": "127.0.0.1"}
    simulator = make_simulator(document)
    transport = httpx.ASGITransport(simulator.create_app(SimulatedFaults(simulator.faults, ())))
    factory = DeclaredFactory(document, Surroundings(transport=transport, mapper=Mapper("badan", Here())))
    settings = factory.settings.model_validate({**secrets_unused, **simulator.settings, "base_url": BASE})
    adapter = factory.create(settings)
    question = Question("uji.cari", {"nomor": "1"}, "bapenda")
    assert await adapter.query("cari", question) == {"ditemukan": True, "isi": 7}
    received = (await httpx.AsyncClient(transport=transport, base_url=BASE).get("/_simulator/received")).json()
    assert received["received"] == [{"method": "POST", "path": "/cari", "query": {}, "body": {"nomor": "1"}}]


async def test_what_no_example_asks_for_is_not_there():
    document = a_declaration(a_query(examples=[]))
    with pytest.raises(Refused):
        await an_adapter(document).query("cari", Question("uji.cari", {"nomor": "1"}, "bapenda"))
