"""Requests in gzip, over real sockets: read as if they had come as they were, and bounded by what they unpack to."""

import gzip
import time
from typing import Any, Final

import httpx
import pytest

from bus import json
from tests import no_tls
from tests.a_bus import Bus
from tests.builders import OWNER, a_document, a_person, an_event

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"


async def publish(address: str, bus: Bus, body: bytes, coding: str, media_type: str = STRUCTURED) -> httpx.Response:
    headers = {
        "authorization": bus.token(OWNER, "events.publish"),
        "content-type": media_type,
        "content-encoding": coding,
    }
    async with no_tls.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        # The second one comes when the sender and the head are known.
        first = await client.post("/v1/events", content=body)
        again = await client.post("/v1/events", content=body)
    assert again.status_code == first.status_code
    return first


def stored(bus: Bus) -> int:
    return bus.rooms.journal.last_position()


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
async def test_an_event_in_gzip_is_the_event(bus: Bus, coding: str) -> None:
    bus.apply(a_document())
    async with bus.served() as address:
        answer = await publish(address, bus, gzip.compress(json.dumps(an_event(1))), coding)
        assert (answer.status_code, answer.json()) == (202, {"position": 1, "duplicate": False})
        plain = await publish(address, bus, json.dumps(an_event(1)), "identity")
    assert plain.json() == {"position": 1, "duplicate": True}


async def test_a_batch_in_gzip_is_the_batch(bus: Bus) -> None:
    bus.apply(a_document())
    events = [an_event(number, data=a_person(number, nama="a" * 300)) for number in range(1, 501)]
    async with bus.served() as address:
        answer = await publish(address, bus, gzip.compress(json.dumps(events)), "gzip", BATCH)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 500)


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip", "gzip, br"])
async def test_another_coding_is_refused_with_the_one_that_is_read(bus: Bus, coding: str) -> None:
    bus.apply(a_document())
    async with bus.served() as address:
        answer = await publish(address, bus, json.dumps(an_event(1)), coding)
    assert (answer.status_code, answer.headers["accept-encoding"], stored(bus)) == (415, "gzip", 0)
    assert answer.json()["type"] == "urn:bus:problem:coding-unsupported"


@pytest.mark.parametrize("body", [b"{}", gzip.compress(json.dumps(an_event(1)))[:-3]], ids=["no gzip", "cut off"])
async def test_what_is_no_gzip_is_refused(bus: Bus, body: bytes) -> None:
    bus.apply(a_document())
    async with bus.served() as address:
        answer = await publish(address, bus, body, "gzip")
    assert (answer.status_code, answer.json()["type"], stored(bus)) == (400, "urn:bus:problem:body-not-gzip", 0)


@pytest.mark.parametrize("media_type", [STRUCTURED, BATCH])
async def test_a_bomb_is_refused_at_the_limit_of_what_it_unpacks_to(bus: Bus, media_type: str) -> None:
    bus.apply(a_document())
    bomb = gzip.compress(b"[" * 200_000_000)
    begun = time.process_time()
    async with bus.served() as address:
        answer = await publish(address, bus, bomb, "gzip", media_type)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:bus:problem:payload-too-large")
    # All of it takes longer to unpack.
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(("size", "status"), [(1_000_000, 202), (1_060_000, 413)])
async def test_the_limit_of_an_event_holds_for_its_unpacked_size(bus: Bus, size: int, status: int) -> None:
    bus.apply(a_document())
    event = json.dumps(an_event(1, data=a_person(1, nama="a" * size)))
    async with bus.served() as address:
        assert (await publish(address, bus, gzip.compress(event), "gzip")).status_code == status


async def test_forms_and_documents_may_come_in_gzip_too(bus: Bus) -> None:
    reader = bus.reader(OWNER, "contracts.write", "contracts.read", "admin", "subscriptions.manage")
    made = await reader.post(f"/v1/participants/{OWNER}/clients", json={"scopes": ["events.read"]})
    form = "grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}".format(**made.json())
    token = {"content-type": "application/x-www-form-urlencoded"}
    asked: list[tuple[str, bytes, dict[str, str], int]] = [
        ("/oauth/token", form.encode(), token, 200),
        ("/v1/contracts", json.dumps(a_document()), {"content-type": "application/json"}, 201),
        ("/v1/participants", b'{"name": "a", "title": "A", "kind": "app"}', {"content-type": "application/json"}, 422),
    ]
    async with bus.served() as address:
        for path, body, fields, status in asked:
            for coding, sent, expected in (
                ("gzip", gzip.compress(body), status),
                ("br", body, 415),
                ("gzip", body, 400),
            ):
                headers: dict[str, Any] = {**reader.headers, **fields, "content-encoding": coding, "host": "bus"}
                async with no_tls.AsyncClient(base_url=address, timeout=30) as client:
                    answer = await client.post(path, content=sent, headers=headers)
                assert answer.status_code == expected or expected == 422, (path, coding, answer.text)
        bomb = gzip.compress(b" " * 50_000_000)
        async with no_tls.AsyncClient(base_url=address, timeout=30) as client:
            for path in ("/v1/contracts", "/v1/participants", "/v1/subscriptions"):
                fields = {"content-type": "application/json", "content-encoding": "gzip", "host": "bus"}
                answer = await client.post(path, content=bomb, headers={**reader.headers, **fields})
                assert answer.status_code == 413, path
