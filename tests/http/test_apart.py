"""An event is judged alike in the event loop and apart from it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bus import json
from bus.heavy import Here, Job
from bus.http import batches, publish
from bus.http.edge import create_edge
from bus.http.health import Health
from bus.journal import apart
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

_PLAIN = {"specversion": "1.0", "source": "/uji", "type": WARGA}
_STRUCTURED = {"content-type": "application/cloudevents+json"}
_BATCH = {"content-type": "application/cloudevents-batch+json"}


def _event(**changes: Any) -> bytes:
    return json.dumps({**_PLAIN, "id": "1", "data": a_person(), **changes})


_TEXTS = {
    "a record": _event(),
    "a record with its key as subject": _event(subject=a_nik(1)),
    "another subject": _event(subject=a_nik(2)),
    "a deletion": _event(subject=a_nik(1), data=None),
    "a deletion without a subject": _event(data=None),
    "no data": json.dumps({**_PLAIN, "id": "1", "subject": a_nik(1)}),
    "no key": _event(data={"nama": "Rekaan"}),
    "an empty key": _event(data={"nik": ""}),
    "wrong data": _event(data={"nik": 5, "nama": []}),
    "data that are no object": _event(data="x"),
    "an attribute that is null": _event(time=None),
    "wrong attributes": _event(id="", time="kemarin"),
    "an unknown contract": _event(type="tidak.ada"),
    "an unknown version": _event(dataschema="9.9.9"),
    "NUL": _event(data=a_person(nama="a\0")),
    "NUL in wrong data": _event(data={"nik": 5, "nama": "a\0"}),
    "a member twice": _event().replace(b'"nama"', b'"nik"'),
    "nested too deep": _event(data=json.loads("[" * 80 + "]" * 80)),
    "no JSON": b"{",
    "no object": b"[1]",
    "blanks": b"  " + _event() + b"\n ",
}


@pytest.fixture
async def client(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    bus.apply(a_document(a_grant(OWNER)))
    async with bus.served() as address:
        yield bus.reader(OWNER, "events.publish", "events.read", address=address)


async def _told(client: httpx.AsyncClient, text: bytes, headers: dict[str, str], id: str) -> tuple[int, Any]:
    """The answer without its position, or the event as it is stored without what the bus adds and its id."""
    answer = await client.post(
        "/v1/events", content=text.replace(b'"id":"1"', b'"id":"%b"' % id.encode()), headers=headers
    )
    if answer.status_code != 202:
        return answer.status_code, answer.json()
    position = answer.json().get("position") or answer.json()["last_position"]
    event = (await client.get(f"/v1/events/{position}")).json()["event"]
    return 202, {name: value for name, value in event.items() if name not in ("id", "sequence", "recordedtime")}


def _all_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "LARGE", 0)
    monkeypatch.setattr(batches, "LARGE", 0)
    monkeypatch.setattr(batches, "_LARGE_BATCH", 0)
    assert apart.LARGE


@pytest.mark.parametrize("name", _TEXTS)
async def test_an_event_is_judged_alike(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    here = await _told(client, _TEXTS[name], _STRUCTURED, "here")
    _all_is_large(monkeypatch)
    assert await _told(client, _TEXTS[name], _STRUCTURED, "there") == here


@pytest.mark.parametrize("name", _TEXTS)
async def test_a_batch_is_judged_alike(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    batch = b"[%b,%b]" % (_event(id="other", data=a_person(7)), _TEXTS[name])
    here = await _told(client, batch.replace(b"other", b"other-1"), _BATCH, "here")
    _all_is_large(monkeypatch)
    assert await _told(client, batch.replace(b"other", b"other-2"), _BATCH, "there") == here


@pytest.mark.parametrize("data", [json.dumps(a_person()), b'{"nik":5}', b'{"nik":"a","nik":"b"}', b"{", b"null"])
async def test_an_event_in_headers_is_judged_alike(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    headers = {f"ce-{name}": value for name, value in _PLAIN.items()} | {"content-type": "application/json"}
    here = await _told(client, data, headers | {"ce-id": "here"}, "")
    _all_is_large(monkeypatch)
    assert await _told(client, data, headers | {"ce-id": "there"}, "") == here


async def test_the_publishers_trace_is_kept_alike(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    here = await _told(client, _event(), _STRUCTURED | {"traceparent": trace}, "here")
    _all_is_large(monkeypatch)
    assert await _told(client, _event(), _STRUCTURED | {"traceparent": trace}, "there") == here
    assert here[1]["traceparent"] == trace


async def test_attributes_of_a_large_event_are_bounded(client: httpx.AsyncClient) -> None:
    many = {f"a{number}": "x" * 1000 for number in range(100)}
    status, told = await _told(client, _event(**many), _STRUCTURED, "1")
    assert (status, told["type"]) == (400, "urn:bus:problem:event-malformed")


class Noting(Here):
    """Runs heavy work, and notes which."""

    def __init__(self) -> None:
        self.jobs: list[str] = []

    async def run(self, job: Job, *parts: bytes, who: str) -> bytes:
        self.jobs.append(job.__name__)
        return await super().run(job, *parts, who=who)


async def test_an_event_of_a_schema_that_asks_for_much_is_checked_apart(bus: Bus) -> None:
    forms = [{"properties": {"nik": {"const": str(number)}}} for number in range(900)]
    schema = {"type": "object", "properties": {"nik": {"type": "string"}}, "required": ["nik"], "anyOf": forms}
    bus.apply(a_document(contract="uji.pilihan", schema=schema))
    heavy = Noting()
    bus.rooms = replace(bus.rooms, heavy=heavy)
    bus.edge = create_edge(bus.rooms, Health({}))
    async with bus.served() as address:
        client = bus.reader(OWNER, "events.publish", address=address)
        for nik, status in (("7", 202), ("x", 422)):
            event = _event(type="uji.pilihan", data={"nik": nik, "lain": "y" * 500})
            answer = await client.post("/v1/events", content=event, headers=_STRUCTURED)
            assert answer.status_code == status
    assert heavy.jobs == ["check_data"] * 2
