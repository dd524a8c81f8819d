"""The catalogue over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from bus import json
from bus.contracts import listing
from tests.a_bus import ADDRESS, Bus
from tests.builders import NIK, a_grant, a_strict_document
from tests.contracts.documents import SHIPPED, shipped
from tests.http.contract_callers import NAME, SCOPES, VERSION, a_client, activate, another, operator, owner, post

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def client(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(bus) as client:
        yield client


async def test_a_document_becomes_a_draft(client: httpx.AsyncClient) -> None:
    answer = await post(client, a_strict_document())
    assert (answer.status_code, answer.headers["location"]) == (201, VERSION)
    assert (answer.json()["state"], answer.json()["created_by"]) == ("draft", "dukcapil-lamongan")


async def test_yaml_is_taken_as_it_stands_in_git(client: httpx.AsyncClient) -> None:
    text = f"""
contract: {NAME}
version: 1.0.0
kind: event
title: Peristiwa rekaan
owner: dukcapil-lamongan
classification: internal
schema: {{type: object, properties: {{nama: {{type: string}}}}}}
producers: [dukcapil-lamongan]
consumers: [{{participant: bapenda, until: 2027-12-31}}]
"""
    answer = await client.post("/v1/contracts", content=text, headers={**owner(), "content-type": "application/yaml"})
    assert (answer.status_code, answer.json()["document"]["consumers"][0]["until"]) == (201, "2027-12-31")


async def test_what_is_wrong_in_a_document_is_told_with_its_place(client: httpx.AsyncClient) -> None:
    answer = await post(client, a_strict_document(kind="riwayat", consumers=[a_grant(mask={"/nik": "rot13"})]))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert {"/kind", "/consumers/0/mask/~1nik"} <= {error["pointer"] for error in answer.json()["errors"]}


async def test_a_body_without_end_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/contracts", content=b" " * (1024 * 1024 + 1), headers=owner())
    assert answer.status_code == 413


async def test_a_version_that_stands_with_other_content_is_a_conflict(client: httpx.AsyncClient) -> None:
    await activate(client)
    assert (await post(client, a_strict_document(title="Lain"))).status_code == 409


async def test_a_contract_is_shown_with_its_versions_and_the_document_in_force(client: httpx.AsyncClient) -> None:
    await activate(client)
    await post(client, a_strict_document(version="2.0.0"))
    shown = (await client.get(f"/v1/contracts/{NAME}", headers=another())).json()
    assert [(version["version"], version["state"]) for version in shown["versions"]] == [
        ("1.0.0", "active"),
        ("2.0.0", "draft"),
    ]
    assert (shown["current"], shown["document"]["version"]) == ("1.0.0", "1.0.0")


async def test_contracts_are_listed_in_pages(client: httpx.AsyncClient) -> None:
    for noun in ("a", "b", "c"):
        await post(client, a_strict_document(contract=f"uji.{noun}"))
    first = (await client.get("/v1/contracts?limit=2", headers=another())).json()
    second = (await client.get("/v1/contracts", params={"after": first["next"]}, headers=another())).json()
    assert [[one["contract"] for one in page["contracts"]] for page in (first, second)] == [
        ["uji.a", "uji.b"],
        ["uji.c"],
    ]
    assert second["next"] is None


async def test_a_cursor_of_our_own_making_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/contracts?after=~~~", headers=another())).status_code == 400


async def test_a_schema_is_served_with_its_address_as_its_id(client: httpx.AsyncClient, bus: Bus) -> None:
    await activate(client)
    answer = await client.get(f"{VERSION}/schema", headers=another())
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json()["$id"] == f"{ADDRESS}{VERSION}/schema"
    assert bus.rooms.catalogue.find_version(NAME, answer.json()["$id"]).contract.version == "1.0.0"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
async def test_a_shipped_schema_is_served_whole(client: httpx.AsyncClient, path: Path) -> None:
    contract = shipped(path)
    await post(client, contract.document, operator())
    schema = (
        await client.get(f"/v1/contracts/{contract.name}/versions/{contract.version}/schema", headers=another())
    ).json()
    sent = contract.examples[0]["request"] if contract.answer else contract.examples[0]
    jsonschema.Draft202012Validator(schema).validate(sent)


async def test_both_schemas_of_a_query_are_served(client: httpx.AsyncClient) -> None:
    schemas = {"request": {"title": "tanya", "properties": {"nik": {}}}, "answer": {"title": "jawab"}}
    await post(client, a_strict_document(kind="query", key=None, schema=None, subject="/nik", examples=[], **schemas))
    titles = [
        (await client.get(f"{VERSION}/schema?part={part}", headers=owner())).json()["title"]
        for part in ("request", "answer")
    ]
    assert titles == ["tanya", "jawab"]


@pytest.mark.parametrize("path", [f"/v1/contracts/{NAME}", VERSION, f"{VERSION}/schema"])
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path, headers=owner())).status_code == 404


async def test_only_owner_or_operator_register_a_contract(client: httpx.AsyncClient) -> None:
    assert [(await post(client, a_strict_document(), caller)).status_code for caller in (another(), operator())] == [
        403,
        201,
    ]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/contracts", "contracts.read"),
        ("POST", "/v1/contracts", "contracts.write"),
        ("GET", f"/v1/contracts/{NAME}", "contracts.read"),
        ("GET", VERSION, "contracts.read"),
        ("GET", f"{VERSION}/schema", "contracts.read"),
        ("PUT", VERSION, "contracts.write"),
        ("POST", f"{VERSION}/propose", "contracts.write"),
        ("POST", f"{VERSION}/activate", "contracts.approve"),
        ("POST", f"{VERSION}/deprecate", "contracts.approve"),
        ("POST", f"{VERSION}/retire", "contracts.approve"),
        ("POST", f"/v1/contracts/{NAME}/validate", "contracts.read"),
    ],
)
async def test_every_endpoint_asks_for_its_scope(client: httpx.AsyncClient, method: str, path: str, scope: str) -> None:
    others = " ".join(set(SCOPES.split()) - {scope})
    answer = await client.request(method, path, headers=owner(others))
    assert (answer.status_code, scope in answer.json()["detail"]) == (403, True)


async def test_data_can_be_tried_out(client: httpx.AsyncClient) -> None:
    await activate(client)
    bodies: list[Any] = [{"nik": NIK}, {"nik": "35"}, []]
    answers = [
        (await client.post(f"/v1/contracts/{NAME}/validate", json=body, headers=another())).json() for body in bodies
    ]
    assert [answer["valid"] for answer in answers] == [True, False, False]
    assert answers[1]["errors"] == [{"pointer": "/nik", "detail": "must match the pattern ^[0-9]{16}$"}]


async def test_data_can_be_tried_out_against_a_draft(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document())
    answer = await client.post(f"/v1/contracts/{NAME}/validate?version=1.0.0", json={"nik": NIK}, headers=owner())
    assert answer.json() == {"valid": True, "errors": []}


async def test_a_body_that_is_no_json_is_refused(client: httpx.AsyncClient) -> None:
    await activate(client)
    assert (await client.post(f"/v1/contracts/{NAME}/validate", content=b"{", headers=owner())).status_code == 400


async def test_a_page_that_is_cut_short_names_the_next(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for noun in ("a", "b"):
        await post(client, a_strict_document(contract=f"uji.{noun}"))
    monkeypatch.setattr(listing, "_MOST_BYTES", 1)
    first = (await client.get("/v1/contracts", headers=another())).json()
    second = (await client.get("/v1/contracts", params={"after": first["next"]}, headers=another())).json()
    assert [[one["contract"] for one in page["contracts"]] for page in (first, second)] == [["uji.a"], ["uji.b"]]
    assert second["next"] is None


async def test_reading_contracts_unpacks_no_document_of_another_version(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        await post(client, a_strict_document(version=f"1.{number}.0"))
    for path in ("/v1/contracts", VERSION):
        await client.get(path, headers=another())
    loads, unpacked = json.loads, []
    monkeypatch.setattr(json, "loads", lambda text: unpacked.append(len(text)) or loads(text))
    listed = await client.get("/v1/contracts", headers=another())
    read = await client.get(f"/v1/contracts/{NAME}", headers=another())
    one = await client.get(VERSION, headers=another())
    assert (one.status_code, one.json()["document"]["version"]) == (200, "1.0.0")
    assert (listed.status_code, len(read.json()["versions"]), read.json()["document"]["version"]) == (200, 10, "1.9.0")
    assert [length for length in unpacked if length > 400] == []
