"""Of a hostile event that is refused nothing that its sender chose is kept, told, counted or logged."""

import logging
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest

from bus import json
from bus.refusals.tables import REFUSALS
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, Document, a_document, a_person

WORD, NUMBER = "Sumiyati", "3524990101907777"

MARKED = st.sampled_from(
    [WORD, NUMBER, f"{WORD}/{NUMBER}", f"~1{WORD}", f"{WORD}\0", f"{WORD}\n", WORD * 30, f"a.{WORD}"]
)
NESTED = st.recursive(
    MARKED | st.just(int(NUMBER)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MARKED, inner, min_size=1, max_size=3),
    max_leaves=6,
)
DATA = st.one_of(
    NESTED,
    st.dictionaries(st.sampled_from(["nik", "nama", "desa", "lahir", "anak", "catatan"]) | MARKED, NESTED, min_size=1),
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["type", "id", "source", "subject", "dataschema", "time", "specversion", "datacontenttype"])
    | MARKED,
    NESTED,
    max_size=3,
)


def a_strict_contract() -> Document:
    """Closed, with an array, a map by pattern and a choice: each way in which a name or an index gets into a pointer."""
    text = {"type": "string", "maxLength": 10, "pattern": "^[a-z]+$"}
    properties = {
        "nik": {"type": "string", "enum": ["3524010101900001"]},
        "nama": text,
        "desa": {"anyOf": [text, {"type": "integer"}]},
        "lahir": {"type": "object", "properties": {"tempat": text}, "additionalProperties": False},
        "anak": {
            "type": "array",
            "items": {"type": "object", "properties": {"nama": text}, "unevaluatedProperties": False},
        },
        "catatan": {
            "type": "object",
            "patternProperties": {".": {"type": "boolean"}},
            "propertyNames": {"maxLength": 3},
        },
    }
    schema = {"type": "object", "properties": properties, "required": ["nik"], "additionalProperties": False}
    return a_document(schema=schema)


@pytest.fixture
def producer(bus: Bus) -> httpx.AsyncClient:
    """Of a bus with the strict contract."""
    bus.apply(a_strict_contract())
    return bus.reader(OWNER, "events.publish", "contracts.read")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attributes=ATTRIBUTES, data=DATA, mode=st.sampled_from(["structured", "batch", "partial"]))
async def test_nothing_that_the_sender_chose_is_kept_told_counted_or_logged(
    bus: Bus,
    producer: httpx.AsyncClient,
    caplog: pytest.LogCaptureFixture,
    attributes: Document,
    data: Any,
    mode: str,
) -> None:
    caplog.clear()
    event = {"specversion": "1.0", "id": "e1", "source": "/uji", "type": WARGA, "data": data} | attributes
    with structlog.testing.capture_logs() as logged, caplog.at_level(logging.DEBUG):
        answer = await _publish(producer, event, mode)
        await bus.rooms.recorder.flush()
        told = await producer.get("/v1/refusals", params={"limit": 1000})
    refused = answer.status_code >= 400 or bool(answer.json()["rejected"])
    assert refused
    assert told.json()["refusals"]
    for text in (_table(bus), told.text, generate_latest().decode(), str(logged), caplog.text):
        assert WORD not in text
        assert NUMBER not in text


async def test_nothing_of_a_header_either(bus: Bus, producer: httpx.AsyncClient) -> None:
    headers = {"ce-specversion": "1.0", "ce-type": WARGA, "ce-id": WORD, "ce-source": "/uji", f"ce-{WORD}": "%ff"}
    answer = await producer.post("/v1/events", json=a_person(), headers=headers)
    await bus.rooms.recorder.flush()
    assert (answer.status_code, WORD.lower() in _table(bus).lower()) == (400, False)


async def _publish(producer: httpx.AsyncClient, event: Document, mode: str) -> httpx.Response:
    media_type = "application/cloudevents+json" if mode == "structured" else "application/cloudevents-batch+json"
    return await producer.post(
        "/v1/events",
        params={"partial": "true"} if mode == "partial" else {},
        content=json.dumps(event if mode == "structured" else [event]),
        headers={"content-type": media_type},
    )


def _table(bus: Bus) -> str:
    with bus.rooms.storage.read() as transaction:
        return repr(transaction.rows(REFUSALS.select()))
