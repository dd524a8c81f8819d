"""A contract's life, as three sides see it: its developer, the apps that publish under it, the ministry that reads."""

import importlib
import json
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from authlib.integrations.httpx_client import OAuth2Client
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent
from httpx import Response

from tests.journeys.a_regency import a_participant, an_operator, bus, send
from tests.services.receiver import Receiver
from tests.services.waiting import until

AID: dict[str, Any] = {
    "nomor": "BNS-2026-0001",
    "nik": "3524015203889002",
    "nama": "Siti Rekaan",
    "kode_wilayah": "35.24.05.2001",
    "jenis": "BLT",
    "nilai": 600000,
    "tanggal": "2026-03-02",
}
BUILT = ("--title", "Bantuan sosial", "--kind", "record", "--classification", "personal", "--key", "/nomor")
VILLAGE = {
    "participant": "desa-sembung",
    "purpose": "verifikasi penerima bantuan",
    "legal_basis": "PKS 460/01/2026",
    "until": "2099-12-31",
    "fields": ["/nomor", "/nik", "/nama", "/jenis"],
    "mask": {"/nik": "pseudonym"},
}
MINISTRY = {
    "participant": "bappenas",
    "purpose": "evaluasi program perlindungan sosial",
    "legal_basis": "PKS 460/02/2026",
    "until": "2099-12-31",
    "fields": ["/nomor", "/kode_wilayah", "/jenis", "/nilai"],
    "rows": [{"prefix": {"kode_wilayah": "35.24.05"}}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bus's data folder."""
    return tmp_path_factory.mktemp("bus")


@pytest.fixture(scope="module")
def operator(folder: Path) -> Iterator[OAuth2Client]:
    """The operator of a running bus without a contract."""
    with an_operator(folder) as client:
        yield client


@pytest.fixture(scope="module")
def developer(operator: OAuth2Client) -> Iterator[OAuth2Client]:
    """The developer of the social office's app, who writes contracts and approves none."""
    with a_participant(operator, "dinsos", "contracts.read", "contracts.write", kind="developer") as client:
        yield client


@pytest.fixture(scope="module")
def owner(operator: OAuth2Client, folder: Path) -> Iterator[OAuth2Client]:
    """Who answers for the social office's data, whose domain is the office's."""
    with a_participant(operator, "dinsos", "contracts.read", "contracts.approve") as client:
        bus("domain", "set", "sosial", "--owner", "dinsos", "--data", str(folder))
        yield client


@pytest.fixture(scope="module")
def app(operator: OAuth2Client) -> Iterator[OAuth2Client]:
    """The social office's app."""
    with a_participant(operator, "dinsos", "events.publish", "contracts.read") as client:
        yield client


@pytest.fixture(scope="module")
def village(operator: OAuth2Client) -> Iterator[OAuth2Client]:
    """A village's app."""
    with a_participant(operator, "desa-sembung", "events.read", "subscriptions.manage", "contracts.read") as client:
        yield client


@pytest.fixture(scope="module")
def ministry(operator: OAuth2Client) -> Iterator[OAuth2Client]:
    """A ministry that pulls."""
    with a_participant(operator, "bappenas", "events.read", "contracts.read", kind="ministry") as client:
        yield client


def begun(folder: Path, name: str, *consumers: dict[str, Any]) -> dict[str, Any]:
    """What `bus contract new` makes of an example, and its developer then writes."""
    example = folder / "contoh.json"
    example.write_text(json.dumps(AID))
    document: dict[str, Any] = yaml.safe_load(
        bus("contract", "new", "--from", str(example), "--name", name, "--owner", "dinsos", *BUILT)
    )
    document["description"] = "Bantuan yang disalurkan Dinas Sosial."
    document["examples"] = [AID]
    document["consumers"] = list(consumers)
    for field, schema in document["schema"]["properties"].items():
        schema["description"] = f"Kolom {field} dari daftar penerima."
    return document


def a_version(document: dict[str, Any], version: str) -> dict[str, Any]:
    """A copy to change."""
    return deepcopy(document) | {"version": version}


def register(developer: OAuth2Client, document: dict[str, Any]) -> Response:
    """Send a draft as YAML."""
    made = developer.post(
        "/v1/contracts", content=yaml.safe_dump(document).encode(), headers={"content-type": "application/yaml"}
    )
    assert (made.status_code, made.json()["state"]) == (201, "draft"), made.text
    return made


def move(client: OAuth2Client, document: dict[str, Any], step: str, **body: Any) -> Response:
    """Ask for a step of a version's life."""
    path = f"/v1/contracts/{document['contract']}/versions/{document['version']}/{step}"
    if step == "activate":
        # Its owner has read what the version newly shows, and to whom.
        path += "?grants=seen"
    return client.post(path, json=body or None)


def put_in_force(developer: OAuth2Client, owner: OAuth2Client, document: dict[str, Any]) -> None:
    """Register, propose, activate."""
    register(developer, document)
    for client, step in ((developer, "propose"), (owner, "activate")):
        moved = move(client, document, step)
        assert moved.status_code == 200, moved.text


def check(developer: OAuth2Client, document: dict[str, Any]) -> dict[str, Any]:
    """What the bus says of a document before it is registered."""
    told: dict[str, Any] = developer.post("/v1/contracts/check", json=document).raise_for_status().json()
    return told


def an_aid(contract: str, number: str, version: str = "", **changes: Any) -> CloudEvent:
    """The aid of this number."""
    attributes = {
        "id": f"{number}-{version}",
        "source": f"/dinsos/{contract}",
        "type": contract,
        "dataschema": version or None,
    }
    named = {name: value for name, value in attributes.items() if value}
    return CloudEvent(named | {"datacontenttype": "application/json"}, AID | {"nomor": number} | changes)


def publish(app: OAuth2Client, event: CloudEvent) -> Response:
    """Send an event, come what may."""
    message = to_structured_event(event)
    return app.post("/v1/events", content=message.body, headers=message.headers)


def refused_places(client: OAuth2Client, contract: str) -> set[tuple[str, str]]:
    """The rules and pointers by which the gate refused events of a contract."""
    refusals = client.get("/v1/refusals", params={"contract": contract}).raise_for_status().json()["refusals"]
    return {(one["rule"], one["pointer"]) for one in refusals}


def test_a_developer_brings_a_new_kind_of_data_from_an_example_to_the_first_event(
    tmp_path: Path, developer: OAuth2Client, owner: OAuth2Client, app: OAuth2Client
) -> None:
    document = begun(tmp_path, "sosial.bantuan", VILLAGE)
    path = tmp_path / "bantuan.yaml"
    path.write_text(yaml.safe_dump(document))
    assert "errors: 0" in bus("contract", "lint", str(path))
    told = check(developer, document)
    assert ([one for one in told["lint"] if one["severity"] == "error"], told["compatibility"]["verdict"]) == (
        [],
        "compatible",
    )
    tag = register(developer, document).headers["etag"]
    edited = developer.put(
        "/v1/contracts/sosial.bantuan/versions/1.0.0", json=document | {"title": "Bantuan"}, headers={"if-match": tag}
    )
    assert edited.status_code == 200, edited.text
    late = developer.put("/v1/contracts/sosial.bantuan/versions/1.0.0", json=document, headers={"if-match": tag})
    assert late.status_code == 412
    assert move(developer, document, "propose").json()["state"] == "proposed"
    assert publish(app, an_aid("sosial.bantuan", "BNS-1")).status_code == 422
    assert move(developer, document, "activate").status_code == 403
    activated = move(owner, document, "activate").json()
    assert [step["state"] for step in activated["history"]] == ["draft", "proposed", "active"]
    send(app, to_structured_event(an_aid("sosial.bantuan", "BNS-1")))


def test_a_developer_has_code_and_documents_made_of_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, developer: OAuth2Client, owner: OAuth2Client
) -> None:
    document = begun(tmp_path, "sosial.kode")
    put_in_force(developer, owner, document)
    found = developer.get("/v1/contracts/sosial.kode/versions/1.0.0/schema")
    schema = found.json()
    assert developer.get(schema["$id"]).json() == schema
    asyncapi = developer.get("/v1/contracts/sosial.kode/asyncapi").json()
    assert (asyncapi["asyncapi"][:2], "sosial.kode" in json.dumps(asyncapi["channels"])) == ("3.", True)
    path = tmp_path / "kode.yaml"
    path.write_text(yaml.safe_dump(document))
    bus("contract", "codegen", str(path), "--lang", "python", "--output", str(tmp_path / "models"))
    monkeypatch.syspath_prepend(str(tmp_path))
    model = next(
        value
        for value in vars(importlib.import_module("models.sosial_kode")).values()
        if "nomor" in getattr(value, "model_fields", ())
    )
    assert model.model_validate(AID).model_dump(mode="json") == AID
    del sys.modules["models.sosial_kode"], sys.modules["models"]


def test_a_developer_is_shown_what_a_change_breaks_and_takes_the_way_round(
    tmp_path: Path, developer: OAuth2Client, owner: OAuth2Client, app: OAuth2Client
) -> None:
    old = begun(tmp_path, "sosial.ubah", VILLAGE)
    put_in_force(developer, owner, old)
    new = a_version(old, "1.1.0")
    del new["schema"]["properties"]["jenis"]
    new["schema"]["required"].remove("jenis")
    new["examples"] = [{name: value for name, value in AID.items() if name != "jenis"}]
    new["consumers"] = [VILLAGE | {"fields": ["/nomor", "/nik", "/nama"]}]
    told = check(developer, new)
    finding = told["compatibility"]["findings"][0]
    assert (told["compatibility"]["verdict"], told["step"], finding["rule"]) == ("incompatible", "major", "closed")
    assert developer.post("/v1/contracts/sosial.ubah/validate", json=finding["example"]).json()["valid"]
    assert ("desa-sembung", "/jenis") in {(touch["participant"], touch["pointer"]) for touch in told["touches"]}
    register(developer, new)
    refused = move(owner, new, "activate")
    assert (refused.status_code, refused.json()["compatibility"]["verdict"]) == (409, "incompatible")
    assert publish(app, an_aid("sosial.ubah", "BNS-1", "1.1.0")).status_code == 422
    new["version"] = "2.0.0"
    move(owner, old, "deprecate", sunset="2099-06-30").raise_for_status()
    put_in_force(developer, owner, new)
    deprecated = publish(app, an_aid("sosial.ubah", "BNS-1", "1.0.0"))
    assert (deprecated.status_code, deprecated.headers["sunset"]) == (202, "Tue, 30 Jun 2099 17:00:00 GMT")
    assert publish(app, an_aid("sosial.ubah", "BNS-3")).json()["errors"][0]["pointer"] == "/data/jenis"
    until(lambda: ("additionalProperties", "/data/jenis") in refused_places(developer, "sosial.ubah"))
    move(owner, old, "retire").raise_for_status()
    retired = publish(app, an_aid("sosial.ubah", "BNS-2", "1.0.0"))
    assert (retired.status_code, "2.0.0" in retired.json()["detail"]) == (422, True)


def test_an_app_gets_what_its_grant_shows_and_a_new_version_reaches_it_where_it_is(
    tmp_path: Path,
    developer: OAuth2Client,
    owner: OAuth2Client,
    app: OAuth2Client,
    village: OAuth2Client,
    receiver: Receiver,
) -> None:
    document = begun(tmp_path, "sosial.desa", VILLAGE)
    put_in_force(developer, owner, document)
    (grant,) = village.get("/v1/contracts/sosial.desa/access").json()["versions"][0]["grants"]
    assert {field["pointer"]: field["mask"] for field in grant["fields"]} == {
        "/nomor": None,
        "/nik": "pseudonym",
        "/nama": None,
        "/jenis": None,
    }
    sink = receiver.sink("desa")
    made = village.post("/v1/subscriptions", json={"contracts": ["sosial.desa"], "sink": {"url": sink.url}})
    assert made.status_code == 201, made.text
    sink.secrets.append(made.json()["secret"])
    send(app, to_structured_event(an_aid("sosial.desa", "BNS-1")))
    until(lambda: sink.taken)
    shown = {"nomor": "BNS-1", "nama": "Siti Rekaan", "jenis": "BLT"}
    (pseudonym,) = (told := dict(sink.taken[-1].event["data"])).keys() - shown.keys()
    assert pseudonym == "nik"
    assert len(told.pop(pseudonym)) == 26
    assert told == shown
    new = a_version(document, "1.1.0")
    new["schema"]["properties"]["keterangan"] = {"type": "string", "description": "Catatan.", "maxLength": 100}
    new["consumers"] = [VILLAGE | {"fields": ["/nomor", "/keterangan"], "mask": {}}]
    put_in_force(developer, owner, new)
    send(app, to_structured_event(an_aid("sosial.desa", "BNS-2", keterangan="tunai")))
    until(lambda: len(sink.taken) == 2)
    assert sink.taken[-1].event["data"] == {"nomor": "BNS-2", "keterangan": "tunai"}
    assert village.get("/v1/feeds/sosial.desa").json()["events"][-1]["data"] == sink.taken[-1].event["data"]


def test_a_ministry_pulls_what_it_was_granted_sees_why_and_is_refused_once_that_is_withdrawn(
    tmp_path: Path,
    operator: OAuth2Client,
    developer: OAuth2Client,
    owner: OAuth2Client,
    app: OAuth2Client,
    ministry: OAuth2Client,
) -> None:
    document = begun(tmp_path, "sosial.pusat", MINISTRY)
    put_in_force(developer, owner, document)
    send(app, to_structured_event(an_aid("sosial.pusat", "BNS-1")))
    send(app, to_structured_event(an_aid("sosial.pusat", "BNS-2", kode_wilayah="35.24.06.2001")))
    records = ministry.get("/v1/records/sosial.pusat").json()["records"]
    shown = {"nomor": "BNS-1", "kode_wilayah": "35.24.05.2001", "jenis": "BLT", "nilai": 600000}
    assert [record["data"] for record in records] == [shown]
    assert ministry.get("/v1/records/sosial.pusat/BNS-2").status_code == 404
    (mine,) = ministry.get("/v1/participants/bappenas/access").json()["contracts"]
    (grant,) = mine["versions"][0]["grants"]
    assert (grant["purpose"], grant["until"], grant["rows"]) == (
        MINISTRY["purpose"],
        MINISTRY["until"],
        MINISTRY["rows"],
    )
    read = operator.get("/v1/disclosures", params={"subject": AID["nik"], "participant": "bappenas"}).json()
    assert AID["nik"] not in json.dumps(records)
    assert {one["legal_basis"] for one in read["disclosures"]} == {MINISTRY["legal_basis"]}
    move(owner, document, "deprecate").raise_for_status()
    put_in_force(developer, owner, a_version(document, "1.1.0") | {"consumers": []})
    move(owner, document, "retire").raise_for_status()
    assert ministry.get("/v1/records/sosial.pusat").status_code == 403
    assert ministry.get("/v1/participants/bappenas/access").json()["contracts"] == []
