"""Attacks with bodies, over real sockets: bodies without a right, without end, in dust, and by the dozen."""

import asyncio
import re
import socket
import struct
from typing import Any

import pytest
from fastapi.routing import APIRoute
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bus import json
from bus.http.edge import _ROUTERS
from tests.a_bus import Bus
from tests.a_connection import BATCH, Connection, a_request
from tests.builders import OWNER, a_document, an_event

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MEBIBYTE = 1024 * 1024
OPEN = {"/oauth/token", "/oauth/revoke", "/oauth/introspect", "/v1/agencies/{agency}/push/{operation}"}
"""Here the proof is in the body, or as an agency gives it."""
WRITING = sorted(
    (method, route.path)
    for router in _ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods - {"GET", "HEAD"}
    if route.path not in OPEN
)


def a_head(method: str, path: str, length: int | None = 16 * MEBIBYTE, **fields: str) -> bytes:
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\nhost: bus\r\n{framing}\r\n{named}\r\n".encode()


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/events"), *WRITING])
@pytest.mark.parametrize("length", [16 * MEBIBYTE, None], ids=["length", "chunks"])
async def test_who_has_no_right_learns_so_before_the_body_is_read(bus: Bus, method: str, path: str, length: int | None):
    path = re.sub(r"{\w+}", "1", path)
    is_audited = path.startswith(("/v1/disclosures", "/v1/inquiries"))
    no_right = bus.token("bapenda", "queries.call" if is_audited else "audit.read")
    async with bus.served() as address:
        for fields, status in (({}, 401), ({"authorization": no_right}, 403), ({"authorization": "Bearer x"}, 401)):
            connection = await Connection.to(address)
            # Who asks whether to go on is not told to.
            answer = await connection.ask(
                a_head(method, path, length, content_type="application/json", expect="100-continue", **fields)
            )
            assert (answer.status_code, answer.headers["connection"]) == (status, "close")
            assert answer.headers["content-type"] == "application/problem+json"
            assert await connection.is_closed()


@pytest.mark.parametrize("path", ["/oauth/token", "/v1/contracts", "/v1/queries/x", "/v1/subscriptions"])
async def test_who_leaves_in_the_middle_of_a_body_is_no_unexpected_error(bus: Bus, path: str):
    authorization = bus.token(OWNER, "contracts.write", "queries.call", "subscriptions.manage")
    labels = {"part": "http"}
    before = REGISTRY.get_sample_value("bus_unexpected_errors_total", labels) or 0.0
    with capture_logs() as logs:
        async with bus.opened() as (address, door):
            connection = await Connection.to(address)
            fields = {"authorization": authorization, "content_type": "application/x-www-form-urlencoded"}
            if path != "/oauth/token":
                fields["content_type"] = "application/json"
            await connection.say(a_head("POST", path, 9, expect="100-continue", **fields))
            async with asyncio.timeout(20):
                await connection.reader.readuntil(b"100 Continue\r\n\r\n")
            await connection.say(b"gr")
            reset(connection)
            async with asyncio.timeout(20):
                while door._hall.tasks:  # noqa: ASYNC110 - tasks that end tell nobody
                    await asyncio.sleep(0.01)
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
    assert (REGISTRY.get_sample_value("bus_unexpected_errors_total", labels) or 0.0) == before


def reset(connection: Connection) -> None:
    """End a connection without a word."""
    own = connection.writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.writer.transport.abort()


async def test_a_known_token_without_the_right_to_publish_has_no_body_read(bus: Bus):
    no_right = bus.token(OWNER, "events.read")
    await asyncio.to_thread(bus.rooms.tokens.verify, no_right.encode())
    async with bus.served() as address:
        connection = await Connection.to(address)
        answer = await connection.ask(a_request(no_right, b" " * MEBIBYTE, BATCH)[:1000])
        assert (answer.status_code, answer.headers["connection"]) == (403, "close")


async def test_who_sends_the_whole_body_all_the_same_still_gets_to_read_the_refusal(bus: Bus):
    async with bus.served() as address:
        for _ in range(5):
            connection = await Connection.to(address)
            head = a_head("POST", "/v1/subscriptions", 4 * MEBIBYTE, content_type="application/json")
            await connection.say(head)
            for _ in range(16):
                await connection.say(b" " * (MEBIBYTE // 4))
            assert (await connection.answer()).status_code == 401
            assert await connection.is_closed()


async def test_an_anonymous_body_to_anywhere_is_not_kept(bus: Bus):
    async with bus.served() as address:
        for path in ("/", "/v1/contracts/check", "/healthz", "/docs"):
            connection = await Connection.to(address)
            answer = await connection.ask(a_head("POST", path, 17 * MEBIBYTE, content_type="application/json"))
            assert answer.status_code in (401, 404, 405)
            assert answer.headers["connection"] == "close"


async def test_a_proof_in_the_body_has_64_kb(bus: Bus):
    form = "application/x-www-form-urlencoded"
    async with bus.served() as address:
        connection = await Connection.to(address)
        head = a_head("POST", "/oauth/token", None, content_type=form)
        await connection.say(head + b"11170\r\n" + b"a" * 0x11170)
        answer = await connection.answer()
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")


async def test_a_body_larger_than_any_is_refused_before_it_comes_and_while_it_comes(bus: Bus):
    authorization = bus.token(OWNER, "subscriptions.manage")
    fields = {"authorization": authorization, "content_type": "application/json"}
    async with bus.served() as address:
        told = await Connection.to(address)
        assert (await told.ask(a_head("POST", "/v1/subscriptions", 2 * MEBIBYTE, **fields))).status_code == 413
        untold = await Connection.to(address)
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        await untold.say(a_head("POST", "/v1/subscriptions", None, **fields) + chunk * 20)
        answer = await untold.answer()
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:bus:problem:payload-too-large")


async def publisher(bus: Bus) -> str:
    bus.apply(a_document())
    authorization = bus.token(OWNER, "events.publish")
    await asyncio.to_thread(bus.rooms.tokens.verify, authorization.encode())
    return authorization


SMALL: dict[str, Any] = {
    "max_batch_bytes": MEBIBYTE,
    "max_bodies_bytes_each": MEBIBYTE,
    "max_bodies_bytes": 2 * MEBIBYTE,
}


@pytest.mark.parametrize("way", ["short", "long"])
async def test_unfinished_bodies_of_one_participant_are_bounded_together(bus: Bus, way: str):
    authorization = await publisher(bus)
    # An expectation is nothing for the short way.
    fields = {"expect": "100-continue"} if way == "long" else {}
    batch = json.dumps([an_event(number) for number in range(500)]) + b" " * 500_000
    async with bus.opened(**SMALL) as (address, _):
        holding = []
        for _ in range(8):
            connection = await Connection.to(address)
            await connection.say(a_request(authorization, batch, BATCH, **fields)[:-100])
            holding.append(asyncio.create_task(said(connection)))
        # Two do not fit, so that at least all but one are refused.
        async with asyncio.timeout(20):
            refused = await first(holding, 7)
        assert set(refused) == {(429, "1")}
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)
        innocent = await Connection.to(address)
        assert (await innocent.ask(a_request(authorization, json.dumps(an_event(1000))))).status_code == 202


async def first(tasks: list[asyncio.Task[tuple[int, str]]], count: int) -> list[tuple[int, str]]:
    """What the first tasks give that end."""
    done: set[asyncio.Task[tuple[int, str]]] = set()
    while len(done) < count:
        ended, _ = await asyncio.wait(set(tasks) - done, return_when=asyncio.FIRST_COMPLETED)
        done |= ended
    return [task.result() for task in done]


async def said(connection: Connection) -> tuple[int, str]:
    """The final answer: its status, and when to try again."""
    try:
        while (answer := await connection.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100"):
            pass
        fields = dict(line.split(": ", 1) for line in answer.decode().split("\r\n")[1:-2])
        return int(answer.split()[1]), fields.get("retry-after", "")
    finally:
        connection.writer.close()


@pytest.mark.parametrize("way", ["short", "long"])
async def test_what_unfinished_bodies_held_is_given_back(bus: Bus, way: str):
    authorization = await publisher(bus)
    fields = {"expect": "100-continue"} if way == "long" else {}
    batch = json.dumps([an_event(number) for number in range(500)]) + b" " * 500_000
    async with bus.opened(**SMALL) as (address, _):
        for end in range(6):
            connection = await Connection.to(address)
            request = a_request(authorization, batch, BATCH, **fields)
            await connection.say(request[:-100])
            if end % 2:
                connection.writer.transport.abort()
            else:
                await connection.say(request[-100:])
                assert await said(connection) == (202, "")


async def refused(address: str, text: bytes) -> int:
    connection = await Connection.to(address)
    connection.writer.write(text)
    status = (await connection.answer()).status_code
    assert await connection.is_closed()
    return status


async def test_bodies_in_dust_are_refused(bus: Bus):
    authorization = await publisher(bus)
    head = a_head("POST", "/v1/events", None, authorization=authorization, content_type=BATCH)
    async with bus.served() as address:
        assert await refused(address, head + b"1\r\n \r\n" * 40_000) == 400
        assert await refused(address, head + b"1;" + b"x" * 40_000) == 400
        assert await refused(address, head + b"1\r\n \r\n0\r\nx: " + b"x" * 400_000) == 400
        assert await refused(address, head + b"zz\r\n") == 400
        assert await refused(address, head + b"-1\r\n") == 400
        assert await refused(address, head + b"fffffffffffffffff\r\n") == 400


@pytest.mark.parametrize("way", ["short", "long"])
async def test_a_body_has_to_come_in_time(bus: Bus, way: str):
    authorization = await publisher(bus)
    fields = {"x_way": "short"} if way == "short" else {"connection": "close"}
    async with bus.opened(body_seconds=0.6) as (address, _):
        connection = await Connection.to(address)
        request = a_request(authorization, json.dumps(an_event(1)), **fields)
        await connection.say(request[:-50])
        for byte in request[-50:-30]:
            await connection.say(bytes([byte]))
            await asyncio.sleep(0.02)
        answer = await connection.answer()
        assert (answer.status_code, answer.json()["type"]) == (408, "urn:bus:problem:too-slow")
        assert await connection.is_closed()
    assert bus.rooms.journal.last_position() == 0


async def test_a_connection_goes_on_after_a_body_larger_than_what_waits_for_the_application(bus: Bus):
    authorization = await publisher(bus)
    batch = json.dumps([an_event(number) for number in range(900)]) + b" " * 500_000
    # The query keeps it from the short way.
    request = a_request(authorization, batch, BATCH).replace(b"/v1/events ", b"/v1/events? ")
    async with bus.served() as address:
        connection = await Connection.to(address)
        for _ in range(3):
            assert (await connection.ask(request)).json()["last_position"] == 900
