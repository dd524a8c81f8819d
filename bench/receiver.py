"""The receiver of webhooks: answers at once, counts, and tells when each event came."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, Final

from bench.events import licence_of
from bench.load import until
from samples.port import free_port

_TAKEN: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_REFUSED: Final = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_STRAGGLERS: Final = 100


class Receiver:
    """What came so far.

    Attributes:
        arrivals: when each licence came first (`time.perf_counter`).
        bodies: some of what came, for a baseline that posts the same.
        takes: whether it takes what comes; else it answers 503, and does not count it.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.count = 0
        self.arrivals: dict[bytes, float] = {}
        self.bodies: list[bytes] = []
        self.takes = True

    def answer(self, body: bytes) -> bytes:
        """Take one request's body, and answer."""
        if not self.takes:
            return _REFUSED
        self.count += 1
        if len(self.bodies) < 100:
            self.bodies.append(body)
        if (licence := licence_of(body)) is not None:
            self.arrivals.setdefault(licence, time.perf_counter())
        return _TAKEN

    async def rate(self, seconds: float) -> float:
        """Requests a second, once they come; the last ones of a sender just stopped are not taken for a beginning."""
        await self.more_than(self.count + _STRAGGLERS)
        begin, before = time.perf_counter(), self.count
        await asyncio.sleep(seconds)
        return (self.count - before) / (time.perf_counter() - begin)

    async def all_of(self, licences: Collection[bytes], seconds: float) -> None:
        """Wait until each of these licences came."""
        missing = list(licences)

        def came() -> bool:
            while missing and missing[-1] in self.arrivals:
                missing.pop()
            return not missing

        await until(came, seconds)

    async def more_than(self, count: int, seconds: float = 60.0) -> None:
        """Wait until more than so many requests came."""
        await until(lambda: self.count > count, seconds)


class _Connection(asyncio.Protocol):
    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._buffer, 0, max(head, 0))
        if length is not None and len(self._buffer) >= head + 4 + int(length[1]):
            body, self._buffer = self._buffer[head + 4 :], b""
            self._transport.write(self._answer(body))


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    port = free_port()
    receiver = Receiver(port)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(receiver.answer), "127.0.0.1", port)
    try:
        yield receiver
    finally:
        server.close()
