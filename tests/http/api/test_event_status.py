"""What became of an event: told to who sent it, by source and id, and to nobody else."""

from typing import Any

import httpx
import pytest

from bus import json
from bus.refusals.recent import KEPT_EACH
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, Document, a_document, a_grant, a_nik, an_event

PATH = "/v1/events/status"
EVENT = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
_REQUIRED = ("specversion", "id", "source", "type")
NOBODY: Document = {"state": "unknown"} | dict.fromkeys(("position", "recorded_at", "contract", "version", "refusal"))


@pytest.fixture
async def sender(bus: Bus) -> httpx.AsyncClient:
    """The owner's client."""
    bus.apply(a_document(a_grant("bapenda")))
    return bus.reader(OWNER, "events.publish")


async def send(http: httpx.AsyncClient, event: Any) -> httpx.Response:
    headers = BATCH if isinstance(event, list) else EVENT
    return await http.post("/v1/events", content=json.dumps(event), headers=headers)


async def status(http: httpx.AsyncClient, event: Document, **parameters: str) -> Document:
    answer = await http.get(PATH, params={"source": event["source"], "id": event["id"], **parameters})
    assert answer.status_code == 200, answer.text
    told: Document = answer.json()
    return told


async def test_a_stored_event_is_told_with_its_position_time_and_contract(sender: httpx.AsyncClient):
    event = an_event()
    position = (await send(sender, event)).json()["position"]
    told = await status(sender, event)
    assert told == NOBODY | {
        "state": "stored",
        "position": position,
        "recorded_at": told["recorded_at"],
        "contract": WARGA,
        "version": "1.0.0",
    }
    assert told["recorded_at"].endswith("Z")


async def test_a_refused_event_is_told_with_its_refusal_and_without_a_value(bus: Bus, sender: httpx.AsyncClient):
    event = an_event(data={"nik": 5, a_nik(7): "x"})
    assert (await send(sender, event)).status_code == 422
    await bus.rooms.recorder.flush()
    refusal = (await status(sender, event))["refusal"]
    assert refusal.pop("at")
    assert refusal == {
        "type": "urn:bus:problem:data-invalid",
        "title": "The data do not fit the contract's schema.",
        "status": 422,
        "errors": [{"pointer": "/data/nik", "rule": "type"}],
    }


async def test_an_event_of_nobody_is_unknown(sender: httpx.AsyncClient):
    assert await status(sender, an_event(9)) == NOBODY


async def test_an_event_that_was_mended_is_stored(bus: Bus, sender: httpx.AsyncClient):
    await send(sender, an_event(data={"nik": 5}))
    await bus.rooms.recorder.flush()
    await send(sender, an_event())
    assert (await status(sender, an_event()))["state"] == "stored"


async def test_the_last_refusal_counts(bus: Bus, sender: httpx.AsyncClient):
    for data in ({"nik": 5}, {}):
        await send(sender, an_event(data=data))
        await bus.rooms.recorder.flush()
    assert (await status(sender, an_event()))["refusal"]["errors"] == [{"pointer": "/data/nik", "rule": "required"}]


async def test_the_wrong_event_of_a_refused_batch_is_refused_and_the_others_are_unknown(
    bus: Bus, sender: httpx.AsyncClient
):
    good, bad = an_event(1), an_event(2, data={})
    assert (await send(sender, [good, bad])).status_code == 422
    await bus.rooms.recorder.flush()
    assert [(await status(sender, event))["state"] for event in (good, bad)] == ["unknown", "refused"]


@pytest.mark.parametrize(
    ("number", "rule"), [("18446744073709551616", "number-changed"), ('1,"jumlah":2', "event-malformed")]
)
async def test_an_event_whose_text_is_refused_is_told_too(bus: Bus, sender: httpx.AsyncClient, number: str, rule: str):
    text = json.dumps(an_event()).decode().replace('"data":{', f'"data":{{"jumlah":{number},')
    binary = {"content-type": "application/json", **{f"ce-{name}": str(an_event(2)[name]) for name in _REQUIRED}}
    await sender.post("/v1/events", content=text, headers=EVENT)
    await sender.post("/v1/events", content=f'{{"jumlah":{number}}}', headers=binary)
    await bus.rooms.recorder.flush()
    for event in (an_event(1), an_event(2)):
        assert [error["rule"] for error in (await status(sender, event))["refusal"]["errors"]] == [rule]


async def test_another_participant_learns_nothing(bus: Bus, sender: httpx.AsyncClient):
    await send(sender, an_event(1))
    await send(sender, an_event(2, data={}))
    await bus.rooms.recorder.flush()
    other = bus.reader("bapenda", "events.publish", "events.read")
    for number in (1, 2):
        assert await status(other, an_event(number)) == NOBODY
    refused = await other.get(PATH, params={"source": "/uji", "id": "e1", "participant": OWNER})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:bus:problem:not-your-event")


async def test_the_operator_asks_for_anybody(bus: Bus, sender: httpx.AsyncClient):
    await send(sender, an_event())
    operator = bus.reader("dinas-kominfo", "events.publish", "admin")
    assert (await status(operator, an_event(), participant=OWNER))["state"] == "stored"
    assert await status(operator, an_event()) == NOBODY


async def test_who_may_not_publish_is_refused(bus: Bus, sender: httpx.AsyncClient):
    reader = bus.reader(OWNER, "events.read")
    assert (await reader.get(PATH, params={"source": "/uji", "id": "e1"})).status_code == 403


@pytest.mark.parametrize("parameters", [{}, {"source": "/uji"}, {"id": "e1"}, {"source": "", "id": ""}])
async def test_source_and_id_are_needed(sender: httpx.AsyncClient, parameters: dict[str, str]):
    assert (await sender.get(PATH, params=parameters)).status_code == 400


async def test_a_flood_of_refusals_keeps_a_bounded_number_of_events(
    bus: Bus, sender: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    assert KEPT_EACH >= 100
    monkeypatch.setattr("bus.refusals.recent.KEPT_EACH", 2)
    for number in range(5):
        await send(sender, an_event(number, data={}))
        await bus.rooms.recorder.flush()
    states = [(await status(sender, an_event(number)))["state"] for number in range(5)]
    assert states == ["unknown"] * 3 + ["refused"] * 2
