"""Answers of an ASGI application over a real connection: framing, and what a broken application leaves behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bus.http.publish import Receive, Scope, Send
from tests.a_bus import Bus
from tests.a_connection import Connection

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The application here asks no database."""


def asking(method: str = "GET", version: str = "1.1") -> bytes:
    return f"{method} / HTTP/{version}\r\nhost: bus\r\n\r\n".encode()


def an_app(*messages: dict[str, Any], fails: bool = False) -> Any:
    """An application that sends these messages, and then fails or not."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        if fails:
            raise RuntimeError

    return app


def start(status: int = 200, **fields: str) -> dict[str, Any]:
    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return {"type": "http.response.start", "status": status, "headers": headers}


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


@asynccontextmanager
async def connected(bus: Bus, app: Any) -> AsyncIterator[Connection]:
    async with bus.opened(app) as (address, _):
        connection = await Connection.to(address)
        yield connection
        connection.writer.close()


async def everything(connection: Connection, text: bytes) -> tuple[bytes, bytes]:
    """Head and body of the last answer of a connection."""
    await connection.say(text)
    async with asyncio.timeout(20):
        head, _, body = (await connection.reader.read(-1)).partition(b"\r\n\r\n")
    return head, body


async def test_an_answer_without_a_length_comes_in_chunks(bus: Bus):
    async with connected(bus, an_app(start(), part(b"ab"), part(b""), part(b"c", more=False))) as connection:
        for _ in range(2):
            await connection.say(asking())
            assert b"transfer-encoding: chunked" in await connection.reader.readuntil(b"\r\n\r\n")
            assert await connection.reader.readuntil(b"0\r\n\r\n") == b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"


async def test_an_answer_without_a_length_ends_with_the_connection_for_http_1_0(bus: Bus):
    async with connected(bus, an_app(start(), part(b"ab"), part(b"c", more=False))) as connection:
        head, body = await everything(connection, asking(version="1.0"))
    assert b"chunked" not in head
    assert body == b"abc"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_an_answer_that_has_no_body_has_none(bus: Bus, method: str, status: int):
    async with connected(bus, an_app(start(status), part(b"abc", more=False))) as connection:
        for _ in range(2):
            await connection.say(asking(method))
            assert b"chunked" not in await connection.reader.readuntil(b"\r\n\r\n")
        head, body = await everything(connection, asking(method)[:-2] + b"connection: close\r\n\r\n")
    assert (head[:12], body) == (b"HTTP/1.1 %d" % status, b"")


@pytest.mark.parametrize(
    "app",
    [
        an_app(start(content_length="5"), part(b"abc", more=False)),
        an_app(start(content_length="5"), part(b"abcdefgh", more=False)),
        an_app(start(), part(b"abc")),
        an_app(start(), part(b"abc"), fails=True),
    ],
    ids=["too short", "too long", "unfinished", "failed"],
)
async def test_an_answer_that_is_not_whole_never_looks_whole(bus: Bus, app: Any):
    async with connected(bus, app) as connection:
        try:
            head, body = await everything(connection, asking())
        except ConnectionError:
            return
    assert b"abcdefgh" not in body
    assert not body.endswith(b"0\r\n\r\n")
    assert b"chunked" in head or len(body) < 5


@pytest.mark.parametrize(
    "app",
    [
        an_app(fails=True),
        an_app(),
        an_app(start(location="/a\r\nset-cookie: b"), part(b"", more=False)),
        an_app(start(location="/a\nb"), part(b"", more=False)),
    ],
    ids=["failed", "silent", "a field in a field", "a line in a field"],
)
async def test_what_the_application_does_not_answer_well_is_a_problem(bus: Bus, app: Any):
    async with connected(bus, app) as connection:
        head, body = await everything(connection, asking())
    assert head.startswith(b"HTTP/1.1 500")
    assert b"application/problem+json" in head
    assert b"set-cookie" not in head + body
