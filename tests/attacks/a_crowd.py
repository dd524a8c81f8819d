"""A crowd: many connections that ask the same thing again and again, and an innocent who is timed beside them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

Requests = Callable[[int], bytes]
"""The bytes of the request with a number."""
During = Callable[[], AbstractAsyncContextManager[object]]
"""Begins something, and ends it."""


@dataclass
class Crowd:
    """Attackers on connections of their own.

    Attributes:
        source: the attackers' address.
        statuses: how often each status was answered.
    """

    source: str = "127.0.0.1"
    statuses: Counter[int] = field(default_factory=Counter)

    async def ask(self, address: str, number: int, requests: Requests) -> None:
        """Ask on one connection until cancelled."""
        parts = urlsplit(address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, local_addr=(self.source, 0))
        try:
            while True:
                number += 1_000_000
                writer.write(requests(number))
                self.statuses[await _status(reader)] += 1
        finally:
            writer.close()

    async def hears(self, status: int) -> None:
        """Wait until a status was answered."""
        async with asyncio.timeout(60):
            while not self.statuses[status]:  # noqa: ASYNC110 - the counts tell it
                await asyncio.sleep(0.01)

    async def told(self, number: int) -> None:
        """Wait until so many answers came."""
        async with asyncio.timeout(60):
            while self.statuses.total() < number:  # noqa: ASYNC110 - the counts tell it
                await asyncio.sleep(0.01)


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in lines[1:-2])
    await reader.readexactly(int(fields.get(b"content-length", b"0")))
    return int(lines[0].split()[1])


@asynccontextmanager
async def a_crowd(address: str, size: int, requests: Requests, source: str = "127.0.0.1") -> AsyncIterator[Crowd]:
    """Attackers at work, once each of them is connected and the first ones were answered."""
    crowd = Crowd(source)
    tasks = [asyncio.create_task(crowd.ask(address, number, requests)) for number in range(size)]
    try:
        await crowd.told(size // 4)
        yield crowd
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


_ROUNDS: Final = 6
_MOST: Final = 5.0
_JITTER_SECONDS: Final = 0.005


async def assert_goes_on(act: Callable[[], Awaitable[None]], attacking: During, calm: During = nullcontext) -> None:
    """Time an innocent's act, calm and beside an attack, until one round shows that the attack does not delay it.

    Other work on the machine spoils some rounds. An attack that works spoils each round.

    Args:
        calm: what goes on while the innocent is calm.
    """
    # The first act opens the connection.
    await act()
    rounds: list[tuple[float, float]] = []
    while not (rounds and rounds[-1][1] < _MOST * rounds[-1][0] + _JITTER_SECONDS):
        assert len(rounds) < _ROUNDS, rounds
        async with calm():
            usual = await typical_seconds(act)
        async with attacking():
            rounds.append((usual, await typical_seconds(act)))


async def typical_seconds(act: Callable[[], Awaitable[None]], times: int = 15) -> float:
    """The median time of an act."""
    taken = []
    for _ in range(times):
        begun = perf_counter()
        await act()
        taken.append(perf_counter() - begun)
        await asyncio.sleep(0.01)
    return median(taken)


def a_post(path: str, body: bytes, media_type: str, authorization: str = "") -> bytes:
    """A request as it goes over a connection."""
    fields = f"authorization: {authorization}\r\n" if authorization else ""
    head = f"POST {path} HTTP/1.1\r\nhost: bus\r\n{fields}content-type: {media_type}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def a_get(path: str, authorization: str = "") -> bytes:
    """A request as it goes over a connection."""
    fields = f"authorization: {authorization}\r\n" if authorization else ""
    return f"GET {path} HTTP/1.1\r\nhost: bus\r\n{fields}\r\n".encode()
