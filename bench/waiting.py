"""Publishing beside readers that wait: long-polls and streams of a contract to which nothing is published.

They must cost the publishers of other contracts nothing, and little memory.
"""

import asyncio
import shutil
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench import load
from bench.events import requests
from bench.processes import memory
from bench.ratio import Difference, Ratio, in_turns
from bench.site import Running, Site
from samples.port import free_port

_IDLE_CONTRACT: Final = "kependudukan.peristiwa"
"""The consumer has a grant in it, and nobody publishes to it."""
_CONNECTIONS: Final = 32
_SHARE: Final = 0.5
"""Of the rate that the bus reaches alone, at which the percentile is measured."""
_LEAST_RATE: Final = 50.0
_OPENED_AT_ONCE: Final = 100
"""Of the 256 requests of one participant that may wait for their turn. Long-polls that come again need room beside them."""
_READERS_AN_ADDRESS: Final = 500
"""The bus gives one address half of its connections at most. It would close those of the publisher, who has this address too."""
_READY_SECONDS: Final = 300
_READY_SHARE: Final = 0.99
"""Of the readers that must wait at the same moment. Some of the long-polls are always between two requests."""
_KILOBYTES_EACH: Final = 60


class Reader(asyncio.Protocol):
    """One waiting reader; a long-poll asks again when it is answered."""

    def __init__(self, request: bytes, *, is_stream: bool) -> None:
        self._request = request
        self._is_stream = is_stream
        self._transport: Any = None
        self._is_closed = False
        self.refusal = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note a refusal; ask again behind the answer to a long-poll."""
        if data.startswith(b"HTTP/1.1 "):
            if not data.startswith(b"HTTP/1.1 200"):
                # It does not ask again: refused long-polls would flood the bus.
                self.refusal = data[:2000]
                return
            if not self._is_stream:
                self._transport.write(self._request)
        if self._is_stream and b"event: problem" in data:
            self.refusal = data[:2000]

    def connection_lost(self, error: Exception | None) -> None:
        """Note that the bus hung up."""
        if not self._is_closed:
            self.refusal = self.refusal or b"the connection was closed"

    def close(self) -> None:
        """Hang up."""
        self._is_closed = True
        self._transport.close()


@dataclass(frozen=True, slots=True)
class _Bus:
    """A bus that runs, and its memory before anybody waited."""

    running: Running
    resident: float


async def waiting(folder: Path, rounds: int, seconds: float, readers: int) -> Sequence[Ratio]:
    """Throughput, 99th percentile and memory with many waiting readers, against the same bus with none."""
    none = Site.make(folder / "none")
    many = replace(none, data=folder / "many")
    shutil.copytree(none.data, many.data)
    allowed = {
        "BUS_MAX_CONNECTIONS": str(readers + 1000),
        # One participant may have half of them.
        "BUS_MAX_WAITING_READERS": str(2 * readers),
        "BUS_LIMITS__WAITING_READERS": str(readers),
        # The benchmark asks for metrics without a token.
        "BUS_ANONYMOUS_RATE": "1000/s",
    }
    with ExitStack() as stack:
        buses: dict[str, _Bus] = {}
        operation = {name: free_port() for name in ("many", "none")}
        for name, site in {"many": many, "none": none}.items():
            # Metrics at an address of their own: a bus full of readers hangs up on requests without a token first.
            beside = {"BUS_OPERATION_ADDRESS": f"127.0.0.1:{operation[name]}"}
            running = stack.enter_context(site.running(allowed | beside))
            await load.closed_loop(running.port, requests(running.authorization), _CONNECTIONS, seconds)
            buses[name] = _Bus(running, memory(running.pid).resident)
        async with _waiting(buses["many"].running, operation["many"], readers):
            return await _compare(buses, readers, rounds, seconds)


async def _compare(buses: Mapping[str, _Bus], readers: int, rounds: int, seconds: float) -> Sequence[Ratio]:
    async def rate(bus: _Bus) -> float:
        events = requests(bus.running.authorization)
        return (await load.closed_loop(bus.running.port, events, _CONNECTIONS, seconds)).rate

    async def percentile(bus: _Bus, at: float) -> float:
        events = requests(bus.running.authorization)
        sample = await load.open_loop(bus.running.port, events, _CONNECTIONS, seconds, at)
        return load.percentile(sample.seconds, 0.99) * 1000

    async def grown(bus: _Bus) -> float:
        return memory(bus.running.pid).resident - bus.resident

    rates = await in_turns({name: partial(rate, bus) for name, bus in buses.items()}, rounds)
    at = max(_LEAST_RATE, _SHARE * min(rates["none"]))
    times = await in_turns({name: partial(percentile, bus, at) for name, bus in buses.items()}, rounds)
    sizes = await in_turns({name: partial(grown, bus) for name, bus in buses.items()}, 1)
    with_readers = f"{readers:,} waiting readers"
    per_reader = (sizes["many"][0] - sizes["none"][0]) * 1000 / readers
    return [
        Ratio(f"publish one event beside {with_readers}", "with none", rates["many"], rates["none"], 0.9),
        Ratio(f"the same, p99 at {at:,.0f}/s", "with none", times["many"], times["none"], 2.0, "ms", at_most=True),
        Difference(
            f"memory, {with_readers}",
            "with none",
            sizes["many"],
            sizes["none"],
            _KILOBYTES_EACH * readers / 1000,
            "MB",
            at_most=True,
            note=f"{per_reader:.0f} kB for each reader",
        ),
    ]


async def _await_readers(port: int, opened: Sequence[Reader]) -> None:
    """Until the bus counts nearly all readers as waiting.

    Raises:
        Unanswered: the bus refused a reader.
    """
    async with asyncio.timeout(_READY_SECONDS):
        while await asyncio.to_thread(_count_waiting, port) < _READY_SHARE * len(opened):  # in another process
            _check_none_refused(opened)
            await asyncio.sleep(0.05)


def _check_none_refused(opened: Sequence[Reader]) -> None:
    if refusals := [reader.refusal for reader in opened if reader.refusal]:
        raise load.Unanswered(f"{len(refusals):,} of {len(opened):,} readers were refused: {refusals[-1].decode()}")


def _count_waiting(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=_READY_SECONDS) as answer:
            text: str = answer.read().decode()
    except OSError:
        # A busy bus hangs up on requests without a token first.
        return 0
    return int(sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("bus_waiting_readers")))


@asynccontextmanager
async def _waiting(bus: Running, operation: int, count: int) -> AsyncIterator[None]:
    """Have readers wait: every second one is a stream, the others are long-polls.

    Args:
        operation: the port of the bus's metrics.
    """
    loop = asyncio.get_running_loop()
    opened: list[Reader] = []
    head = f"GET /v1/feeds/{_IDLE_CONTRACT}{{query}} HTTP/1.1\r\nhost: bus\r\nauthorization: {bus.consumer_authorization}\r\n"
    # Of different lengths, so that they do not come again all at once.
    polls = [f"{head.format(query=f'?wait={wait}')}\r\n".encode() for wait in range(30, 60)]
    stream = f"{head.format(query='')}accept: text/event-stream\r\n\r\n".encode()
    for start in range(0, count, _OPENED_AT_ONCE):
        made = [
            loop.create_connection(
                partial(Reader, stream if number % 2 else polls[number // 2 % len(polls)], is_stream=bool(number % 2)),
                "127.0.0.1",
                bus.port,
                local_addr=(f"127.0.1.{1 + number // _READERS_AN_ADDRESS}", 0),
            )
            for number in range(start, min(start + _OPENED_AT_ONCE, count))
        ]
        opened += [reader for _, reader in await asyncio.gather(*made)]
        # In steps: the bus answers too many requests of one participant at once with 429.
        await _await_readers(operation, opened)
    try:
        yield
        _check_none_refused(opened)
    finally:
        for reader in opened:
            reader.close()
