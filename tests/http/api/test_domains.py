"""Domains over HTTP."""

import pytest

from bus.identity import Kind, Scope
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import a_document

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DOMAIN = "/v1/domains/kependudukan"


@pytest.fixture
def with_contract(bus: Bus) -> Bus:
    bus.apply(a_document())
    bus.rooms.catalogue.registrar.set_domain_owner("kependudukan", None, OPERATOR)
    bus.rooms.participants.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR)
    return bus


async def test_the_operator_gives_a_domain_and_takes_it_back(with_contract: Bus) -> None:
    operator = with_contract.reader("operator", Scope.ADMIN)
    assert (await operator.get(DOMAIN)).json() == {"domain": "kependudukan", "owner": None, "since": None}
    given = await operator.put(f"{DOMAIN}/owner", json={"owner": "dinkes"})
    assert (given.status_code, given.json()["owner"]) == (200, "dinkes")
    assert (await operator.get(DOMAIN)).json() == given.json()
    assert (await operator.delete(f"{DOMAIN}/owner")).status_code == 204
    assert (await operator.get(DOMAIN)).json()["owner"] is None


async def test_domains_are_listed_with_and_without_owners(with_contract: Bus) -> None:
    operator = with_contract.reader("operator", Scope.ADMIN)
    await operator.put("/v1/domains/kesehatan/owner", json={"owner": "dinkes"})
    whole = (await operator.get("/v1/domains")).json()
    owners = {one["domain"]: one["owner"] for one in whole["domains"]}
    assert (owners["kependudukan"], owners["kesehatan"], whole["next"]) == (None, "dinkes", None)
    first = (await operator.get("/v1/domains", params={"limit": 1})).json()
    rest = (await operator.get("/v1/domains", params={"after": first["next"]})).json()
    assert first["domains"] + rest["domains"] == whole["domains"]


async def test_only_what_exists_is_given_and_only_to_who_exists(with_contract: Bus) -> None:
    operator = with_contract.reader("operator", Scope.ADMIN)
    assert (await operator.put(f"{DOMAIN}/owner", json={"owner": "tiada"})).status_code == 404
    assert (await operator.put("/v1/domains/Salah/owner", json={"owner": "dinkes"})).status_code == 422
    for method, path in (("GET", "/v1/domains/tiada"), ("DELETE", "/v1/domains/tiada/owner")):
        assert (await operator.request(method, path)).status_code == 404


async def test_an_office_neither_reads_nor_gives_domains(with_contract: Bus) -> None:
    office = with_contract.reader("dinkes", Scope.CONTRACTS_WRITE, Scope.CONTRACTS_APPROVE)
    assert (await office.put(f"{DOMAIN}/owner", json={"owner": "dinkes"})).status_code == 403
    assert (await office.get(DOMAIN)).status_code == 403
