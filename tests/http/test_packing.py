"""Answers in gzip and zstd: for who asks for it, each with an entity tag of its own, and never with a secret in it."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest
from pydantic import BaseModel

from bus import json
from bus.http.edge import _ROUTERS
from bus.http.packing import HOLDS_SECRET, zstd
from bus.identity.scopes import Scope
from tests import no_tls
from tests.a_bus import Bus
from tests.a_connection import Connection
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person, an_event
from tests.http.a_feed import FEED

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

RECORDS: Final = f"/v1/records/{WARGA}"
CODINGS: Final[dict[str, Callable[[bytes], bytes]]] = {"gzip": gzip.decompress, "zstd": zstd.decompress}
EVERY_CODING: Final = pytest.mark.parametrize("coding", CODINGS)


class Raw(httpx.AsyncClient):
    """A client that leaves answers as they came."""

    async def raw(self, path: str, coding: str, method: str = "GET", **fields: str) -> tuple[httpx.Response, bytes]:
        async with self.stream(method, path, headers={"accept-encoding": coding, **fields}) as answer:
            return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.fixture
async def reader(bus: Bus) -> Raw:
    """A client with every scope, and a bus with some hundred records."""
    bus.apply(a_document(a_grant(OWNER)))
    await bus.publish_all([a_person(number) for number in range(1, 201)])
    headers = {"authorization": bus.token(OWNER, *Scope)}
    return Raw(transport=httpx.ASGITransport(bus.edge), base_url="https://bus.lamongan.example", headers=headers)


@EVERY_CODING
@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (FEED, "*/*"),
        (RECORDS, "*/*"),
        (RECORDS, "text/csv"),
        (RECORDS, "application/x-ndjson"),
        (f"/v1/contracts/{WARGA}/versions/1.0.0", "*/*"),
        (f"/v1/contracts/{WARGA}/asyncapi", "application/yaml"),
        ("/openapi.json", "*/*"),
        ("/metrics", "*/*"),
    ],
)
async def test_an_answer_comes_packed_to_who_asks(reader: Raw, coding: str, path: str, accept: str) -> None:
    plain = await reader.get(path, headers={"accept-encoding": "identity", "accept": accept})
    assert len(plain.content) > 1024
    answer, packed = await reader.raw(path, coding, accept=accept)
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, coding)
    assert "content-length" not in answer.headers
    assert "Accept-Encoding" in answer.headers["vary"]
    assert len(packed) < len(plain.content)
    unpacked = CODINGS[coding](packed)
    # Metrics go on counting.
    assert unpacked == plain.content or path == "/metrics"


@pytest.mark.parametrize("coding", ["identity", "", "br", "gzip;q=0", "identity, gzip;q=0.1"])
async def test_who_does_not_ask_gets_it_as_it_is(reader: Raw, coding: str) -> None:
    answer, content = await reader.raw(FEED, coding)
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-length"] == str(len(content))
    assert len(json.loads(content)["events"]) == 100


async def test_a_short_answer_is_not_worth_it(reader: Raw) -> None:
    answer, content = await reader.raw("/healthz", "gzip")
    assert ("content-encoding" in answer.headers, content) == (False, b'{"status":"ok"}')


async def test_a_short_answer_is_packed_where_nothing_else_is_taken(reader: Raw) -> None:
    answer, content = await reader.raw("/healthz", "gzip, identity;q=0")
    assert (answer.headers["content-encoding"], gzip.decompress(content)) == ("gzip", b'{"status":"ok"}')
    refused, _ = await reader.raw("/healthz", "br, identity;q=0")
    assert refused.status_code == 406


@EVERY_CODING
async def test_head_says_of_the_coding_what_get_says(reader: Raw, coding: str) -> None:
    for path, accept in (("/openapi.json", "*/*"), ("/healthz", "*/*"), (RECORDS, "text/csv")):
        got, _ = await reader.raw(path, coding, accept=accept)
        head, content = await reader.raw(path, coding, "HEAD", accept=accept)
        assert head.headers.get("content-encoding") == got.headers.get("content-encoding"), path
        assert content == b""


@EVERY_CODING
async def test_each_coding_has_an_entity_tag_of_its_own(reader: Raw, coding: str) -> None:
    path = f"/v1/contracts/{WARGA}/versions/1.0.0"
    plain, _ = await reader.raw(path, "identity")
    packed, _ = await reader.raw(path, coding)
    tag = packed.headers["etag"]
    assert tag == f'{plain.headers["etag"][:-1]}-{coding}"'
    unchanged, content = await reader.raw(path, coding, **{"if-none-match": tag})
    assert (unchanged.status_code, unchanged.headers["etag"], content) == (304, tag, b"")
    assert "content-encoding" not in unchanged.headers
    again, _ = await reader.raw(path, "identity", **{"if-none-match": plain.headers["etag"]})
    assert (again.status_code, again.headers["etag"]) == (304, plain.headers["etag"])


@EVERY_CODING
async def test_the_tag_of_a_packed_answer_names_what_is_changed(bus: Bus, reader: Raw, coding: str) -> None:
    document = a_document(*(a_grant(f"dinas-{number}") for number in range(20)), version="1.1.0")
    made = await reader.post("/v1/contracts", json=document)
    assert made.status_code == 201
    path = f"/v1/contracts/{WARGA}/versions/1.1.0"
    packed, _ = await reader.raw(path, coding)
    assert packed.headers["etag"].endswith(f'-{coding}"')
    changed = await reader.put(path, json=document | {"title": "lain"}, headers={"if-match": packed.headers["etag"]})
    assert changed.status_code == 200
    again = await reader.put(path, json=document, headers={"if-match": packed.headers["etag"]})
    assert again.status_code == 412


@EVERY_CODING
async def test_a_packed_stream_brings_each_event_at_once(bus: Bus, reader: Raw, coding: str) -> None:
    unpack: Any = zlib.decompressobj(31) if coding == "gzip" else zstd.ZstdDecompressor()
    async with bus.served() as address, no_tls.AsyncClient(base_url=address, headers=reader.headers) as client:
        after = (await client.get(FEED, params={"limit": 1000})).json()["next"]
        fields = {"accept": "text/event-stream", "accept-encoding": coding}
        async with asyncio.timeout(10), client.stream("GET", FEED, params={"after": after}, headers=fields) as answer:
            assert answer.headers["content-encoding"] == coding
            parts = answer.aiter_raw()
            for number in (501, 502, 503):
                await bus.publish(a_person(number))
                text = b""
                while not text.endswith(b"\n\n") or b"data" not in text:
                    text += unpack.decompress(await anext(parts))
                assert a_nik(number).encode() in text


async def test_a_whole_snapshot_is_packed_part_by_part(bus: Bus, reader: Raw) -> None:
    await bus.publish_all([a_person(number) for number in range(1000, 4200)])
    parts: list[int] = []
    async with bus.served() as address:
        connection = await Connection.to(address)
        head = f"GET {RECORDS} HTTP/1.1\r\nhost: bus\r\nauthorization: {reader.headers['authorization']}\r\n"
        await connection.say(f"{head}accept: application/x-ndjson\r\naccept-encoding: gzip\r\n\r\n".encode())
        assert b"transfer-encoding: chunked" in await connection.reader.readuntil(b"\r\n\r\n")
        unpack = zlib.decompressobj(31)
        lines = 0
        while size := int(await connection.reader.readline(), 16):
            lines += unpack.decompress(await connection.reader.readexactly(size)).count(b"\n")
            parts.append(size)
            await connection.reader.readline()
    assert (lines, unpack.eof) == (3400, True)
    assert len(parts) >= 3


async def test_a_receipt_is_not_packed(bus: Bus, reader: Raw) -> None:
    fields = {"content-type": "application/cloudevents+json", "accept-encoding": "gzip, identity;q=0.5"}
    answer = await reader.post("/v1/events", content=json.dumps(an_event(1)), headers=fields)
    assert (answer.status_code, "content-encoding" in answer.headers) == (202, False)


async def test_what_holds_a_secret_is_never_packed(bus: Bus, reader: Raw) -> None:
    long = [{"exact": {"source": f"/{'a' * 200}{number}"}} for number in range(20)]
    order = {"contracts": [WARGA], "sink": {"url": "https://dinkes.lamongan.example/masuk"}, "filters": long}
    made = await reader.post("/v1/subscriptions", json=order, headers={"accept-encoding": "gzip"})
    assert len(made.content) > 4000
    assert (made.status_code, "content-encoding" in made.headers) == (201, False)
    read = await reader.get(f"/v1/subscriptions/{made.json()['id']}", headers={"accept-encoding": "gzip"})
    assert read.headers["content-encoding"] == "gzip"


async def test_every_operation_whose_answer_has_a_secret_says_so(bus: Bus) -> None:
    telling = ("secret", "token", "password", "link")
    for router in _ROUTERS:
        for route in router.routes:
            model: Any = getattr(route, "response_model", None)
            if isinstance(model, type) and issubclass(model, BaseModel):
                holds = any(word in name for name in model.model_fields for word in telling)
                assert (HOLDS_SECRET in route.dependencies) == holds, route.path  # type: ignore[attr-defined]
    marked = {
        route.path  # type: ignore[attr-defined]
        for router in _ROUTERS
        for route in router.routes
        if HOLDS_SECRET in route.dependencies  # type: ignore[attr-defined]
    }
    assert {"/oauth/token", "/oauth/introspect"} < marked
