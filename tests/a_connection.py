"""A client's end of a connection, which says exactly what it is told to; and publishing requests as bytes."""

import asyncio
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import httpx

from bus import json
from tests.builders import an_event

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: bus\r\n\r\n"
HALF = b"POST /v1/events HTTP/1.1\r\nhost: bus\r\n"


def a_request(
    authorization: str, body: bytes, media_type: str = STRUCTURED, version: str = "1.1", **fields: str
) -> bytes:
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return (
        f"POST /v1/events HTTP/{version}\r\nhost: bus\r\nauthorization: {authorization}\r\n"
        f"content-type: {media_type}\r\ncontent-length: {len(body)}\r\n{named}\r\n"
    ).encode() + body


def a_publication(authorization: str, number: int, **fields: str) -> bytes:
    return a_request(authorization, json.dumps(an_event(number)), **fields)


@dataclass
class Connection:
    """A client's end of a connection, which says exactly what it is told to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, address: str, source: str = "127.0.0.1") -> Self:
        """A connection from an address of this machine."""
        parts = urlsplit(address)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port, local_addr=(source, 0)))

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def answer(self) -> httpx.Response:
        async with asyncio.timeout(20):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode().split("\r\n")[:-2]
            fields = [tuple(line.split(": ", 1)) for line in lines]
            length = int(dict(fields)["content-length"])
            return httpx.Response(int(status.split()[1]), headers=fields, content=await self.reader.readexactly(length))

    async def ask(self, text: bytes) -> httpx.Response:
        await self.say(text)
        return await self.answer()

    async def is_closed(self, seconds: float = 20) -> bool:
        """Whether the bus ends the connection within so many seconds, and says nothing more before."""
        try:
            async with asyncio.timeout(seconds):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False
