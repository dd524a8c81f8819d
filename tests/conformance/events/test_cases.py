"""The cases of CloudEvents' own conformance suite: its JSON format and its HTTP binding, each sent to the bus.

The cases are written anew here, by what is special in each; `docs/conformance.md` has the version that they follow.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest

from bus import json
from tests.a_bus import Bus
from tests.builders import a_public_document
from tests.conformance.a_table import read_row

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Event = dict[str, Any]

TYPE: Final = "uji.kesesuaian"
PRODUCER: Final = "dinas-uji"
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
OPTIONAL: Final = ("datacontenttype", "dataschema", "subject", "time")

VALID: Final[dict[str, Event]] = {
    "no more than it needs": {},
    "optional attributes that are null": dict.fromkeys(OPTIONAL),
    "a time in UTC": {"time": "2018-04-05T17:31:00Z"},
    "a time to the nanosecond": {"time": "2018-04-05T17:31:00.000000000Z"},
    "a time east of Greenwich": {"time": "2018-04-05T18:31:00+01:00"},
    "a time west of Greenwich": {"time": "2018-04-05T16:31:00-01:00"},
    "a source that is a fragment": {"source": "#bagian"},
    "extensions of all types": {
        "extinteger": 10,
        "extboolean": True,
        "extstring": "teks",
        "exturi": "https://dinas-uji.example",
        "exturiref": "//dinas-uji/jalan",
        "exttimestamp": "2023-03-31T15:12:00Z",
        "extbinary": "TWE=",
    },
}
DELIBERATE: Final[dict[str, tuple[Event, int]]] = {
    "a schema of somebody else": ({"dataschema": "https://lain.example/skema"}, 422),
    "data that are plain text": ({"datacontenttype": "text/plain", "data": "teks"}, 415),
}
"""Valid CloudEvents that no contract allows, with the bus's answer."""

_GONE: Final = object()
INVALID: Final[dict[str, Event]] = {
    **{f"no {name}": {name: _GONE} for name in ("specversion", "id", "type", "source")},
    **{
        f"a time that is {what}": {"time": time}
        for what, time in {
            "a word": "siang",
            "without seconds": "2018-04-05T18:31Z",
            "of no zone": "2018-04-05T18:31:00X",
            "too far from UTC": "2018-04-05T18:31:00+25:00",
            "of a zone without digits": "2018-04-05T18:31:00+xx:00",
            "of a zone without minutes": "2018-04-05T18:31:00+05",
        }.items()
    },
    **{
        f"an empty {name}": {name: ""}
        for name in ("id", "type", "source", "specversion", "datacontenttype", "dataschema", "subject")
    },
    "another version": {"specversion": "0.9"},
    "a media type that is none": {"datacontenttype": "xyz"},
    "an id that is a number": {"id": 25},
    "an id that is an object": {"id": {"a": "b"}},
    "an extension with a capital": {"MyExtension": "x"},
    "an extension with a point": {"my.extension": "x"},
    "an extension that is a fraction": {"ekstensi": 1.5},
    "data twice": {"data_base64": "e30="},
}
GOOD: Final[Event] = {"specversion": "1.0", "id": "1", "type": TYPE, "source": "https://dinas-uji.example", "data": {}}
INVALID_BATCHES: Final[dict[str, list[Any]]] = {
    "two versions of CloudEvents": [GOOD, {**GOOD, "id": "2", "specversion": "0.9"}],
    "an event without an id": [{name: value for name, value in GOOD.items() if name != "id"}],
    "a text instead of an event": ["bukan objek", GOOD],
}
VALID_BATCHES: Final[dict[str, list[Event]]] = {"no event": [], "one event": [GOOD], "two": [GOOD, {**GOOD, "id": "2"}]}
MEDIA_TYPES: Final = {
    "binary": ("application/json", "application/json; charset=utf-8"),
    "structured": (STRUCTURED, f"{STRUCTURED}; charset=utf-8"),
}


@pytest.fixture
async def client(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    """A producer and reader, at a bus whose contract allows any data."""
    bus.apply(a_public_document(TYPE, PRODUCER, PRODUCER, kind="event", schema={"type": "object"}))
    async with bus.served() as address:
        yield bus.reader(PRODUCER, "events.publish", "events.read", address=address)


def _event(changes: Event) -> Event:
    return {name: value for name, value in {**GOOD, **changes}.items() if value is not _GONE}


async def _send(client: httpx.AsyncClient, body: Any, media_type: str = STRUCTURED, **headers: str) -> httpx.Response:
    fields = {"content-type": media_type, **headers}
    return await client.post("/v1/events", content=json.dumps(body), headers=fields)


async def _read(client: httpx.AsyncClient) -> list[Event]:
    events: list[Event] = (await client.get(f"/v1/feeds/{TYPE}")).json()["events"]
    added = ("sequence", "recordedtime")
    return [{name: value for name, value in event.items() if name not in added} for event in events]


@pytest.mark.parametrize("changes", VALID.values(), ids=VALID.keys())
async def test_a_valid_event_is_taken_and_handed_out_as_it_came(client: httpx.AsyncClient, changes: Event) -> None:
    answer = await _send(client, _event(changes))
    assert answer.status_code == 202, answer.text
    assert await _read(client) == [{name: value for name, value in _event(changes).items() if value is not None}]


@pytest.mark.parametrize(("changes", "status"), DELIBERATE.values(), ids=DELIBERATE.keys())
async def test_a_valid_event_that_no_contract_allows_is_refused(
    client: httpx.AsyncClient, changes: Event, status: int
) -> None:
    assert (await _send(client, _event(changes))).status_code == status
    assert await _read(client) == []


@pytest.mark.parametrize("changes", INVALID.values(), ids=INVALID.keys())
async def test_an_invalid_event_is_refused_with_a_pointer(client: httpx.AsyncClient, changes: Event) -> None:
    answer = await _send(client, _event(changes))
    assert answer.status_code in (400, 415)
    assert {error["pointer"] for error in answer.json()["errors"]} >= {f"/{name}" for name in changes}
    assert await _read(client) == []


@pytest.mark.parametrize("batch", VALID_BATCHES.values(), ids=VALID_BATCHES.keys())
async def test_a_valid_batch_is_taken(client: httpx.AsyncClient, batch: list[Event]) -> None:
    answer = await _send(client, batch, BATCH)
    assert (answer.status_code, answer.json()["accepted"]) == (202, len(batch))
    assert await _read(client) == batch


@pytest.mark.parametrize("batch", INVALID_BATCHES.values(), ids=INVALID_BATCHES.keys())
async def test_of_an_invalid_batch_nothing_is_taken(client: httpx.AsyncClient, batch: list[Any]) -> None:
    assert (await _send(client, batch, BATCH)).status_code == 422
    assert await _read(client) == []


@pytest.mark.parametrize("media_type", MEDIA_TYPES["binary"])
async def test_a_request_in_binary_mode_is_an_event(client: httpx.AsyncClient, media_type: str) -> None:
    attributes = {"specversion": "1.0", "id": "1234", "type": TYPE, "source": "/a/b", "time": "2018-04-05T03:56:24Z"}
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    assert (await _send(client, {"message": "Halo"}, media_type, **headers)).status_code == 202
    assert await _read(client) == [{**attributes, "datacontenttype": media_type, "data": {"message": "Halo"}}]


@pytest.mark.parametrize("media_type", MEDIA_TYPES["structured"])
async def test_a_request_in_structured_mode_is_an_event(client: httpx.AsyncClient, media_type: str) -> None:
    event = {**GOOD, "time": "2018-04-05T03:56:24Z", "datacontenttype": "application/json", "data": {"message": "Halo"}}
    assert (await _send(client, event, media_type)).status_code == 202
    assert await _read(client) == [event]


def test_the_table_says_what_runs(database_url: str) -> None:
    kinds = (VALID, DELIBERATE, INVALID, VALID_BATCHES, INVALID_BATCHES)
    cases = sum(map(len, kinds)) + sum(map(len, MEDIA_TYPES.values()))
    row = read_row("CloudEvents conformance, JSON format and HTTP binding")
    assert (row.cases, row.passed) == (cases, cases - len(DELIBERATE))
