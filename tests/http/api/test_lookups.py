"""Looking a person up, opening an event, and inquiries over HTTP."""

from typing import Any

import httpx
import pytest

from bus.identity import Scope
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LOOKUPS = "/v1/disclosures/lookups"
ORDER = {"subject": a_nik(1), "reason": "surat pemohon nomor 12"}


async def take(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_lookup_is_in_its_answer_with_its_reason(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}")
    auditor = bus.reader("inspektorat", "audit.read")
    first = await take(await auditor.post(LOOKUPS, json=ORDER, params={"limit": 1}))
    (told,) = first["disclosures"]
    assert (told["channel"], told["contract"], told["purpose"]) == ("lookup", None, ORDER["reason"])
    rest = await take(await auditor.post(LOOKUPS, json=ORDER, params={"after": first["next"]}))
    assert [one["participant"] for one in rest["disclosures"]] == ["dinkes"]
    later = await take(await auditor.get("/v1/disclosures", params={"channel": "lookup"}))
    assert [one["times"] for one in later["disclosures"]] == [2]


async def test_a_lookup_needs_the_scope_and_a_reason(bus: Bus):
    assert (await bus.reader("dinkes").post(LOOKUPS, json=ORDER)).status_code == 403
    auditor = bus.reader("inspektorat", "audit.read")
    assert (await auditor.post(LOOKUPS, json={"subject": a_nik(1)})).status_code == 400
    refused = await take(await auditor.post(LOOKUPS, json=ORDER | {"reason": " "}), 422)
    assert refused["type"].endswith(":reason-missing")
    (search,) = (await take(await auditor.get("/v1/disclosures", params={"subject": a_nik(1)})))["disclosures"]
    # Only the search itself, which is a disclosure too.
    assert (search["channel"], search["purpose"] != ORDER["reason"]) == ("lookup", True)


async def test_the_operator_opens_an_event_that_no_grant_shows_it(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    position = await bus.publish(a_person(1))
    path, why = f"/v1/events/{position}/open", {"reason": "keluhan nomor 3"}
    shown = await take(await bus.reader("operator", *Scope).post(path, json=why))
    assert shown["event"]["data"] == a_person(1)
    assert (await bus.reader("operator", "events.read").post(path, json=why)).status_code == 404
    assert (await take(await bus.reader(OWNER).post(path, json=why)))["event"]["data"] == a_person(1)


async def test_an_inquiry_is_opened_listed_and_closed(bus: Bus):
    auditor = bus.reader("ppid", "audit.read")
    received = {"received_at": "2020-01-01T00:00:00+07:00"}
    assert (await take(await auditor.post("/v1/inquiries", json=ORDER | received), 422))["errors"][0]["pointer"] == (
        "/received_at"
    )
    made = await take(await auditor.post("/v1/inquiries", json=ORDER), 201)
    assert (made["subject"], made["closed_at"]) == ("•" * 12 + "0001", None)
    path = f"/v1/inquiries/{made['number']}"
    assert await take(await auditor.get(path)) == made
    assert (await take(await auditor.get("/v1/inquiries", params={"open": "true"})))["inquiries"] == [made]
    closed = await take(await auditor.post(f"{path}/close", json={"note": "diserahkan"}))
    assert closed["note"] == "diserahkan"
    assert (await take(await auditor.get("/v1/inquiries", params={"open": "true"})))["inquiries"] == []
    assert (await auditor.post(f"{path}/close", json={"note": "lagi"})).status_code == 409
    assert (await auditor.get("/v1/inquiries/99")).status_code == 404
