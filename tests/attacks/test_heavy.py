"""Heavy work that one client asks for: whoever publishes beside it goes on, and the event loop is not held."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from bus import json
from bus.contracts.catalogue import Catalogue
from bus.contracts.document import parse_contract
from bus.identity.participants import Participants
from tests import no_tls
from tests.an_actor import OPERATOR
from tests.attacks.beside import Attack, assert_innocent_goes_on
from tests.services.agreements import CONSUMERS
from tests.services.running import Bus, a_bus

ATTACKER: Final = CONSUMERS[0]
_SCOPES: Final = ("events.publish", "events.read", "contracts.read", "contracts.write", "subscriptions.manage")
_ANYTHING: Final = "uji.apa-saja"
_CHOICES: Final = "uji.pilihan"
_LONG: Final = "uji.panjang"
_STRUCTURED: Final = {"content-type": "application/cloudevents+json"}
_BATCH: Final = {"content-type": "application/cloudevents-batch+json"}


def cases(all_of_them: Iterable[Any], *short: Any) -> list[Any]:
    """Parameters of a test; those that are not named as short need a machine that does nothing else."""
    return [one if one in short else pytest.param(one, marks=pytest.mark.stress) for one in all_of_them]


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A bus with an attacker who owns three contracts."""
    folder: Path = tmp_path_factory.mktemp("bus")
    with a_bus(folder) as bus:
        documents = [_owned(_ANYTHING, {}), _owned(_CHOICES, _many_choices()), _long()]
        Catalogue(bus.storage, bus.keys.pseudonym).registrar.apply(
            [parse_contract(document) for document in documents], OPERATOR
        )
        bus.start()
        yield bus


@pytest.fixture(scope="module")
def authorization(bus: Bus) -> str:
    """The attacker's."""
    client, secret = Participants(bus.storage).add_client(ATTACKER, _SCOPES, by=OPERATOR)
    asked = {"grant_type": "client_credentials"}
    answer = no_tls.post(f"{bus.address}/oauth/token", data=asked, auth=(client.client_id, secret), timeout=30)
    return f"Bearer {answer.raise_for_status().json()['access_token']}"


def _owned(name: str, schema: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "contract": name,
        "version": "1.0.0",
        "kind": "event",
        "title": "Milik penyerang",
        "owner": ATTACKER,
        "classification": "public",
        "schema": {"type": ["object", "array"], **schema},
        "producers": [ATTACKER],
        "consumers": [{"participant": ATTACKER}],
        **changes,
    }


def _long() -> dict[str, Any]:
    schema = {"type": "object", "properties": {"desa": {"type": "string"}}}
    return _owned(_LONG, schema, consumers=[{"participant": ATTACKER, "rows": [{"exact": {"desa": "lain"}}]}])


def _many_choices() -> dict[str, Any]:
    forms = [{"type": "object", "properties": {"a": {"items": {"const": number}}}} for number in range(900)]
    return {"oneOf": forms}


def _event(number: int, type: str, data: bytes) -> bytes:
    return b'{"specversion":"1.0","id":"%d","source":"/uji","type":"%b","data":%b}' % (number, type.encode(), data)


def _hostile(size: int) -> bytes:
    """JSON that makes as many objects as its bytes can."""
    return b"[" + b"{}," * (size // 3) + b"{}]"


def _compared() -> bytes:
    """Two documents whose comparison takes long."""
    texts = [{"pattern": f"^(a|b)*a(a|b){{{number},20}}$"} for number in range(1, 13)]
    new = _owned("uji.banding", {"properties": {f"p{n}": text for n, text in enumerate(texts)}})
    old = _owned("uji.banding", {"properties": {f"p{n}": text for n, text in enumerate(reversed(texts))}})
    return json.dumps({"document": {**new, "version": "2.0.0"}, "against": [old]})


_NAMES: Final = b"{" + b",".join(b'"n%d":0' % number for number in range(50_000)) + b',"n49999":1}'
_DOCUMENTS: Final = {
    "a number to the base of sixty": b"a: 1" + b":59" * 150_000,
    "half a megabyte of names": _NAMES,
    "YAML of many parts": b"\n".join(b"n%d: {a: [1, 2]}" % number for number in range(30_000)),
}


@pytest.mark.parametrize("name", cases(_DOCUMENTS, "half a megabyte of names"))
def test_a_document_that_is_long_to_read_holds_up_nobody(bus: Bus, authorization: str, name: str) -> None:
    assert_innocent_goes_on(bus, Attack("/v1/contracts", _DOCUMENTS[name]), authorization)


@pytest.mark.stress
def test_documents_that_are_long_to_compare_hold_up_nobody(bus: Bus, authorization: str) -> None:
    assert_innocent_goes_on(bus, Attack("/v1/contracts/check", _compared()), authorization)


def test_data_with_errors_in_nine_hundred_forms_hold_up_nobody_when_they_are_tried_out(
    bus: Bus, authorization: str
) -> None:
    data = json.dumps({"a": ["x"] * 200_000})
    assert_innocent_goes_on(bus, Attack(f"/v1/contracts/{_CHOICES}/validate", data), authorization)


@pytest.mark.parametrize("count", cases([300, 5_000, 200_000], 5_000))
def test_data_with_errors_in_nine_hundred_forms_hold_up_nobody_when_they_are_published(
    bus: Bus, authorization: str, count: int
) -> None:
    event = _event(1, _CHOICES, json.dumps({"a": ["x"] * count}))
    assert_innocent_goes_on(bus, Attack("/v1/events", event, _STRUCTURED), authorization)


_LARGE_EVENTS: Final = {
    "objects": _hostile(1_000_000),
    "names with colons that are escapes": b"{" + b",".join(b'"n\\u003a%d":0' % n for n in range(60_000)) + b"}",
    "NUL at the end": b'["' + b"a" * 900_000 + b'","\\u0000"]',
    "a name twice": b'{"a":1,' + b",".join(b'"n%d":0' % n for n in range(60_000)) + b',"a":2}',
}


@pytest.mark.parametrize("name", cases(_LARGE_EVENTS, "objects", "NUL at the end"))
def test_a_large_event_holds_up_nobody(bus: Bus, authorization: str, name: str) -> None:
    event = _event(2, _ANYTHING, _LARGE_EVENTS[name])
    assert_innocent_goes_on(bus, Attack("/v1/events", event, _STRUCTURED), authorization)


def _batch(count: int, size: int) -> bytes:
    data = _hostile(size)
    return b"[" + b",".join(_event(number, _ANYTHING, data) for number in range(count)) + b"]"


_BATCHES: Final = {
    "sixteen megabytes of objects": _batch(16, 950_000),
    "a thousand events of fifteen kilobytes": _batch(1000, 15_000),
    "a thousand small events": _batch(1000, 30),
    "no events": b"[" + b"{}," * 5_000_000 + b"{}]",
    "errors in each event": b"[" + b",".join(_event(n, _CHOICES, b'{"a":["x"]}') for n in range(1000)) + b"]",
}


@pytest.mark.parametrize("name", cases(_BATCHES, "sixteen megabytes of objects"))
def test_a_large_batch_holds_up_nobody(bus: Bus, authorization: str, name: str) -> None:
    attack = Attack("/v1/events?partial=true", _BATCHES[name], _BATCH, at_once=2)
    assert_innocent_goes_on(bus, attack, authorization)


def test_readers_of_a_long_journal_of_which_they_may_see_nothing_hold_up_nobody(bus: Bus, authorization: str) -> None:
    with no_tls.Client(base_url=bus.address, headers={"authorization": authorization}, timeout=60) as client:
        for start in range(0, 20_000, 1000):
            events = [_event(1_000_000 + start + number, _LONG, b'{"desa":"sembung"}') for number in range(1000)]
            answer = client.post("/v1/events", content=b"[" + b",".join(events) + b"]", headers=_BATCH)
            assert answer.status_code == 202
    assert_innocent_goes_on(bus, Attack(f"/v1/feeds/{_LONG}?limit=1000", at_once=16), authorization)
