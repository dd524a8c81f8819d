"""Proposals over HTTP: what waits for whose word."""

import pytest

from bus.contracts import parse_contract
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import OWNER, a_document, a_grant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_proposals_come_by_name_with_who_approves(bus: Bus) -> None:
    registrar = bus.rooms.catalogue.registrar
    for name in ("lain.data", "kependudukan.usul"):
        registrar.add_draft(parse_contract(a_document(a_grant(), contract=name)), OPERATOR)
        registrar.propose(name, "1.0.0", OPERATOR)
    registrar.add_draft(parse_contract(a_document(a_grant(), contract="lain.rancangan")), OPERATOR)
    reader = bus.reader("bapenda", "contracts.read")
    first = (await reader.get("/v1/proposals", params={"limit": 1})).json()
    told = {name: first["proposals"][0][name] for name in ("contract", "version", "by", "approver", "adapter_owners")}
    assert told == {
        "contract": "kependudukan.usul",
        "version": "1.0.0",
        "by": "operator",
        "approver": OWNER,
        "adapter_owners": [],
    }
    rest = (await reader.get("/v1/proposals", params={"after": first["next"]})).json()
    assert ([(one["contract"], one["approver"]) for one in rest["proposals"]], rest["next"]) == (
        [("lain.data", None)],
        None,
    )


async def test_proposals_need_the_scope_for_contracts(bus: Bus) -> None:
    assert (await bus.reader("bapenda", "events.read").get("/v1/proposals")).status_code == 403
