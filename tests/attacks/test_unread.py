"""Attacks by clients that do not read their answers."""

import asyncio
import socket
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from bus.http.publish import Receive, Scope, Send
from tests.a_bus import Bus
from tests.a_connection import HEALTH, Connection
from tests.attacks.a_crowd import a_get
from tests.attacks.a_live_bus import until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PAGE = b"x" * 16_000_000


async def a_page(_: Scope, receive: Receive, send: Send) -> None:
    """One large answer."""
    fields = [(b"content-length", b"%d" % len(PAGE))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": PAGE})
    # Waits until the client is gone, as a stream does.
    while (await receive())["type"] != "http.disconnect":
        pass


def ended(reason: str) -> float:
    """How many connections the bus has ended early for a reason."""
    return REGISTRY.get_sample_value("bus_connections_ended_total", {"reason": reason}) or 0.0


async def test_a_client_that_does_not_read_its_answer_loses_the_connection(bus: Bus):
    before = ended("answer_unread")
    async with bus.opened(a_page, write_seconds=0.5) as (address, _):
        reading, deaf = await Connection.to(address), await Connection.to(address)
        for connection in (reading, deaf):
            await connection.say(HEALTH)
        assert (await reading.answer()).content == PAGE
        await until(lambda: ended("answer_unread") > before)
        async with asyncio.timeout(20):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await deaf.reader.readexactly(len(PAGE))


async def count_unread(bus: Bus, request: bytes) -> int:
    """Bytes that the bus writes of an endless answer that nobody reads."""
    taken = 0

    async def much(scope: Scope, _: Receive, send: Send) -> None:
        nonlocal taken
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _piece in range(16 * 256):
            await send({"type": "http.response.body", "body": bytes(4096), "more_body": True})
            taken += 4096

    async with bus.opened(much) as (address, _):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.setblocking(False)
            parts = urlsplit(address)
            await asyncio.get_running_loop().sock_connect(client, (parts.hostname, parts.port))
            await asyncio.get_running_loop().sock_sendall(client, request)
            before, same = -1, 0
            async with asyncio.timeout(20):
                while same < 20:
                    await asyncio.sleep(0.01)
                    same, before = (same + 1 if taken == before else 0), taken
    return taken


async def test_the_kernel_keeps_little_of_an_answer_that_nobody_reads_and_least_of_a_strangers(
    bus: Bus, authorization: str
):
    of_stranger = await count_unread(bus, HEALTH)
    of_office = await count_unread(bus, a_get("/healthz", authorization))
    assert 0 < of_stranger < of_office < 1024 * 1024
    # The bus itself keeps up to 64 kB of each.
    assert of_office - of_stranger > 32 * 1024
