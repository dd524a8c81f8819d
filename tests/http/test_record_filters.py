"""Records chosen by a field: only by fields that the contract names and the reader sees, and a record that leaves is told."""

from typing import Any

import pytest

from bus import json
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person

RECORDS = f"/v1/records/{WARGA}"
FILTERABLE = ["/desa", "/lahir/tempat"]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def people(page: Any) -> list[Any]:
    assert page.status_code == 200, page.text
    return [event["data"] for event in page.json()["records"]]


async def test_records_are_chosen_by_value_and_by_beginning(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), filterable=FILTERABLE))
    babat = a_person(1, desa="paciran", lahir={"tempat": "Babat"})
    await bus.publish_all([babat, a_person(2, desa="paciran"), a_person(3, lahir={"tempat": "Babat"})])
    client = bus.reader("dinkes")
    exact = [("exact", "/desa=paciran"), ("exact", "/lahir/tempat=Babat")]
    assert people(await client.get(RECORDS, params=exact)) == [babat]
    assert people(await client.get(RECORDS, params=[("exact", "/desa=paciran"), ("prefix", "/lahir/tempat=Ba")])) == [
        babat
    ]
    lines = await client.get(RECORDS, params={"prefix": "/desa=semb"}, headers={"accept": "application/x-ndjson"})
    assert [json.loads(line)["subject"] for line in lines.text.splitlines()] == [a_nik(3)]


async def test_a_record_that_no_longer_matches_is_told_as_deleted(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), filterable=FILTERABLE))
    await bus.publish_all([a_person(1), a_person(2)])
    client, chosen = bus.reader("dinkes"), {"exact": "/desa=sembung"}
    after = (await client.get(RECORDS, params=chosen)).json()["next"]
    await bus.publish_all([a_person(1, desa="paciran"), a_person(3, desa="paciran")])
    page = await client.get(RECORDS, params=chosen | {"after": after})
    assert [(event["subject"], event["data"]) for event in page.json()["records"]] == [(a_nik(1), None)]


@pytest.mark.parametrize(
    "grant",
    [{"fields": ["/nik", "/nama"]}, {"mask": {"/desa": "redact"}}, {"mask": {"/lahir": "redact"}}],
    ids=["hidden", "masked", "masked-above"],
)
async def test_nobody_chooses_by_a_value_that_its_grant_hides(bus: Bus, grant: dict[str, Any]):
    bus.apply(a_document(a_grant("dinkes", **grant), filterable=FILTERABLE))
    await bus.publish(a_person(1, lahir={"tempat": "Babat"}))
    pointer = "/lahir/tempat=Babat" if "/lahir" in grant.get("mask", ()) else "/desa=sembung"
    answer = await bus.reader("dinkes").get(RECORDS, params={"exact": pointer})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:bus:problem:rows-invalid")
    assert answer.json()["errors"][0]["pointer"] == "/query/exact/0"


async def test_nobody_chooses_older_records_by_a_value_that_an_older_version_hides(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", mask={"/desa": "redact"}), filterable=FILTERABLE))
    await bus.publish(a_person(1))
    bus.apply(a_document(a_grant("dinkes"), filterable=FILTERABLE, version="1.1.0"))
    await bus.publish(a_person(2))
    answer = await bus.reader("dinkes").get(RECORDS, params={"exact": "/desa=sembung"})
    assert people(answer) == [a_person(2)]


@pytest.mark.parametrize("rows", ["/nama=Rekaan 1", "/tidak-ada=1", "/desa", "desa=sembung", ""])
async def test_what_the_contract_does_not_name_is_refused(bus: Bus, rows: str):
    bus.apply(a_document(a_grant("dinkes"), filterable=FILTERABLE))
    answer = await bus.reader("dinkes").get(RECORDS, params={"prefix": rows})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:bus:problem:rows-invalid")
