"""A contract in the Open Data Contract Standard over HTTP."""

import pytest

from bus.contracts.odcs import read_odcs
from bus.contracts.yaml import read_yaml
from bus.identity import Scope
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_a_contract_comes_in_the_standard_with_its_state(bus: Bus) -> None:
    bus.apply(a_document())
    reader = bus.reader(OWNER, Scope.CONTRACTS_READ)
    answer = await reader.get(f"/v1/contracts/{WARGA}/odcs")
    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert read_odcs(answer.json())["contract"] == WARGA
    as_yaml = await reader.get(f"/v1/contracts/{WARGA}/odcs?version=1.0.0", headers={"accept": "application/yaml"})
    assert read_yaml(as_yaml.content) == answer.json()
    assert (await reader.get("/v1/contracts/tiada.ada/odcs")).status_code == 404


async def test_an_export_that_is_imported_is_the_same_contract_and_stores_nothing(bus: Bus) -> None:
    bus.apply(a_document(a_grant("dinkes")))
    owner = bus.reader(OWNER, Scope.CONTRACTS_READ, Scope.CONTRACTS_WRITE)
    as_yaml = await owner.get(f"/v1/contracts/{WARGA}/odcs", headers={"accept": "application/yaml"})
    answer = await owner.post(
        "/v1/contracts/odcs", content=as_yaml.content, headers={"content-type": "application/yaml"}
    )
    assert answer.status_code == 200
    kept = (await owner.get(f"/v1/contracts/{WARGA}/versions/1.0.0")).json()["document"]
    assert answer.json()["document"] == kept
    answers = {"name": "kependudukan.lain", "owner": "dinkes", "leave_out": "true"}
    renamed = await owner.post("/v1/contracts/odcs", params=answers, content=as_yaml.content)
    assert renamed.status_code == 200, renamed.text
    document = renamed.json()["document"]
    assert (document["contract"], document["owner"]) == ("kependudukan.lain", "dinkes")
    assert len((await owner.get("/v1/contracts")).json()["contracts"]) == 1


async def test_what_the_standard_says_more_is_refused_or_left_out(bus: Bus) -> None:
    bus.apply(a_document())
    owner = bus.reader(OWNER, Scope.CONTRACTS_READ, Scope.CONTRACTS_WRITE)
    exported = (await owner.get(f"/v1/contracts/{WARGA}/odcs")).json() | {
        "slaProperties": [{"property": "latency", "value": 4}]
    }
    refused = await owner.post("/v1/contracts/odcs", json=exported)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:bus:problem:odcs-says-more")
    assert refused.json()["errors"][0]["pointer"].startswith("/slaProperties")
    taken = await owner.post("/v1/contracts/odcs", json=exported, params={"leave_out": "true"})
    assert taken.json()["document"]["contract"] == WARGA
    assert {finding["code"] for finding in taken.json()["lint"]}
    broken = await owner.post("/v1/contracts/odcs", json={"kind": "DataContract"})
    assert broken.status_code == 422
    assert (
        await bus.reader("dinkes", Scope.CONTRACTS_READ).post("/v1/contracts/odcs", json=exported)
    ).status_code == 403
