"""Numbers: what is accepted comes back with the same value, and all others are refused where they stand."""

import json as slow
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from bus import json
from bus.http import batches, publish
from tests.a_bus import Bus
from tests.builders import OWNER, a_document, a_grant, a_nik

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OPEN = "uji.terbuka"
_PROPERTIES = {"nik": {"type": "string"}, "nilai": {}}
_SCHEMA = {"type": "object", "required": ["nik"], "properties": _PROPERTIES}
_STRUCTURED = {"content-type": "application/cloudevents+json"}
_BATCH = {"content-type": "application/cloudevents-batch+json"}
_BINARY = {"content-type": "application/json", "ce-specversion": "1.0", "ce-source": "/uji", "ce-type": OPEN}

CHANGED = [
    "18446744073709551616",
    "18446744073709551617",
    "-9223372036854775809",
    "9" * 400,
    "0.1000000000000000055511151231257827",
    "0.10000000000000001",
    "12345678901234567.0",
    "1E400",
    "-1e400",
    "1e-400",
    "1e" + "9" * 30,
    "0." + "0" * 400 + "1",
]
KEPT = [
    "18446744073709551615",
    "-9223372036854775808",
    "123456789012345678",
    "100000000000000000000",
    "1.0",
    "1e2",
    "1E+2",
    "0.1",
    "1.10",
    "-0",
    "-0.0",
    "0e999999999",
    "1e308",
    "5e-324",
    "1.7976931348623157e308",
    "112.41234567890123",
    "0.30000000000000004",
]


@pytest.fixture
async def client(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    """A producer and reader of an open contract, at a served bus."""
    bus.apply(a_document(a_grant(OWNER), contract=OPEN, kind="event", key=None, subject="/nik", schema=_SCHEMA))
    async with bus.served() as address:
        yield bus.reader(OWNER, "events.publish", "events.read", "contracts.read", address=address)


def _data(number: str) -> str:
    return f'{{"nik": "{a_nik(1)}", "nilai": [{{"a": {number}}}]}}'


def _event(number: str, id: str = "1") -> str:
    return f'{{"specversion": "1.0", "id": "{id}", "source": "/uji", "type": "{OPEN}", "data": {_data(number)}}}'


def _all_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "LARGE", 0)
    monkeypatch.setattr(batches, "LARGE", 0)
    monkeypatch.setattr(batches, "_LARGE_BATCH", 0)


def _pointers(answer: httpx.Response) -> tuple[int, list[str]]:
    return answer.status_code, [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("is_apart", [False, True])
@pytest.mark.parametrize("number", CHANGED, ids=lambda number: number[:25])
async def test_a_number_that_would_come_back_changed_is_refused(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, number: str, is_apart: bool
) -> None:
    if is_apart:
        _all_is_large(monkeypatch)
    event, data = _event(number).encode(), _data(number).encode()
    structured = await client.post("/v1/events", content=event, headers=_STRUCTURED)
    binary = await client.post("/v1/events", content=data, headers={**_BINARY, "ce-id": "1"})
    batch = await client.post("/v1/events", content=b"[%b]" % event, headers=_BATCH)
    assert _pointers(structured) == _pointers(binary) == (422, ["/data/nilai/0/a"])
    assert structured.json()["type"] == binary.json()["type"] == "urn:bus:problem:number-changed"
    assert _pointers(batch) == (422, ["/0/data/nilai/0/a"])
    assert (await client.get(f"/v1/feeds/{OPEN}")).json()["events"] == []


TEXTS = ["Rp 1.234.567.890.123.456", ":1.2.3.4.5.6.7.8.9.10", ",12345678901234567890123", "[1e999]", " 0.1.2e9999"]


@pytest.mark.parametrize("is_apart", [False, True])
@pytest.mark.parametrize("text", TEXTS)
async def test_a_text_that_looks_like_a_long_number_is_taken_as_it_is(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, text: str, is_apart: bool
) -> None:
    if is_apart:
        _all_is_large(monkeypatch)
    quoted = slow.dumps(text)
    sent = (
        (_event(quoted, "1").encode(), _STRUCTURED),
        (_data(quoted).encode(), {**_BINARY, "ce-id": "2"}),
        (b"[%b]" % _event(quoted, "3").encode(), _BATCH),
    )
    for content, headers in sent:
        answer = await client.post("/v1/events", content=content, headers=headers)
        assert answer.status_code == 202, answer.text
    events = (await client.get(f"/v1/feeds/{OPEN}")).json()["events"]
    assert [event["data"]["nilai"][0]["a"] for event in events] == [text] * 3


@pytest.mark.parametrize("number", CHANGED, ids=lambda number: number[:25])
async def test_validate_says_no_to_a_number_that_publishing_refuses(client: httpx.AsyncClient, number: str) -> None:
    answer = await client.post(f"/v1/contracts/{OPEN}/validate", content=_data(number))
    assert (answer.status_code, answer.json()["valid"]) == (200, False)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/nilai/0/a"]


@pytest.mark.parametrize("is_apart", [False, True])
@pytest.mark.parametrize("number", ["18446744073709551617", "1e400"])
async def test_an_event_with_a_changed_number_does_not_hold_up_the_rest_of_a_batch(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, number: str, is_apart: bool
) -> None:
    if is_apart:
        _all_is_large(monkeypatch)
    batch = f"[{_event('1', 'a')},{_event(number, 'b')},{_event('2', 'c')}]"
    answer = await client.post("/v1/events?partial=true", content=batch, headers=_BATCH)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    rejected = [(one["index"], [error["pointer"] for error in one["errors"]]) for one in answer.json()["rejected"]]
    assert rejected == [(1, ["/data/nilai/0/a"])]
    events = (await client.get(f"/v1/feeds/{OPEN}")).json()["events"]
    assert [event["id"] for event in events] == ["a", "c"]


@pytest.mark.parametrize("is_apart", [False, True])
async def test_an_accepted_number_comes_back_with_its_value(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, is_apart: bool
) -> None:
    if is_apart:
        _all_is_large(monkeypatch)
    for index, number in enumerate(KEPT):
        answer = await client.post("/v1/events", content=_event(number, str(index)), headers=_STRUCTURED)
        assert answer.status_code == 202, number
        verdict = await client.post(f"/v1/contracts/{OPEN}/validate", content=_data(number))
        assert verdict.json()["valid"], number
    page = slow.loads((await client.get(f"/v1/feeds/{OPEN}")).content, parse_int=Decimal, parse_float=Decimal)
    assert [event["data"]["nilai"][0]["a"] for event in page["events"]] == [Decimal(number) for number in KEPT]


@pytest.mark.parametrize(("one", "other", "is_same"), [("1.0", "1", True), ("1e2", "100", True), ("1", "2", False)])
async def test_the_same_number_written_otherwise_is_a_duplicate(
    client: httpx.AsyncClient, one: str, other: str, is_same: bool
) -> None:
    await client.post("/v1/events", content=_event(one), headers=_STRUCTURED)
    answer = await client.post("/v1/events", content=_event(other), headers=_STRUCTURED)
    assert answer.status_code == (202 if is_same else 409)


async def test_true_is_not_the_number_1(client: httpx.AsyncClient) -> None:
    await client.post("/v1/events", content=_event("1"), headers=_STRUCTURED)
    assert (await client.post("/v1/events", content=_event("true"), headers=_STRUCTURED)).status_code == 409


async def test_half_a_surrogate_pair_beside_a_number_beyond_all_floats_is_refused(client: httpx.AsyncClient) -> None:
    batch = "[" + _event("1e400").replace(a_nik(1), "\\ud800") + "]"
    answer = await client.post("/v1/events?partial=true", content=batch, headers=_BATCH)
    assert answer.status_code == 400


async def test_digits_in_a_text_are_no_number(client: httpx.AsyncClient) -> None:
    data: Any = {"nik": a_nik(1), "nilai": "No. 18446744073709551617, 1e400"}
    event = {"specversion": "1.0", "id": "1", "source": "/uji", "type": OPEN, "data": data}
    answer = await client.post("/v1/events", content=b" " + json.dumps(event), headers=_STRUCTURED)
    assert answer.status_code == 202
