"""Webhook receivers on a real socket: each sink verifies signatures with the Standard Webhooks library and keeps what came."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from tests.services.waiting import until


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request whose signature was right. `at` is in seconds of a clock that does not go back."""

    message: str
    event: dict[str, Any]
    at: float
    headers: dict[str, str]


Answer = Callable[[Arrival], web.Response]


def takes(arrival: Arrival) -> web.Response:
    """Acknowledge."""
    return web.Response(status=204)


def answers(status: int, **headers: str) -> Answer:
    """Answer everything with a status."""
    return lambda arrival: web.Response(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})


@dataclass
class Sink:
    """One subscriber's endpoint. Set `answer` to change what it says; only what it took with 2xx counts as taken."""

    url: str
    answer: Answer = takes
    secrets: list[str] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    taken: list[Arrival] = field(default_factory=list)
    forged: int = 0
    begun: int = 0
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def ids(self) -> Counter[str]:
        """How often each event was taken."""
        return Counter(arrival.event["id"] for arrival in list(self.taken))

    def waits_for(self, *ids: str, seconds: float = 30.0) -> None:
        """Wait until these events were taken."""
        until(lambda: set(ids) <= self.ids().keys(), seconds)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request, once the gate is open; `begun` counts those that came in."""
        self.begun += 1
        body = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()}
        await _eventually(lambda: self.secrets and self.gate.is_set())
        if not any(_is_signed(secret, body, headers) for secret in self.secrets):
            self.forged += 1
            return web.Response(status=401)
        arrival = Arrival(headers["webhook-id"], json.loads(body), time.monotonic(), headers)
        self.arrivals.append(arrival)
        answer = self.answer(arrival)
        if answer.status < 300:
            self.taken.append(arrival)
        return answer


async def _eventually(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - the test's thread makes it true
        await asyncio.sleep(0.01)


def _is_signed(secret: str, body: str, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


@dataclass
class Receiver:
    """A server of sinks."""

    address: str
    sinks: dict[str, Sink] = field(default_factory=dict)

    def sink(self, name: str, answer: Answer = takes) -> Sink:
        """A new sink; not to be asked for twice."""
        return self.sinks.setdefault(f"/{name}", Sink(f"{self.address}/{name}", answer))

    async def handle(self, request: web.Request) -> web.Response:
        """Find the sink of a request."""
        return await self.sinks[request.path].handle(request)


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    """A receiver in a thread of its own."""
    loop = asyncio.new_event_loop()
    started: Future[Receiver] = Future()
    stopping = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(started, stopping),), daemon=True)
    thread.start()
    try:
        yield started.result(10)
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()


async def _serve(started: "Future[Receiver]", stopping: asyncio.Event) -> None:
    receiver = Receiver("")
    app = web.Application()
    app.router.add_post("/{name}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    started.set_result(receiver)
    await stopping.wait()
    await runner.cleanup()
