"""Checking a contract document over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest

from bus import json
from bus.delivery.subscription import NewSubscription, Webhook
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import NIK, OWNER, SCHEMA, a_grant, a_strict_document

NAME = "kependudukan.uji"
PROPERTIES = SCHEMA["properties"]
WITHOUT_NAME = {**SCHEMA, "properties": {name: one for name, one in PROPERTIES.items() if name != "nama"}}
WITH_MORE = {**SCHEMA, "properties": {**PROPERTIES, "agama": {"type": "string"}}}
BREAKING = {"version": "2.0.0", "schema": WITHOUT_NAME, "examples": [{"nik": NIK}]}


async def post(bus: Bus, body: Any, participant: str = OWNER, *scopes: str) -> httpx.Response:
    text = body if isinstance(body, bytes) else json.dumps(body)
    return await bus.reader(participant, "contracts.write", *scopes).post("/v1/contracts/check", content=text)


async def checked(bus: Bus, body: Any, participant: str = OWNER, *scopes: str) -> Any:
    answer = await post(bus, body, participant, *scopes)
    assert answer.status_code == 200
    return answer.json()


async def test_a_document_is_compared_with_the_registered_versions_and_nothing_is_stored(bus: Bus):
    bus.apply(a_strict_document())
    result = await checked(bus, a_strict_document(**BREAKING))
    assert (result["compatibility"]["verdict"], result["step"]) == ("incompatible", "major")
    (finding,) = result["compatibility"]["findings"]
    assert (finding["rule"], finding["pointer"], finding["against"]) == (
        "closed",
        "/schema/additionalProperties",
        "1.0.0",
    )
    assert finding["example"].keys() == {"nik", "nama"}
    assert [
        one.contract.version for one in await asyncio.to_thread(bus.rooms.catalogue.registrar.read_versions, NAME)
    ] == ["1.0.0"]


async def test_given_versions_take_the_place_of_the_registered_ones(bus: Bus):
    bus.apply(a_strict_document())
    against = [a_strict_document(version="1.1.0", schema=WITHOUT_NAME, examples=[])]
    wrapped = await checked(bus, {"document": a_strict_document(**BREAKING), "against": against})
    beside = await checked(bus, {**a_strict_document(**BREAKING), "against": against})
    assert wrapped == beside
    assert wrapped["compatibility"] == {"verdict": "compatible", "findings": []}


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"version": "1.0.1", "title": "Lain"}, "patch"),
        ({"version": "1.1.0", "schema": WITH_MORE}, "minor"),
        (BREAKING, "major"),
    ],
)
async def test_the_step_is_derived(bus: Bus, changes: dict[str, Any], step: str):
    bus.apply(a_strict_document())
    assert (await checked(bus, a_strict_document(**changes)))["step"] == step


async def test_a_new_contract_breaks_nothing(bus: Bus):
    assert (await checked(bus, a_strict_document()))["compatibility"]["verdict"] == "compatible"


async def test_lint_is_told_with_code_severity_place_and_fix_and_knows_who_is_known(bus: Bus):
    result = await checked(bus, a_strict_document(consumers=[], producers=[OWNER, "siapa"], examples=[{"nik": 5}]))
    assert [finding for finding in result["lint"] if finding["code"] in ("example", "participant")] == [
        {
            "code": "example",
            "severity": "error",
            "pointer": "/examples/0/nik",
            "message": "must be of type string",
            "fix": "Mend the example, or the schema that refuses it.",
        },
        {
            "code": "participant",
            "severity": "warning",
            "pointer": "/producers/1",
            "message": "siapa is not known to this bus",
            "fix": "Mend the name, or have the operator add the participant first.",
        },
    ]


async def test_yaml_is_taken(bus: Bus):
    text = f"{{contract: {NAME}, version: 1.0.0, kind: event, title: Uji, owner: {OWNER}, classification: internal,"
    text += f" schema: {{type: object}}, producers: [{OWNER}]}}"
    result = await checked(bus, text.encode())
    assert {finding["code"] for finding in result["lint"]} == {"closed", "examples"}


async def test_a_document_that_is_no_contract_is_told_why_and_its_compatibility_is_undecided(bus: Bus):
    grant = {name: value for name, value in a_grant().items() if name != "purpose"}
    result = await checked(bus, a_strict_document(kind="riwayat", consumers=[grant]))
    assert {("document", "/kind"), ("grant", "/consumers/0/purpose")} <= {
        (finding["code"], finding["pointer"]) for finding in result["lint"]
    }
    assert (result["compatibility"], result["step"]) == ({"verdict": "undecided", "findings": []}, "major")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({**a_strict_document(), "against": {}}, 422, "/against"),
        (
            {**a_strict_document(), "against": [a_strict_document(), a_strict_document(kind="riwayat")]},
            422,
            "/against/1/kind",
        ),
        (b"{", 422, None),
        (b" " * (1024 * 1024 + 1), 413, None),
    ],
)
async def test_what_cannot_be_read_is_refused(bus: Bus, body: Any, status: int, pointer: str | None):
    answer = await post(bus, body)
    assert answer.status_code == status
    assert pointer is None or answer.json()["errors"][0]["pointer"] == pointer


async def test_whom_a_change_touches_is_named(bus: Bus):
    bus.apply(
        a_strict_document(consumers=[a_grant(fields=["/nik", "/nama"]), a_grant(participant="dinkes", fields=["/nik"])])
    )
    changed = a_strict_document(**BREAKING, consumers=[a_grant(fields=["/nik"])])
    touches = (await checked(bus, changed))["touches"]
    assert {(touch["participant"], touch["what"], touch["pointer"], touch["against"]) for touch in touches} >= {
        ("bapenda", "field", "/nama", "1.0.0"),
        ("dinkes", "grant", "", "1.0.0"),
    }


async def test_an_adapter_is_told_which_field_that_it_maps_goes_away(bus: Bus):
    use = [{"adapter": "kemendagri", "operation": "data-balikan"}]
    bus.apply(a_strict_document(adapters=use))
    without_nik = {**SCHEMA, "properties": {"nama": PROPERTIES["nama"]}, "required": ["nama"]}
    changed = a_strict_document(
        version="2.0.0", schema=without_nik, key="/nama", subject="/nama", adapters=use, examples=[]
    )
    touches = (await checked(bus, changed))["touches"]
    assert ("kemendagri", "adapter mapping", "/nik") in {(t["participant"], t["what"], t["pointer"]) for t in touches}


@pytest.mark.parametrize(
    ("participant", "scopes", "told"), [(OWNER, (), True), ("bapenda", (), False), ("kominfo", ("admin",), True)]
)
async def test_subscriptions_that_a_change_touches_are_told_to_who_answers_for_the_contract(
    bus: Bus, participant: str, scopes: tuple[str, ...], told: bool
):
    bus.apply(a_strict_document())
    sink, filters = Webhook("https://dinkes.lamongan.example/masuk"), [{"suffix": {"dataschema": "1.0.0/schema"}}]
    await asyncio.to_thread(bus.rooms.subscriptions.add, NewSubscription("dinkes", [NAME], sink, filters), OPERATOR)
    result = await checked(bus, a_strict_document(version="1.0.1"), participant, *scopes)
    assert [touch["participant"] for touch in result["touches"]] == (["dinkes"] if told else [])


async def test_the_scope_to_write_is_asked_for(bus: Bus):
    answer = await bus.reader(OWNER, "contracts.read").post("/v1/contracts/check", json=a_strict_document())
    assert answer.status_code == 403
