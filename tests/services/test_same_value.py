"""What was answered 202 reaches feeds, records and webhooks with the same value; all else is refused with a pointer."""

import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.contracts import parse_contract
from bus.contracts.catalogue import Catalogue
from bus.delivery.subscriptions import Subscription
from tests.an_actor import OPERATOR
from tests.services.agreements import CONSUMERS, PRODUCER
from tests.services.receiver import Receiver, Sink
from tests.services.running import Bus, a_bus
from tests.services.waiting import until

ANYTHING = "uji.apa-saja"
_STRUCTURED = {"content-type": "application/cloudevents+json"}
_BINARY = {"content-type": "application/json", "ce-specversion": "1.0", "ce-source": "/uji", "ce-type": ANYTHING}
_SCHEMA = {"type": "object", "required": ["kunci"], "properties": {"kunci": {"type": "string"}, "isi": {}}}

_numbers = itertools.count()

NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
EDGES = st.sampled_from(["18446744073709551617", "0.10000000000000001", "1e-400", "1E400", "9007199254740993.0"])
TEXTS = st.builds(json.dumps, st.text(st.characters(), max_size=8), ensure_ascii=st.just(True))
SPACE = st.sampled_from(["", " ", "\n\t"])
LEAVES = NUMBERS | EDGES | TEXTS | st.sampled_from(["null", "true", "false", "NaN", '"\\ud800"', '"\\u0000"', "01"])


def _an_array(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")


def _an_object(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.tuples(TEXTS, SPACE, inner).map(lambda parts: f"{parts[0]}:{parts[1]}{parts[2]}")
    return st.lists(member, max_size=4).map(lambda members: f"{{{','.join(members)}}}")


VALUES = st.recursive(LEAVES, lambda inner: _an_array(inner) | _an_object(inner), max_leaves=8)


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A bus with a record contract of anything, which its producer may read as well."""
    document = {
        "contract": ANYTHING,
        "version": "1.0.0",
        "title": "Data rekaan untuk pengujian",
        "kind": "record",
        "key": "/kunci",
        "owner": PRODUCER,
        "classification": "public",
        "producers": [PRODUCER],
        "consumers": [{"participant": name} for name in (PRODUCER, CONSUMERS[0])],
        "schema": _SCHEMA,
    }
    with a_bus(tmp_path_factory.mktemp("bus")) as bus:
        Catalogue(bus.storage, bus.keys.pseudonym).registrar.apply([parse_contract(document)], OPERATOR)
        bus.start()
        yield bus


@pytest.fixture(scope="module")
def sink(bus: Bus, receiver: Receiver) -> Sink:
    sink = receiver.sink("same-value")
    made: Subscription = bus.subscribe(sink, ANYTHING)
    assert made.id
    return sink


def _read(text: str) -> Any:
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def _as_decimals(value: Any) -> Any:
    """A value that was read with floats, with the decimals that their texts stand for."""
    if isinstance(value, dict):
        return {name: _as_decimals(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_decimals(inner) for inner in value]
    return Decimal(repr(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _publish(client: httpx.Client, key: str, value: str, *, is_binary: bool) -> httpx.Response:
    data = f'{{"kunci":"{key}","isi":{value}}}'
    if is_binary:
        return client.post("/v1/events", content=data.encode(), headers={**_BINARY, "ce-id": key})
    event = f'{{"specversion":"1.0","id":"{key}","source":"/uji","type":"{ANYTHING}","data":{data}}}'
    return client.post("/v1/events", content=event.encode(), headers=_STRUCTURED)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(VALUES, st.booleans()), min_size=1, max_size=12))
def test_what_was_accepted_comes_back_with_its_value(bus: Bus, sink: Sink, values: list[tuple[str, bool]]) -> None:
    sent: dict[str, Any] = {}
    with bus.client() as client:
        for value, is_binary in values:
            key = f"k{next(_numbers)}"
            answer = _publish(client, key, value, is_binary=is_binary)
            if answer.status_code == 202:
                sent[key] = {"kunci": key, "isi": _read(value)}
            else:
                assert answer.status_code in (400, 422), answer.text
                assert all("pointer" in error for error in answer.json()["errors"])
                assert answer.json()["errors"]
        first = min((int(key[1:]) for key in sent), default=0)
        feed = _read(client.get(f"/v1/feeds/{ANYTHING}", params={"limit": 1000}).text)["events"]
        found = {event["subject"]: event["data"] for event in feed if int(event["subject"][1:]) >= first}
        records = {key: _read(client.get(f"/v1/records/{ANYTHING}/{key}").text)["data"] for key in sent}
    until(lambda: {arrival.event["subject"] for arrival in list(sink.taken)} >= sent.keys())
    brought = {arrival.event["subject"]: _as_decimals(arrival.event["data"]) for arrival in list(sink.taken)}
    assert {key: found[key] for key in sent} == records == {key: brought[key] for key in sent} == sent
