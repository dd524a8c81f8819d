"""AsyncAPI documents and schemas of contracts over HTTP."""

from typing import Any

import pytest
import yaml

from bus.contracts.document import parse_contract
from tests.a_bus import ADDRESS, Bus
from tests.an_actor import an_actor
from tests.builders import OWNER, WARGA, a_document, a_grant, a_person

PATH = f"/v1/contracts/{WARGA}/asyncapi"
SCHEMA = f"/v1/contracts/{WARGA}/versions/1.0.0/schema"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _get(bus: Bus, path: str, scope: str = "contracts.read", **headers: str) -> Any:
    return await bus.reader("bapenda", scope).get(path, headers=headers)


async def test_the_newest_version_in_force_is_described(bus: Bus) -> None:
    bus.apply(a_document(), a_document(version="1.1.0"))
    bus.rooms.catalogue.registrar.add_draft(parse_contract(a_document(version="2.0.0")), an_actor(OWNER))
    answer = await _get(bus, PATH)
    assert (answer.headers["content-type"], answer.json()["info"]["version"]) == ("application/json", "1.1.0")


async def test_any_version_can_be_asked_for(bus: Bus) -> None:
    bus.apply(a_document(), a_document(version="1.1.0"))
    assert (await _get(bus, f"{PATH}?version=1.0.0")).json()["info"]["version"] == "1.0.0"
    assert (await _get(bus, f"{PATH}?version=3.0.0")).status_code == 404


async def test_addresses_are_the_public_ones(bus: Bus) -> None:
    bus.apply(a_document())
    document = (await _get(bus, PATH)).json()
    assert document["servers"]["bus"]["host"] == ADDRESS.removeprefix("https://")
    flow = document["components"]["securitySchemes"]["publish"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == f"{ADDRESS}/oauth/token"


async def test_yaml_says_the_same(bus: Bus) -> None:
    bus.apply(a_document())
    answer = await _get(bus, PATH, accept="application/yaml")
    assert answer.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(answer.text) == (await _get(bus, PATH)).json()


async def test_what_is_not_there_is_not_found(bus: Bus) -> None:
    assert (await _get(bus, PATH)).status_code == 404


@pytest.mark.parametrize("path", [PATH, SCHEMA])
async def test_the_scope_is_asked_for(bus: Bus, path: str) -> None:
    bus.apply(a_document())
    assert (await _get(bus, path, "events.read")).status_code == 403


@pytest.mark.parametrize("path", [PATH, SCHEMA])
async def test_what_one_has_is_not_sent_again(bus: Bus, path: str) -> None:
    bus.apply(a_document())
    first = await _get(bus, path)
    second = await _get(bus, path, **{"if-none-match": first.headers["etag"]})
    assert (second.status_code, second.content) == (304, b"")
    assert (await _get(bus, path, **{"if-none-match": '"another"'})).status_code == 200


async def test_a_schema_is_served_at_its_id_which_names_the_version_on_publishing(bus: Bus) -> None:
    bus.apply(a_document(), a_document(version="1.1.0"))
    identity = (await _get(bus, SCHEMA)).json()["$id"]
    assert identity == f"{ADDRESS}{SCHEMA}"
    position = await bus.publish(a_person(), dataschema=identity)
    entry = bus.rooms.journal.at([position])[position]
    assert bus.rooms.catalogue.version_numbered(entry.version_id).contract.version == "1.0.0"


async def test_the_address_of_a_schema_is_taken_on_publishing(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")), a_document(a_grant("bapenda"), version="1.1.0"))
    identity = (await _get(bus, SCHEMA)).json()["$id"]
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/uji",
        "type": WARGA,
        "dataschema": identity,
        "data": a_person(),
    }
    answer = await bus.reader(OWNER, "events.publish").post(
        "/v1/events", json=event, headers={"content-type": "application/cloudevents+json"}
    )
    assert answer.status_code == 202


async def test_each_schema_of_a_query_has_its_own_id(bus: Bus) -> None:
    question = {"type": "object", "required": ["nik"], "properties": {"nik": {"type": "string"}}}
    bus.apply(a_document(kind="query", key=None, schema=None, request=question, answer={}))
    ids = {(await _get(bus, f"{SCHEMA}?part={part}")).json()["$id"] for part in ("request", "answer")}
    assert ids == {f"{ADDRESS}{SCHEMA}", f"{ADDRESS}{SCHEMA}?part=answer"}
