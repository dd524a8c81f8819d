"""The disclosure log over HTTP: who received a person's data, exactly."""

import asyncio
from typing import Any

import httpx
import pytest

from bus import json
from bus.actions import Verb
from bus.disclosures import Channel, Disclosure
from tests.a_bus import Bus
from tests.an_actor import actions
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
    assert [one["participant"] for one in found[1]] == ["inspektorat", "bapenda", "dinkes"]
    assert [one["participant"] for one in found[3]] == ["inspektorat", "bapenda"]
    assert [one["participant"] for one in found[4]] == ["inspektorat"]


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
    _, found = (await search(bus.reader("inspektorat", "audit.read"), subject=a_nik(5)))["disclosures"]
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


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"until": "2026-01-01T00:00:00Z"},
        {"since": "kemarin"},
        {"since": "1"},
        {"subject": ""},
        {"subject": "a\0"},
        {"participant": "a", "after": "x"},
    ],
)
async def test_a_wrong_search_is_refused(bus: Bus, params: dict[str, str]):
    answer = await bus.reader("inspektorat", "audit.read").get(LOG, params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_a_refused_search_does_not_repeat_the_person(bus: Bus):
    params = {"subject": a_nik(1), "limit": "0"}
    answer = await bus.reader("inspektorat", "audit.read").get(LOG, params=params)
    assert (answer.status_code, a_nik(1) in answer.text) == (400, False)


async def test_the_log_is_for_auditors(bus: Bus):
    assert (await bus.reader("dinkes").get(LOG, params={"participant": "dinkes"})).status_code == 403


async def test_a_client_s_contract_and_purpose_narrow_a_search(bus: Bus):
    bus.apply(
        a_document(a_grant("dinkes"), a_grant("dinsos", purpose="bansos")),
        a_document(a_grant("dinkes"), contract="kependudukan.lain"),
    )
    await bus.publish_all([a_person(1)])
    await bus.publish_all([a_person(1)], type="kependudukan.lain")
    for participant in ("dinkes", "dinsos"):
        await bus.reader(participant).get(f"/v1/feeds/{WARGA}")
    await bus.reader("dinkes").get("/v1/feeds/kependudukan.lain")
    auditor = bus.reader("inspektorat", "audit.read")

    async def find(**params: Any) -> list[tuple[str, str]]:
        found = (await search(auditor, **params))["disclosures"]
        return [(one["participant"], one["contract"]) for one in found]

    assert await find(contract=WARGA) == [("dinsos", WARGA), ("dinkes", WARGA)]
    assert await find(purpose="bansos") == [("dinsos", WARGA)]
    assert await find(since="2020-01-01T00:00:00Z", participant="dinkes", contract=WARGA) == [("dinkes", WARGA)]
    assert await find(until="2020-01-01T00:00:00Z", participant="dinkes") == []
    (one,) = (await search(auditor, purpose="bansos"))["disclosures"]
    assert await find(client_id=one["client_id"], subject=a_nik(1)) == [("dinsos", WARGA)]


async def test_a_contract_that_is_in_force_no_more_is_still_searched_and_an_unknown_one_is_told(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}")
    for step in ("deprecate", "retire"):
        getattr(bus.rooms.catalogue.registrar, step)(WARGA, "1.0.0", bus.operator)
    auditor = bus.reader("inspektorat", "audit.read")
    assert len((await search(auditor, contract=WARGA))["disclosures"]) == 1
    answer = await auditor.get(LOG, params={"contract": a_nik(1)})
    assert (answer.status_code, a_nik(1) in answer.text) == (404, False)


NDJSON = {"accept": "application/x-ndjson"}


async def test_an_export_holds_every_disclosure_with_its_positions(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bus.http.api.disclosures._CHUNK", 2)
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(5)])
    for limit in range(1, 6):
        await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}?limit={limit}")
    auditor = bus.reader("inspektorat", "audit.read")
    answer = await auditor.get(LOG, params={"participant": "dinkes"}, headers=NDJSON)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line.pop("positions") for line in lines] == [[[1, last]] for last in (5, 4, 3, 2, 1)]
    assert lines == (await search(auditor, participant="dinkes"))["disclosures"]


async def test_an_export_breaks_off_when_its_token_ends(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    """What came until then must not look whole."""
    monkeypatch.setattr("bus.http.api.disclosures._CHUNK", 1)
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(3)])
    for limit in (1, 2, 3):
        await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}?limit={limit}")
    async with bus.served() as address:
        auditor = bus.reader("inspektorat", "audit.read", address=address)
        searched, find = list[int](), bus.rooms.disclosures.search

        def search_then_revoke(*asked: Any) -> Any:
            searched.append(1)
            if len(searched) == 2:
                client = bus.rooms.participants.list_clients("inspektorat", 1)[0].client_id
                bus.rooms.participants.revoke_client("inspektorat", client, bus.operator)
                bus.rooms.tokens.refresh()
            return find(*asked)

        monkeypatch.setattr(type(bus.rooms.disclosures), "search", lambda _, *asked: search_then_revoke(*asked))
        with pytest.raises(httpx.RemoteProtocolError):
            await auditor.get(LOG, params={"participant": "dinkes"}, headers=NDJSON)
    assert len(searched) == 2


async def test_a_head_of_an_export_reads_nothing(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(bus.rooms.disclosures), "search", None)
    auditor = bus.reader("inspektorat", "audit.read")
    answer = await auditor.head(LOG, params={"participant": "dinkes"}, headers=NDJSON)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")


async def test_a_search_is_in_the_action_log_without_what_was_typed(bus: Bus):
    auditor = bus.reader("inspektorat", "audit.read")
    await search(auditor, subject=a_nik(1), client_id=a_nik(2), purpose=a_nik(3), since="2026-01-01T00:00:00Z")
    await auditor.get(LOG, params={"participant": "dinkes"}, headers=NDJSON)
    first, second = [one for one in actions(bus.rooms.storage) if one.what is Verb.DISCLOSURES_READ]
    assert first.details == {
        "subject": True,
        "by": ["subject", "client_id", "purpose", "since"],
        "further": False,
        "export": False,
    }
    assert (second.on_behalf_of, second.by.participant, (second.details or {})["export"]) == (
        "dinkes",
        "inspektorat",
        True,
    )
