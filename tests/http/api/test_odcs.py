"""A contract in the Open Data Contract Standard over HTTP."""

import pytest

from bus.contracts.odcs import read_odcs
from bus.contracts.yaml import read_yaml
from bus.identity import Scope
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document

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
