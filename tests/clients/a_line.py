"""A bad line between a client and the bus: nine of ten requests fail, each in one of the ways in which lines fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests import no_tls

GOOD: Final = "good"
FAULTS: Final = ("closed", "lost", "answer lost", "half", "busy", "hotspot")
_HOTSPOT: Final = b"<html>Masuk ke WiFi</html>"
_HOP: Final = frozenset({"connection", "content-length", "transfer-encoding", "host", "accept-encoding"})
"""Fields that the line writes itself. It hands answers on unpacked, so it asks for codings that it can unpack."""


@dataclass
class Line:
    """Passes requests on to the bus, or fails.

    Attributes:
        count: requests so far.
        passed: requests whose answer came back whole.
    """

    bus: str
    random: Random
    count: int = 0
    passed: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for_request(self) -> None:
        """Return when the next request arrives."""
        self._arrived.clear()
        await self._arrived.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the request of one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.count += 1
        self._arrived.set()
        fate = self.random.choice(FAULTS) if self.random.random() < 0.9 else GOOD
        if fate == "closed":
            return
        method, path, _ = head[0].split(" ")
        fields = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in fields}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if fate in ("lost", "busy", "hotspot"):
            answer = {"lost": b"", "busy": _write(503, b"{}"), "hotspot": _write(200, _HOTSPOT)}[fate]
        else:
            answer = await self._pass_on(method, path, headers, body)
            answer = {"answer lost": b"", "half": answer[: -len(answer) // 4], GOOD: answer}[fate]
            self.passed += fate == GOOD
        writer.write(answer)
        await writer.drain()

    async def _pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        kept = {name: value for name, value in headers.items() if name not in _HOP}
        async with no_tls.AsyncClient(base_url=self.bus, timeout=30) as client:
            response = await client.request(method, path, headers=kept, content=body)
        return _write(response.status_code, response.content, response.headers["content-type"])


def _write(status: int, body: bytes, content_type: str = "text/html") -> bytes:
    head = f"HTTP/1.1 {status} Line\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return head.encode() + b"\r\n" + body


@asynccontextmanager
async def a_bad_line(bus: str, random: Random) -> AsyncIterator[tuple[str, Line]]:
    """The address of a line to the bus, and the line."""
    line = Line(bus, random)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", line
