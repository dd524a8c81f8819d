"""Payloads that mean harm to a good schema: each is refused, or taken in one reading, soon and without harm to the bus."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bus import json
from tests.a_bus import Bus
from tests.builders import OWNER, a_document, a_grant, a_nik

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OPEN = "uji.terbuka"
_SECONDS = 10
_STRUCTURED = {"content-type": "application/cloudevents+json"}
_BATCH = {"content-type": "application/cloudevents-batch+json"}
_EVENT = '{"specversion":"1.0","id":"%s","source":"/uji","type":"' + OPEN + '","data":%s}'
_SCHEMA = {
    "type": "object",
    "required": ["nik"],
    "properties": {
        "nomor": {"type": "string", "maxLength": 40},
        "nik": {"type": "string"},
        "jumlah": {"type": "integer"},
        "nilai": {"type": "number"},
        "kode": {"type": "string", "pattern": "^[a-z]+$"},
        "surel": {"type": "string", "format": "email"},
        "daftar": {"type": "array", "uniqueItems": True},
        "baris": {"type": "array", "items": {"type": "object", "required": list("abcdefghij")}},
        "teks": {"type": "array", "items": {"type": "string"}},
        "nama": {"propertyNames": {"maxLength": 3}},
        "pohon": {"$ref": "#/$defs/pohon"},
        "lain": {"type": "object", "additionalProperties": {}},
    },
    "$defs": {"pohon": {"type": "object", "properties": {"anak": {"$ref": "#/$defs/pohon"}}}},
}


@pytest.fixture
async def client(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    """A producer and reader of an open contract, at a served bus."""
    contract = a_document(a_grant(OWNER), contract=OPEN, kind="event", key=None, subject="/nik", schema=_SCHEMA)
    bus.apply(contract)
    async with bus.served() as address:
        yield bus.reader(OWNER, "events.publish", "events.read", "contracts.read", address=address)


async def _send(client: httpx.AsyncClient, data: str | bytes, id: str = "1") -> httpx.Response:
    """Publish data, completed with the identifier that they need."""
    text = data if isinstance(data, bytes) else data.encode()
    if text.startswith(b"{") and b'"nik"' not in text:
        text = b'{"nik":"%s"%s%s' % (a_nik(1).encode(), b"," if len(text) > 2 else b"", text[1:])
    event = _EVENT.encode() % (id.encode(), text)
    began = time.process_time()
    answer = await client.post("/v1/events", content=event, headers=_STRUCTURED)
    assert time.process_time() - began < _SECONDS
    return answer


def _object(**members: Any) -> bytes:
    return json.dumps(members)


def _tree(levels: int) -> str:
    return '{"pohon":' + '{"anak":' * levels + "{}" + "}" * (levels + 1)


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (400, "[" * 900 + "]" * 900),
        (400, "[" * 100_000),
        (400, _tree(500)),
        (422, '{"nilai":1e400}'),
        (422, '{"nilai":1e-400}'),
        (422, '{"nilai":' + "9" * 400 + "}"),
        (422, '{"nilai":' + "9" * 100_000 + "}"),
        (422, '{"nilai":1e' + "9" * 100_000 + "}"),
        (400, '{"nilai":NaN}'),
        (400, '{"nilai":-Infinity}'),
        (400, '{"nilai":01}'),
        (400, '{"nomor":"\\ud800"}'),
        (400, b'{"nomor":"\xc0\xaf"}'),
        (400, b'{"nomor":"\xed\xa0\x80"}'),
        (400, b'{"nomor":"\x00"}'),
        (400, '{"nomor":"\\u0000"}'),
        (400, '{"lain":[{"a\\u0000":1}]}'),
        (400, '{"nomor":"a","nomor":"b"}'),
        (400, '{"nomor":5,"n\\u006fmor":"b"}'),
        (400, '{"lain":{"a":1,"a":1},"nomor":"\\u003a"}'),
        (400, '{"lain":{"a":1,"a":1},"nomor":"\\u003A"}'),
        (422, _object(jumlah=0.5)),
        (422, '{"jumlah":"1E5"}'),
        (422, _object(kode="a" * 500_000 + "!")),
        (422, _object(surel="a@" * 250_000)),
        (422, _object(daftar=[*range(100_000), 0])),
        (422, _object(baris=[{}] * 100_000)),
        (422, _object(teks=list(range(150_000)))),
        (422, _object(nama={f"nama{n}": n for n in range(50_000)})),
        (400, _object(nik="3524\x00")),
        (422, _object(nik="3" * 10_000)),
        (413, _object(nomor="x" * 2_000_000)),
    ],
    ids=lambda given: str(given)[:30],
)
async def test_a_hostile_payload_is_refused_with_a_short_problem(
    client: httpx.AsyncClient, status: int, data: str | bytes
) -> None:
    answer = await _send(client, data)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert len(answer.content) < 20_000


@pytest.mark.parametrize(
    ("data", "reading"),
    [
        ('{"nomor" : "a:\\u003a\\\\", "lain": {"nomor":"\\":"}}', None),
        ('{"jumlah":-0}', {"jumlah": 0}),
        ('{"jumlah":1E5}', {"jumlah": 100000}),
        ('{"jumlah":18446744073709551615}', {"jumlah": 18446744073709551615}),
        ('{"nomor":"\\\\u0000"}', {"nomor": "\\u0000"}),
        ('{"nomor":"\\ud83d\\ude00"}', {"nomor": "😀"}),
        (_tree(40), None),
        (_object(lain={f"k{n}": n for n in range(50_000)}), None),
        (_object(daftar=list(range(100_000))), None),
        (_object(kode="a" * 500_000), None),
    ],
    ids=lambda given: str(given)[:30],
)
async def test_what_a_consumer_gets_is_what_was_validated(
    client: httpx.AsyncClient, data: str | bytes, reading: Any
) -> None:
    answer = await _send(client, data)
    assert answer.status_code == 202
    page = await client.get(f"/v1/feeds/{OPEN}")
    assert [event["data"] for event in page.json()["events"]] == [{"nik": a_nik(1)} | (reading or json.loads(data))]


async def test_a_member_that_is_there_twice_is_pointed_at(client: httpx.AsyncClient) -> None:
    answer = await _send(client, '{"lain":[1,{"a":1,"b":2,"a":1}]}')
    assert answer.json()["errors"] == [{"pointer": "/data/lain/1", "detail": "has a member twice"}]


async def test_a_member_that_is_there_twice_is_refused_in_every_mode(client: httpx.AsyncClient) -> None:
    data = f'{{"nik":"{a_nik(1)}","nik":"{a_nik(1)}"}}'.encode()
    binary = await client.post("/v1/events", content=data, headers=_binary())
    event = _EVENT.encode() % (b"1", data)
    batch = await client.post("/v1/events", content=b"[%b]" % event, headers=_BATCH)
    tried = await client.post(f"/v1/contracts/{OPEN}/validate", content=data)
    assert [one.status_code for one in (binary, batch, tried)] == [400, 400, 400]
    assert batch.json()["errors"][0]["pointer"] == "/0/data"


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf{}", b"", b"null", b"[]", b'"a"', b"{}", b"{} {}", b"\x00"])
async def test_what_is_no_event_is_refused(client: httpx.AsyncClient, text: bytes) -> None:
    answer = await client.post("/v1/events", content=text, headers=_STRUCTURED)
    assert answer.status_code == 400


@pytest.mark.parametrize("id", ["\\u0000", "a\\nb", "\\u007f", "\\u009f", "x" * 1025, ""], ids=repr)
async def test_an_id_that_is_no_text_is_refused(client: httpx.AsyncClient, id: str) -> None:
    answer = await _send(client, "{}", id)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/id")


def _binary(**changes: str) -> dict[str, str]:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/uji", "ce-type": OPEN}
    return headers | {"content-type": "application/json"} | {f"ce-{name}": value for name, value in changes.items()}


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "%0d%0aset-cookie: a=b"},
        {"id": "%00"},
        {"id": "%ff"},
        {"id": "%c0%af"},
        {"id": "%ed%a0%80"},
        {"subject": "a%0Ab"},
        {"sequence": "1"},
        {"data": "{}"},
        {"data_base64": "e30="},
        {"Nama-Lain": "x"},
        {"datacontenttype": "text/html"},
        {"specversion": "0.3"},
        {"time": "kemarin"},
        {"x" * 65: "y"},
    ],
    ids=str,
)
async def test_a_header_that_smuggles_something_is_refused(client: httpx.AsyncClient, changes: dict[str, str]) -> None:
    answer = await client.post("/v1/events", content=_object(nik=a_nik(1)), headers=_binary(**changes))
    assert answer.status_code == 400


async def test_a_batch_of_hostile_events_is_answered_soon(client: httpx.AsyncClient) -> None:
    wrong = _EVENT % ("%d", json.dumps({"nik": a_nik(1), "teks": [5] * 8000}).decode())
    batch = ",".join(wrong % number for number in range(300))
    headers = {"content-type": "application/cloudevents-batch+json"}
    began = time.process_time()
    answer = await client.post("/v1/events?partial=true", content=f"[{batch}]", headers=headers)
    assert time.process_time() - began < _SECONDS
    assert len(answer.json()["rejected"]) == 300


@pytest.mark.parametrize(("levels", "status"), [(61, 202), (62, 400), (260, 400), (900, 400)])
async def test_a_batch_is_nested_as_deep_as_an_event_with_the_array_around_it(
    client: httpx.AsyncClient, levels: int, status: int
) -> None:
    nested = f'{{"nik":"{a_nik(1)}",{_tree(levels)[1:]}'
    events = ",".join(_EVENT % (number, data) for number, data in enumerate((_object(nik=a_nik(2)).decode(), nested)))
    assert (await client.post("/v1/events", content=f"[{events}]", headers=_BATCH)).status_code == status
    assert (await _send(client, nested)).status_code == (202 if levels < 63 else 400)


async def test_data_that_are_tried_out_are_bounded_like_events(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"/v1/contracts/{OPEN}/validate", content="[" * 900 + "]" * 900)
    assert answer.status_code == 400


async def test_the_bus_takes_good_events_afterwards(client: httpx.AsyncClient) -> None:
    for data in (_tree(500), _object(teks=list(range(150_000)))):
        await _send(client, data)
    assert (await _send(client, _object(nik=a_nik(1)))).status_code == 202
