"""Who may get what, over HTTP."""

from typing import Any

import pytest

from bus.identity.participants import Kind
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import FAR, WARGA, a_document, a_grant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _get(bus: Bus, path: str, *scopes: str, participant: str = "bapenda") -> Any:
    return await bus.reader(participant, *(scopes or ("contracts.read",))).get(path)


async def _of_contract(bus: Bus) -> Any:
    return (await _get(bus, f"/v1/contracts/{WARGA}/access")).json()


async def _of_participant(bus: Bus, query: str = "") -> Any:
    return (await _get(bus, f"/v1/participants/bapenda/access{query}")).json()


async def test_it_says_who_gets_which_field_how_why_and_until_when(bus: Bus) -> None:
    rows = [{"exact": {"desa": "sembung"}}]
    bus.apply(a_document(a_grant("bapenda", fields=["/nik", "/nama"], mask={"/nik": "pseudonym"}, rows=rows)))
    (version,) = (await _of_contract(bus))["versions"]
    assert version["grants"] == [
        {
            "participant": "bapenda",
            "purpose": "uji",
            "legal_basis": "PKS 1/2026",
            "until": FAR,
            "ended": False,
            "suspended": None,
            "granted": ["/nik", "/nama"],
            "fields": [{"pointer": "/nama", "mask": None}, {"pointer": "/nik", "mask": "pseudonym"}],
            "rows": rows,
        }
    ]


async def test_a_grant_that_ended_says_so(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda", until="2020-12-31"), a_grant("dinkes")))
    (version,) = (await _of_contract(bus))["versions"]
    assert [grant["ended"] for grant in version["grants"]] == [True, False]


async def test_every_version_in_force_is_told_and_no_other(bus: Bus) -> None:
    bus.apply(*(a_document(version=version) for version in ("1.0.0", "1.1.0", "1.2.0")))
    operator = bus.reader("operator-uji", "contracts.approve", "admin")
    await operator.post(f"/v1/contracts/{WARGA}/versions/1.0.0/retire")
    await operator.post(f"/v1/contracts/{WARGA}/versions/1.1.0/deprecate")
    found = await _of_contract(bus)
    assert [(one["version"], one["state"]) for one in found["versions"]] == [
        ("1.1.0", "deprecated"),
        ("1.2.0", "active"),
    ]


async def test_a_contract_that_is_not_there_is_not_found(bus: Bus) -> None:
    assert (await _get(bus, "/v1/contracts/uji.tiada/access")).status_code == 404


async def test_a_participants_grants_are_told_over_all_contracts(bus: Bus) -> None:
    bus.apply(
        a_document(a_grant("bapenda"), a_grant("dinkes"), contract="uji.b"),
        a_document(a_grant("dinkes"), contract="uji.a"),
        a_document(a_grant("bapenda"), contract="uji.c"),
    )
    found = await _of_participant(bus)
    assert [one["contract"] for one in found["contracts"]] == ["uji.b", "uji.c"]
    assert {grant["participant"] for one in found["contracts"] for grant in one["versions"][0]["grants"]} == {"bapenda"}


async def test_versions_without_a_grant_are_left_out(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")), a_document(version="1.1.0"))
    (contract,) = (await _of_participant(bus))["contracts"]
    assert [version["version"] for version in contract["versions"]] == ["1.0.0"]


async def test_a_name_that_stands_elsewhere_in_a_document_is_no_grant(bus: Bus) -> None:
    schema = {"type": "object", "required": ["nik"], "properties": {"nik": {"type": "string"}, "participant": {}}}
    bus.apply(a_document(schema=schema, examples=[{"nik": "1", "participant": "bapenda"}]))
    assert (await _of_participant(bus))["contracts"] == []


async def test_a_participants_contracts_come_in_pages(bus: Bus) -> None:
    bus.apply(*(a_document(a_grant("bapenda"), contract=f"uji.{name}") for name in "abc"))
    first = await _of_participant(bus, "?limit=2")
    second = await _of_participant(bus, f"?limit=2&after={first['next']}")
    pages = [[one["contract"] for one in page["contracts"]] for page in (first, second)]
    assert (pages, second["next"]) == ([["uji.a", "uji.b"], ["uji.c"]], None)


@pytest.mark.parametrize(
    ("participant", "scopes", "status"),
    [
        ("dinkes", ("contracts.read",), 200),
        ("bapenda", ("contracts.read",), 403),
        ("bapenda", ("contracts.read", "audit.read"), 200),
        ("bapenda", ("contracts.read", "admin"), 200),
        ("dinkes", ("events.read",), 403),
        ("bapenda", ("audit.read",), 403),
    ],
)
async def test_a_participant_is_shown_to_itself_to_the_operator_and_to_auditors(
    bus: Bus, participant: str, scopes: tuple[str, ...], status: int
) -> None:
    if participant != "dinkes":
        bus.rooms.participants.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR)
    answer = await _get(bus, "/v1/participants/dinkes/access", *scopes, participant=participant)
    assert answer.status_code == status


async def test_a_participant_that_is_not_there_is_not_found(bus: Bus) -> None:
    answer = await _get(bus, "/v1/participants/tiada/access", "contracts.read", "admin")
    assert answer.status_code == 404


async def test_the_scope_is_asked_for(bus: Bus) -> None:
    bus.apply(a_document())
    assert (await _get(bus, f"/v1/contracts/{WARGA}/access", "events.read")).status_code == 403
