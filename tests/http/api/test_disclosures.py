"""The disclosure log over HTTP: who received a person's data, exactly."""

import asyncio
from typing import Any

import httpx
import pytest

from bus.disclosures import Channel, Disclosure
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person

LOG = "/v1/disclosures"


async def search(client: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await client.get(LOG, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_search_by_person_finds_exactly_the_pages_that_held_the_person(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), a_grant("bapenda", fields=["/nik"], mask={"/nik": "pseudonym"})))
    await bus.publish_all([a_person(1), a_person(2), a_person(3)])
    await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}?limit=2")
    await bus.reader("bapenda").get(f"/v1/records/{WARGA}")
    auditor = bus.reader("inspektorat", "audit.read")
    found = {n: (await search(auditor, subject=a_nik(n)))["disclosures"] for n in (1, 3, 4)}
    assert [one["participant"] for one in found[1]] == ["bapenda", "dinkes"]
    assert [one["participant"] for one in found[3]] == ["bapenda"]
    assert found[4] == []


async def test_a_disclosure_says_what_under_which_grant(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", fields=["/nik"], purpose="imunisasi", legal_basis="PKS 8")))
    await bus.publish_all([a_person(1), a_person(2)])
    await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}")
    (found,) = (await search(bus.reader("inspektorat", "audit.read"), participant="dinkes"))["disclosures"]
    assert found.pop("client_id").startswith("client_")
    assert found.pop("at") == found.pop("last_at")
    assert found == {
        "participant": "dinkes",
        "channel": "feed",
        "contract": WARGA,
        "version": "1.0.0",
        "purpose": "imunisasi",
        "legal_basis": "PKS 8",
        "fields": ["/nik"],
        "events": 2,
        "unsent": 0,
        "times": 1,
        "set_by": None,
    }


async def test_person_and_participant_narrow_each_other(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), a_grant("dinsos")))
    await bus.publish(a_person(1))
    for participant in ("dinkes", "dinsos"):
        await bus.reader(participant).get(f"/v1/feeds/{WARGA}")
    auditor = bus.reader("inspektorat", "audit.read")
    found = await search(auditor, subject=a_nik(1), participant="dinsos")
    assert [one["participant"] for one in found["disclosures"]] == ["dinsos"]
    assert (await search(auditor, subject=a_nik(2), participant="dinsos"))["disclosures"] == []


async def test_the_answer_to_a_query_is_found_by_its_person(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    contract_id = bus.rooms.catalogue.newest(WARGA).contract_id
    answered = Disclosure("dinkes", "client_x", Channel.QUERY, contract_id, "1.0.0", "uji", "", [""], person=a_nik(5))
    await asyncio.to_thread(bus.rooms.disclosures.record, [answered])
    (found,) = (await search(bus.reader("inspektorat", "audit.read"), subject=a_nik(5)))["disclosures"]
    assert (found["channel"], found["events"]) == ("query", 0)


async def test_a_long_log_comes_in_pages_the_newest_first(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(5)])
    await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}?limit=3")
    await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}?limit=4")
    await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}?limit=5")
    auditor = bus.reader("inspektorat", "audit.read")
    first = await search(auditor, participant="dinkes", limit=2)
    second = await search(auditor, participant="dinkes", limit=2, after=first["next"])
    assert [one["events"] for page in (first, second) for one in page["disclosures"]] == [5, 4, 3]
    assert second["next"] is None


@pytest.mark.parametrize("params", [{}, {"subject": ""}, {"subject": "a\0"}, {"participant": "a", "after": "x"}])
async def test_a_wrong_search_is_refused(bus: Bus, params: dict[str, str]):
    answer = await bus.reader("inspektorat", "audit.read").get(LOG, params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_a_refused_search_does_not_repeat_the_person(bus: Bus):
    params = {"subject": a_nik(1), "limit": "0"}
    answer = await bus.reader("inspektorat", "audit.read").get(LOG, params=params)
    assert (answer.status_code, a_nik(1) in answer.text) == (400, False)


async def test_the_log_is_for_auditors(bus: Bus):
    assert (await bus.reader("dinkes").get(LOG, params={"participant": "dinkes"})).status_code == 403
