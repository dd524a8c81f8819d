"""A receiver that answers whatever bytes a test wants, and the webhook sink that sends to it."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bus.delivery.sinks.aiohttp_inside import DRAIN_BYTES
from bus.delivery.sinks.webhook import WebhookSink
from bus.kit import Outcome
from bus.networks import Network

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
BODY = b'{"specversion":"1.0","id":"1","source":"/dpmptsp","type":"perizinan.izin","data":{}}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def says(*parts: bytes) -> Answer:
    """Answers with these bytes, each in a packet of its own."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        first, *rest = parts
        writer.write(first)
        for part in rest:
            await asyncio.sleep(0.02)
            writer.write(part)

    return answer


async def hangs(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def resets(writer: asyncio.StreamWriter) -> None:
    linger_not = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
    writer.transport.abort()


async def closes(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def drips(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


@dataclass
class Pours:
    """Answers with a body that does not end, and counts its bytes."""

    poured: int = 0

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            writer.write(b"x" * DRAIN_BYTES)
            await writer.drain()
            self.poured += DRAIN_BYTES


@dataclass
class Receiver:
    """A sink's side: what it was sent, and over how many connections."""

    address: str
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    connections: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the sink has ended a connection."""


@asynccontextmanager
async def a_receiver(
    *answers: Answer, host: str = "127.0.0.1", name: str | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """A server that answers the first request with the first answer and so on; the last one goes on."""
    receiver, script, tasks = Receiver(""), list(answers or [says(OK)]), set[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        receiver.connections += 1
        try:
            while True:
                target, *request = await a_request(reader)
                receiver.targets.append(target)
                receiver.requests.append((request[0], request[1]))
                answer = script.pop(0) if len(script) > 1 else script[0]
                await answer(writer)
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            receiver.ended.set()
            writer.transport.abort()

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    receiver.address = f"{'https' if tls else 'http'}://{name or host}:{port}/hook?token=rahasia"
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()


async def a_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """A request's target, header fields and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:-2])}
    return head[0].split(" ")[1], headers, await reader.readexactly(int(headers["content-length"]))


@asynccontextmanager
async def a_sink(seconds: float = 5.0, allowed: Sequence[Network] = LOOPBACK) -> AsyncIterator[WebhookSink]:
    sink = WebhookSink(allowed, seconds)
    try:
        yield sink
    finally:
        await sink.close()


async def the_outcome(*answers: Answer, seconds: float = 5.0) -> Outcome:
    """What one delivery to a receiver that answers so comes to."""
    async with a_receiver(*answers) as receiver, a_sink(seconds) as sink:
        outcome = await sink.send(receiver.address, BODY, {})
    assert "rahasia" not in outcome.detail
    return outcome
