"""The load generator: keep-alive connections on raw asyncio transports that write requests encoded before.

It has a core of its own and is the same for the bus and for every baseline.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

WARM_UP: Final = 0.3
"""Seconds at the beginning of a measurement that do not count."""
_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_TICK: Final = 0.001


class Unanswered(Exception):
    """A request was not answered with the status that it should have."""


@dataclass(slots=True)
class Sample:
    """What one measurement saw.

    Attributes:
        rate: answers a second.
        answers: all of them, those of the warm-up included.
        seconds: the round trip of each request, in the order of the answers.
        busy: share of its core that the load generator used; near 1 it was the bottleneck.
    """

    rate: float
    answers: int
    busy: float
    seconds: Sequence[float] = field(repr=False)


class Connection(asyncio.Protocol):
    """One connection with at most one request in flight."""

    def __init__(self, answered: Callable[["Connection"], None]) -> None:
        self._answered = answered
        self._head = b""
        self._missing = 0
        self._transport: Any = None
        self._hung_up = False
        self.sent = 0.0
        self.failure: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, request: bytes, at: float | None = None) -> None:
        """Write a request; `at` is when it should have been sent."""
        self.sent = time.perf_counter() if at is None else at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            self._read_head()
        if not self._head and self._missing == 0:
            self._answered(self)

    def _read_head(self) -> None:
        """Once the head is there: how much of the body is missing."""
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(self._head, 0, end)
        self._missing = end + 4 + int(found[1] if found else 0) - len(self._head)
        if not self._head.startswith(b"HTTP/1.1 20"):
            self.failure = self._head[:600].decode(errors="replace")
        self._head = b""

    def connection_lost(self, error: Exception | None) -> None:
        if not self._hung_up:
            self.failure = "the connection was closed"
            self._answered(self)

    def close(self) -> None:
        """Hang up."""
        self._hung_up = True
        self._transport.close()


async def _connect(port: int, count: int, answered: Callable[[Connection], None]) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = [loop.create_connection(lambda: Connection(answered), "127.0.0.1", port) for _ in range(count)]
    return [connection for _, connection in await asyncio.gather(*made)]


async def closed_loop(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Sample:
    """Send on each connection as fast as the answers come, until the time or the requests end."""
    begin = time.perf_counter() + WARM_UP
    end = begin + seconds
    took: list[float] = []
    answers = 0
    idle = asyncio.Semaphore(0)

    def answered(connection: Connection) -> None:
        nonlocal answers
        answers += 1
        now = time.perf_counter()
        if begin <= now < end:
            took.append(now - connection.sent)
        request = next(requests, None) if now < end and connection.failure is None else None
        if request is None:
            idle.release()
        else:
            connection.send(request)

    opened = await _connect(port, connections, answered)
    cpu = time.process_time()
    for connection in opened:
        connection.send(next(requests))
    async with asyncio.timeout(seconds + 30):
        for _ in opened:
            await idle.acquire()
    busy = (time.process_time() - cpu) / (seconds + WARM_UP)
    _hang_up(opened)
    return Sample(len(took) / seconds, answers, busy, took)


async def once(port: int, request: bytes) -> None:
    """One request on a connection of its own."""
    answered = asyncio.Event()
    (connection,) = await _connect(port, 1, lambda _: answered.set())
    connection.send(request)
    async with asyncio.timeout(60):
        await answered.wait()
    _hang_up([connection])


async def open_loop(port: int, requests: Iterator[bytes], connections: int, seconds: float, rate: float) -> Sample:
    """Send `rate` requests a second whatever the answers do.

    A request that finds no connection free waits, and its time counts from when it was due: a server that stalls is not
    spared the requests that would have come meanwhile.
    """
    took: list[float] = []
    waiting: deque[tuple[bytes, float]] = deque()
    free: list[Connection] = []
    begin = time.perf_counter() + WARM_UP

    def answered(connection: Connection) -> None:
        now = time.perf_counter()
        if connection.sent >= begin:
            took.append(now - connection.sent)
        if waiting and connection.failure is None:
            connection.send(*waiting.popleft())
        else:
            free.append(connection)

    opened = await _connect(port, connections, answered)
    free.extend(opened)
    cpu, started, sent = time.process_time(), time.perf_counter(), 0
    while (now := time.perf_counter()) < begin + seconds:
        for _ in range(int((now - started) * rate) - sent):
            sent += 1
            if free:
                free.pop().send(next(requests))
            else:
                waiting.append((next(requests), now))
        await asyncio.sleep(_TICK)
    await until(lambda: len(free) == len(opened), 30)
    busy = (time.process_time() - cpu) / (seconds + WARM_UP)
    _hang_up(opened)
    return Sample(len(took) / seconds, sent, busy, took)


async def until(condition: Callable[[], bool], seconds: float, every: float = _TICK) -> None:
    """Wait until something holds, which is looked at now and then: an event set by each request would cost what is measured."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(every)


def _hang_up(connections: Sequence[Connection]) -> None:
    for connection in connections:
        connection.close()
    for connection in connections:
        if connection.failure is not None:
            raise Unanswered(connection.failure)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
