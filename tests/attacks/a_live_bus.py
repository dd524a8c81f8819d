"""A bus that delivers, in the test's own process, and sinks on real sockets. The sinks do what an attacker tells them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from bus import json
from bus.agencies.registry import Agencies
from bus.delivery.names import Names
from bus.delivery.subscription import AgencySink, NewSubscription, Webhook
from bus.http.edge import create_edge
from bus.http.health import Health
from bus.identity.keys import Keys
from bus.identity.participants import Kind
from bus.problem import Conflict
from bus.process import Process, Role, Wakeups
from bus.settings import load_settings
from bus.storage import Storage
from tests.a_bus import ADDRESS, Bus
from tests.an_actor import OPERATOR
from tests.builders import WARGA

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def a_live_bus(
    storage: Storage,
    keys: Keys,
    folder: Path,
    agencies: Agencies | None = None,
    names: Names | None = None,
    **settings: object,
) -> AsyncIterator[Bus]:
    """A bus with all roles at work."""
    given = {
        "sink_networks": "127.0.0.0/8",
        "sink_timeout_seconds": 1.0,
        "retry_first_seconds": 0.1,
        "retry_longest_seconds": 0.2,
        "drain_seconds": 0.2,
    }
    loaded = load_settings(data_dir=folder, broker_prefix=f"attack-{uuid4().hex}", **given | settings)
    process = Process(loaded, storage, keys, ADDRESS, list(Role), Wakeups())
    if agencies is not None:
        process.rooms = replace(process.rooms, agencies=agencies)
    if names is not None:
        process.rooms = replace(process.rooms, names=names)
    async with AsyncExitStack() as stack:
        await process.start(stack)
        yield Bus(process.rooms, create_edge(process.rooms, Health({})))


def subscribe(bus: Bus, participant: str, sink: Webhook | AgencySink, contract: str = WARGA) -> str:
    """A subscription of a participant from the beginning; its id."""
    register = bus.rooms.participants
    with suppress(Conflict):
        register.add(participant, participant, Kind.APP, OPERATOR)
    return bus.rooms.subscriptions.add(NewSubscription(participant, [contract], sink, after=0), OPERATOR).id


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - other tasks make it true
            await asyncio.sleep(0.01)


@dataclass
class ASink:
    """A sink's side: whose data it read, over how many connections."""

    url: str = ""
    persons: list[str] = field(default_factory=list)
    open: int = 0
    most_open: int = 0


@asynccontextmanager
async def a_sink(
    answer: Answer, *, reads: bool = True, host: str = "127.0.0.1", seen: Callable[[str], None] | None = None
) -> AsyncIterator[ASink]:
    """A server that reads each request, unless told not to, and then answers as an attacker likes.

    Args:
        host: where it listens; its address is of this machine in any case.
        seen: called with each person whose data came, in the moment that they came.
    """
    sink, tasks = ASink(), set[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        sink.open += 1
        sink.most_open = max(sink.most_open, sink.open)
        try:
            while True:
                if reads:
                    person = await a_person_in(reader)
                    if seen is not None:
                        await asyncio.to_thread(seen, person)
                    sink.persons.append(person)
                await answer(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            sink.open -= 1
            writer.transport.abort()

    server = await asyncio.start_server(serve, host, 0)
    sink.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield sink
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)


async def a_person_in(reader: asyncio.StreamReader) -> str:
    """Read a request; whose data it holds."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    length = next(int(line.split(":")[1]) for line in head if line.startswith("content-length:"))
    body = json.loads(await reader.readexactly(length))
    return str((body.get("data") or {}).get("nik", ""))


def says(*parts: bytes) -> Answer:
    """Answers with these bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return answer


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Leaves the bus waiting until that hangs up."""
    while await reader.read(65_536):
        pass
    raise ConnectionResetError


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hangs up."""
    raise ConnectionResetError
