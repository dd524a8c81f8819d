"""Attacks on filters and other JSON of a caller's choice: what cannot be judged, and what cannot be written down."""

from typing import Any

import httpx
import pytest

from tests.a_bus import Bus
from tests.an_agency import AnAdapter, join
from tests.builders import WARGA, Document, a_document, a_grant, a_nik

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SUBSCRIPTIONS = "/v1/subscriptions"
HOOK = {"url": "http://127.0.0.1:1027/hook"}
SCHEMA: Document = {
    "type": "object",
    "properties": {"nik": {"type": "string"}, "kelas": {}, "desa": {"type": "string"}},
    "required": ["nik"],
}
ROWS = {
    "not exact": {"not": {"exact": {"kelas": "3"}}},
    "not prefix": {"not": {"prefix": {"kelas": "3"}}},
    "not suffix": {"not": {"suffix": {"kelas": "3"}}},
    "not any": {"not": {"any": [{"exact": {"kelas": "3"}}, {"exact": {"kelas": "4"}}]}},
    "not all": {"not": {"all": [{"exact": {"kelas": "3"}}, {"prefix": {"nik": "3524"}}]}},
}
ESCAPES: dict[str, Any] = {
    "a float": 3.0,
    "an exponent": 3e0,
    "an array": ["3"],
    "an object": {"3": "3"},
    "null": None,
    "nothing": ...,
}


@pytest.mark.parametrize("kelas", ESCAPES.values(), ids=ESCAPES)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_a_row_filter_does_not_show_what_it_cannot_judge(bus: Bus, row: Document, kelas: Any) -> None:
    bus.apply(a_document(a_grant("bapenda", rows=[row]), schema=SCHEMA))
    data = {"nik": a_nik(1)} | ({} if kelas is ... else {"kelas": kelas})
    position = await bus.publish(data)
    await bus.publish({"nik": a_nik(2), "kelas": "biasa"})
    http = bus.reader("bapenda")
    assert [event["subject"] for event in (await http.get(f"/v1/feeds/{WARGA}")).json()["events"]] == [a_nik(2)]
    assert (await http.get(f"/v1/records/{WARGA}/{a_nik(1)}")).status_code == 404
    assert (await http.get(f"/v1/events/{position}")).status_code == 404


@pytest.fixture
async def http(bus: Bus) -> httpx.AsyncClient:
    """An app that subscribes; its grant masks the key and names one attribute."""
    join(bus, AnAdapter())
    bus.apply(a_document(a_grant("bapenda", mask={"/nik": "pseudonym"}), attributes=["tahun"]))
    return bus.reader("bapenda", "subscriptions.manage", "events.read")


@pytest.mark.parametrize("name", ["loket", "traceparent", "tracestate"])
async def test_nobody_filters_by_an_attribute_that_its_grant_hides(http: httpx.AsyncClient, name: str) -> None:
    filters = [{"not": {"any": [{"exact": {"tahun": "2026"}}, {"prefix": {name: "3524"}}]}}]
    answer = await http.post(SUBSCRIPTIONS, json={"contracts": [WARGA], "sink": HOOK, "filters": filters})
    places = [error["pointer"] for error in answer.json()["errors"]]
    assert (answer.status_code, places) == (422, [f"/filters/0/not/any/1/prefix/{name}"])
    made = await http.post(SUBSCRIPTIONS, json={"contracts": [WARGA], "sink": HOOK})
    changed = await http.patch(f"{SUBSCRIPTIONS}/{made.json()['id']}", json={"filters": filters})
    assert (changed.status_code, changed.json()["type"]) == (422, "urn:bus:problem:filter-invalid")


async def test_a_filter_by_what_is_shown_is_taken(http: httpx.AsyncClient) -> None:
    filters = [{"exact": {"tahun": "2026"}}, {"prefix": {"type": "kependudukan."}}, {"exact": {"subject": "a"}}]
    answer = await http.post(SUBSCRIPTIONS, json={"contracts": [WARGA], "sink": HOOK, "filters": filters})
    assert answer.status_code == 201, answer.text


HUGE, HALF, DEEP = "1" + "0" * 30, '"\\ud800"', "[" * 900 + "]" * 900
DEEPER = "[" * 100_000 + "]" * 100_000
ODD = {
    "huge": HUGE,
    "a huge fraction": "1e999",
    "half a surrogate pair": HALF,
    "deep": DEEP,
    "deeper": DEEPER,
    "NaN": "NaN",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize(
    "text",
    [
        '{"contracts":["kependudukan.warga"],"sink":{"url":"http://127.0.0.1:1027/"},"filters":[{"exact":{"subject":ODD}}]}',
        '{"contracts":["kependudukan.warga"],"sink":{"url":"http://127.0.0.1:1027/"},"filters":[{"not":ODD}]}',
        '{"contracts":["kependudukan.warga"],"sink":{"url":"http://127.0.0.1:1027/"},"filters":[ODD]}',
        '{"contracts":["kependudukan.warga"],"sink":{"url":"http://127.0.0.1:1027/"},"filters":ODD}',
        '{"contracts":["kependudukan.warga"],"sink":{"url":"http://127.0.0.1:1027/"},"from":ODD}',
        '{"contracts":["kependudukan.warga"],"sink":{"url":"http://127.0.0.1:1027/"},"ordered_by":ODD}',
        '{"contracts":["kependudukan.warga"],"sink":{"url":ODD}}',
        '{"contracts":["kependudukan.warga"],"sink":{"adapter":ODD,"operation":ODD}}',
        '{"contracts":[ODD],"sink":{"url":"http://127.0.0.1:1027/"}}',
        '{"contracts":["kependudukan.warga"],"sink":{"url":"http://127.0.0.1:1027/"},"participant":ODD}',
        "ODD",
    ],
)
async def test_no_subscription_is_answered_500(http: httpx.AsyncClient, text: str, odd: str) -> None:
    answer = await http.post(SUBSCRIPTIONS, content=text.replace("ODD", odd), headers=JSON)
    assert 400 <= answer.status_code < 500, answer.text


JSON = {"content-type": "application/json"}
FILTERED = '{"filters":[{"exact":{"subject":ODD}}]}'


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_no_change_and_no_replay_is_answered_500(http: httpx.AsyncClient, odd: str) -> None:
    made = (await http.post(SUBSCRIPTIONS, json={"contracts": [WARGA], "sink": HOOK})).json()
    url = f"{SUBSCRIPTIONS}/{made['id']}"
    filters = await http.patch(url, content=FILTERED.replace("ODD", odd), headers=JSON)
    replay = await http.post(f"{url}/replay", content='{"from":ODD}'.replace("ODD", odd), headers=JSON)
    assert {400, 409, 413, 422} >= {filters.status_code, replay.status_code}


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_no_replay_from_the_ends_of_time_is_answered_500(http: httpx.AsyncClient, start: str) -> None:
    made = (await http.post(SUBSCRIPTIONS, json={"contracts": [WARGA], "sink": HOOK})).json()
    answer = await http.post(f"{SUBSCRIPTIONS}/{made['id']}/replay", json={"from": start})
    assert answer.status_code in (202, 400, 409), answer.text


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_no_other_body_is_answered_500(bus: Bus, http: httpx.AsyncClient, odd: str) -> None:
    everything = ["admin", "contracts.read", "contracts.write", "queries.call", "events.publish"]
    operator = bus.reader("operator", *everything)
    bodies = {
        "/v1/participants": '{"name":ODD,"title":ODD,"kind":"app"}',
        "/v1/participants/bapenda/clients": '{"scopes":["events.read"],"jwks":{"keys":[ODD],"x":ODD}}',
        "/v1/participants/bapenda/clients#": '{"scopes":[ODD]}',
        "/v1/contracts": "ODD",
        "/v1/contracts#": '{"contract":ODD,"schema":ODD}',
        "/v1/contracts/check": '{"document":ODD,"against":[ODD]}',
        f"/v1/contracts/{WARGA}/validate": "ODD",
        f"/v1/contracts/{WARGA}/validate#": '{"nik":ODD}',
        f"/v1/queries/{WARGA}": '{"nik":ODD}',
    }
    for path, body in bodies.items():
        answer = await operator.post(path.rstrip("#"), content=body.replace("ODD", odd), headers=JSON)
        assert answer.status_code < 500, (path, answer.text)


@pytest.mark.parametrize("cursor", ["MQ==", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "7aCA", "AA==", "\ud7ff", "%00"])
async def test_no_cursor_is_answered_500(http: httpx.AsyncClient, cursor: str) -> None:
    for path in (SUBSCRIPTIONS, "/v1/deliveries", f"/v1/feeds/{WARGA}", f"/v1/records/{WARGA}"):
        answer = await http.get(path, params={"after": cursor})
        assert answer.status_code < 500, (path, answer.text)
