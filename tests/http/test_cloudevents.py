"""CloudEvents 1.0.2: what the gate takes of an envelope, and what receivers get of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bus import json
from bus.http import batches, publish
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

_STRUCTURED = {"content-type": "application/cloudevents+json"}
_BATCH = {"content-type": "application/cloudevents-batch+json"}
ADDRESS = f"https://bus.lamongan.example/v1/contracts/{WARGA}/versions/1.0.0/schema"


@pytest.fixture
async def client(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    """A producer and reader of a contract, at a served bus."""
    contract = a_document(a_grant(OWNER))
    contract["schema"]["properties"] |= {"dataschema": {"type": "string"}, "time": {"type": "string"}}
    bus.apply(contract)
    async with bus.served() as address:
        yield bus.reader(OWNER, "events.publish", "events.read", "contracts.read", address=address)


def _event(**changes: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA, "data": a_person(), **changes}


async def _send(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.post("/v1/events", content=json.dumps(_event(**changes)), headers=_STRUCTURED)


async def _send_binary(
    client: httpx.AsyncClient, media_type: str = "application/json", **headers: str
) -> httpx.Response:
    named = {"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA, **headers}
    fields = {f"ce-{name}": value for name, value in named.items()}
    body = json.dumps(a_person())
    return await client.post("/v1/events", content=body, headers={**fields, "content-type": media_type})


async def _read(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (await client.get(f"/v1/feeds/{WARGA}")).json()["events"]
    return events


def _pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    "time",
    [
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T12:00:60Z",
        "2016-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00Z\n",
    ],
)
async def test_a_time_that_receivers_raise_on_is_refused(client: httpx.AsyncClient, time: str) -> None:
    answer = await _send(client, time=time)
    assert (answer.status_code, _pointers(answer)) == (400, ["/time"])


@pytest.mark.parametrize(
    "time",
    [
        "2024-02-29T00:00:00Z",
        "2026-01-01T00:00:00.1Z",
        "2026-01-01T00:00:00.12345678901234567890Z",
        "2026-01-01T00:00:00-00:00",
        "2026-01-01t23:59:59.5z",
        "1600-02-29T00:00:00+23:59",
    ],
)
async def test_a_time_that_is_accepted_is_read_by_receivers(client: httpx.AsyncClient, time: str) -> None:
    assert (await _send(client, time=time)).status_code == 202
    (event,) = await _read(client)
    assert event["time"] == time.upper()
    datetime.fromisoformat(event["time"]).astimezone(UTC)


@pytest.mark.parametrize(
    "source", ["", "a b", "/uji?a=%zz", "http://[::ffff:01.2.3.4]", "1a:b", "/é", "a\\b", "//a:b", "#a#b"]
)
async def test_a_source_that_is_no_uri_reference_is_refused(client: httpx.AsyncClient, source: str) -> None:
    answer = await _send(client, source=source)
    assert (answer.status_code, _pointers(answer)) == (400, ["/source"])


@pytest.mark.parametrize(
    "source", ["/a", "a", "urn:uuid:6e8bc430", "https://a.example:80/b?c#d", "mailto:a@b.id", "//h/p", "?q", "#f"]
)
async def test_a_source_that_is_a_uri_reference_is_taken(client: httpx.AsyncClient, source: str) -> None:
    assert (await _send(client, source=source)).status_code == 202


@pytest.mark.parametrize("character", ["\ufffe", "\uffff", "\ufdd0", "\ufdef", "\U0001fffe", "\U0010ffff", "\u0085"])
@pytest.mark.parametrize("name", ["id", "subject", "loket", "partitionkey"])
async def test_a_character_that_cloudevents_bars_is_refused(
    client: httpx.AsyncClient, name: str, character: str
) -> None:
    answer = await _send(client, **{name: f"a{character}"})
    assert (answer.status_code, _pointers(answer)) == (400, [f"/{name}"])


async def test_characters_beside_those_that_are_barred_are_taken(client: httpx.AsyncClient) -> None:
    assert (await _send(client, loket="\ufdcf\ufdf0\ufffd\U0001fffd\U0001f600")).status_code == 202


@pytest.mark.parametrize("is_apart", [False, True])
@pytest.mark.parametrize(
    "dataschema",
    ["1.0.0", f"{WARGA}/1.0.0", f"{WARGA}:1.0.0", f"https://lain.example/v1/contracts/{WARGA}/1.0.0", ADDRESS],
)
async def test_a_short_name_of_a_schema_is_handed_out_as_its_address(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, dataschema: str, is_apart: bool
) -> None:
    if is_apart:
        monkeypatch.setattr(publish, "LARGE", 0)
    data = a_person(nama='"dataschema":"1.0.0"')
    assert (await _send(client, dataschema=dataschema, data=data)).status_code == 202
    again = await _send(client, dataschema="1.0.0", data=data)
    assert (again.status_code, again.json()["duplicate"]) == (202, True)
    (event,) = await _read(client)
    assert (event["dataschema"], event["data"]) == (ADDRESS, data)
    # A URI, as CloudEvents asks.
    assert event["dataschema"].startswith("https://")


async def test_a_member_of_the_data_that_is_named_like_an_attribute_stays(client: httpx.AsyncClient, bus: Bus) -> None:
    time = "2026-01-01t00:00:00z"
    assert (
        await _send(client, data=a_person(dataschema="1.0.0", time=time), dataschema="1.0.0", time=time)
    ).status_code == 202
    (event,) = await _read(client)
    assert (event["dataschema"], event["time"]) == (ADDRESS, time.upper())
    assert event["data"] == a_person(dataschema="1.0.0", time=time)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ('"a b"', "a b"),
        ('"a\\"b\\\\"', 'a"b\\'),
        ('"%C3%A9"', "é"),
        ("%22a%22", '"a"'),
        ("%25", "%"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
    ],
)
async def test_a_header_is_unquoted_before_it_is_decoded(client: httpx.AsyncClient, header: str, text: str) -> None:
    assert (await _send_binary(client, id=header)).status_code == 202
    assert [event["id"] for event in await _read(client)] == [text]


@pytest.mark.parametrize("header", ["100%", "%zz", "%2", "%ff", '"a', 'a"b"', '"a" "b"', '"a\\"', "%C3", "%00"])
async def test_a_header_that_cannot_be_decoded_is_refused(client: httpx.AsyncClient, header: str) -> None:
    answer = await _send_binary(client, id=header)
    assert (answer.status_code, _pointers(answer)) == (400, ["/id"])


async def test_an_attribute_that_two_headers_carry_is_refused(client: httpx.AsyncClient) -> None:
    headers = [(f"ce-{name}", value) for name, value in _event().items() if name != "data"]
    for twice in (("ce-id", "2"), ("CE-ID", "1"), ("ce-loket", "1")):
        fields = [*headers, ("ce-loket", "1"), twice, ("content-type", "application/json")]
        answer = await client.post("/v1/events", content=json.dumps(a_person()), headers=fields)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "media_type", ["application/json", "text/json", "application/vnd.a+json; charset=utf-8", "Model/X+JSON"]
)
async def test_json_by_any_name_is_taken(client: httpx.AsyncClient, media_type: str) -> None:
    assert (await _send(client, datacontenttype=media_type)).status_code == 202
    assert (await _send_binary(client, media_type)).json()["duplicate"] is True


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "application/jsonp", "json", "application/a+xml"]
)
async def test_data_that_are_no_json_are_answered_415(client: httpx.AsyncClient, media_type: str) -> None:
    structured, binary = await _send(client, datacontenttype=media_type), await _send_binary(client, media_type)
    assert [(one.status_code, _pointers(one)) for one in (structured, binary)] == [(415, ["/datacontenttype"])] * 2
    event = _event(data_base64="e30=")
    del event["data"]
    coded = await client.post("/v1/events", content=json.dumps(event), headers=_STRUCTURED)
    assert (coded.status_code, _pointers(coded)) == (415, ["/data_base64"])


@pytest.mark.parametrize("is_apart", [False, True])
async def test_the_same_event_in_another_mode_is_a_duplicate(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, is_apart: bool
) -> None:
    if is_apart:
        monkeypatch.setattr(publish, "LARGE", 0)
        monkeypatch.setattr(batches, "LARGE", 0)
        monkeypatch.setattr(batches, "_LARGE_BATCH", 0)
    time = "2026-01-01T00:00:00Z"
    first = await _send(client, tahun=2026, daring=True, time=time, dataschema="1.0.0")
    again = [
        await _send(client, tahun=2026, daring=True, time=time, dataschema=ADDRESS, datacontenttype="application/json"),
        await _send_binary(
            client, "application/json; charset=utf-8", tahun="2026", daring="true", time=time, dataschema="1.0.0"
        ),
    ]
    assert [first.json()["duplicate"], *(one.json()["duplicate"] for one in again)] == [False, True, True]
    event = _event(tahun="2026", daring="true", time=time.lower(), dataschema="1.0.0", datacontenttype="text/json")
    batch = await client.post("/v1/events", content=json.dumps([event]), headers=_BATCH)
    assert (batch.json()["accepted"], batch.json()["duplicates"]) == (0, 1)


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-01-01T00:00:00.50Z",
        "2026-01-01T00:00:00.500000+00:00",
        "2026-01-01t00:00:00.5-00:00",
        "2026-01-01T07:00:00.5+07:00",
        "2025-12-31T23:00:00.5000000000000-01:00",
    ],
)
async def test_the_same_moment_in_another_spelling_is_no_conflict(client: httpx.AsyncClient, spelling: str) -> None:
    await _send(client, time="2026-01-01T00:00:00.5Z")
    again = await _send(client, time=spelling)
    assert (again.status_code, again.json()["duplicate"]) == (202, True)
    assert [event["time"] for event in await _read(client)] == ["2026-01-01T00:00:00.5Z"]


@pytest.mark.parametrize(
    "changes",
    [
        {"time": "2026-01-01T00:00:00.00000000001Z"},
        {"time": "2026-01-01T00:00:00+07:00"},
        {"loket": "2"},
        {"time": "2026-01-01T00:00:01Z"},
        {"datacontenttype": "application/vnd.a+json"},
        {"subject": None},
    ],
)
async def test_an_event_with_another_attribute_is_another_event(
    client: httpx.AsyncClient, changes: dict[str, Any]
) -> None:
    await _send(client, loket="1", time="2026-01-01T00:00:00Z")
    answer = await _send(client, **{"loket": "1", "time": "2026-01-01T00:00:00Z", **changes})
    assert answer.status_code == (202 if changes == {"subject": None} else 409)


@pytest.mark.parametrize("name", ["sequence", "recordedtime", "publisher"])
async def test_what_the_bus_alone_says_is_refused_of_a_producer(client: httpx.AsyncClient, name: str) -> None:
    structured, binary = await _send(client, **{name: "1"}), await _send_binary(client, **{name: "1"})
    assert [(one.status_code, _pointers(one)) for one in (structured, binary)] == [(400, [f"/{name}"])] * 2
    assert a_nik(1) not in structured.text
