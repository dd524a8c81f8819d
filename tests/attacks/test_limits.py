"""Attacks with one client's right to do something, done without end, beside an innocent who is timed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bus import json
from bus.contracts.listing import Listing
from tests import no_tls
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.attacks.a_crowd import Requests, a_crowd, a_get, a_post, assert_goes_on
from tests.attacks.a_live_bus import until
from tests.builders import OWNER, WARGA, a_document, a_grant, an_event

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OTHER = "pajak.hal"
EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
CROWD = 60


@pytest.fixture
async def address(bus: Bus) -> AsyncIterator[str]:
    """A bus on which bapenda, the attacker, may do little."""
    grant = a_grant("bapenda")
    bus.apply(a_document(grant), a_document(grant, contract=OTHER, owner="bapenda", producers=["bapenda"]))
    bus.token("bapenda")
    limits = {"publish": "50/10s", "read": "50/10s", "manage": "50/10s", "waiting_readers": 20, "queries": "50/10s"}
    bus.rooms.limits.register.put("bapenda", limits, OPERATOR)
    bus.rooms.limits.refresh()
    async with bus.served() as address:
        yield address


def publishing(bus: Bus, http: httpx.AsyncClient, address: str) -> Callable[[], Awaitable[None]]:
    """An innocent who publishes one event."""
    headers = {"authorization": bus.token(OWNER, "events.publish"), "content-type": EVENT}
    numbers = iter(range(10**9, 2 * 10**9))

    async def publish() -> None:
        content = json.dumps(an_event(next(numbers)))
        answer = await http.post(f"{address}/v1/events", content=content, headers=headers)
        assert answer.status_code == 202, answer.text

    return publish


def _event(token: str) -> Requests:
    return lambda number: a_post("/v1/events", json.dumps(an_event(number, type=OTHER)), EVENT, token)


def _batch(token: str) -> Requests:
    def request(number: int) -> bytes:
        events = [an_event(number * 100 + index, type=OTHER) for index in range(100)]
        return a_post("/v1/events", json.dumps(events), BATCH, token)

    return request


def _rubbish(token: str) -> Requests:
    return lambda number: a_post("/v1/events", b"[" * 30_000, EVENT, token)


ATTACKS: dict[str, Callable[[str], Requests]] = {
    "events": _event,
    "batches": _batch,
    "rubbish for events": _rubbish,
    "pages": lambda token: lambda number: a_get(f"/v1/feeds/{WARGA}", token),
    "the catalogue": lambda token: lambda number: a_get("/v1/contracts", token),
    "documents": lambda token: lambda number: a_post("/v1/contracts", b"contract: x", "application/yaml", token),
    "questions": lambda token: lambda number: a_post(f"/v1/queries/{WARGA}", b"{}", "application/json", token),
}
SCOPES = ("events.publish", "events.read", "contracts.read", "contracts.write", "queries.call")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_what_one_client_does_without_end_holds_up_no_other(
    bus: Bus, address: str, attack: Callable[[str], Requests]
):
    requests = attack(bus.token("bapenda", *SCOPES))

    @asynccontextmanager
    async def attacking() -> AsyncIterator[None]:
        async with a_crowd(address, CROWD, requests) as crowd:
            await crowd.hears(429)
            yield

    async with no_tls.AsyncClient(timeout=30) as http:
        await assert_goes_on(publishing(bus, http, address), attacking)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_readers_who_wait_by_the_hundred_hold_up_no_publisher(bus: Bus, address: str, accept: str):
    token = bus.token("bapenda", "events.read")
    # No event comes there, so each reader waits.
    request = a_get(f"/v1/feeds/{OTHER}?wait=60", token).replace(b"host:", f"accept: {accept}\r\nhost:".encode())
    host, port = address.removeprefix("http://").split(":")
    limits = bus.rooms.limits

    @asynccontextmanager
    async def waiting() -> AsyncIterator[None]:
        connections = [await asyncio.open_connection(host, int(port)) for _ in range(150)]
        for _, writer in connections:
            writer.write(request)
        await until(lambda: limits.get("bapenda").waiting_readers == 20)
        yield
        assert limits.get("bapenda").waiting_readers <= 20
        for _, writer in connections:
            writer.close()
        await until(lambda: not limits.get("bapenda").waiting_readers)

    async with no_tls.AsyncClient(timeout=30) as http:
        await assert_goes_on(publishing(bus, http, address), waiting)


async def test_requests_that_take_long_take_the_threads_of_nobody_else(
    bus: Bus, address: str, monkeypatch: pytest.MonkeyPatch
):
    # Every thread that FastAPI has for a route could be taken by one participant's slow requests.
    slow, release = asyncio.Semaphore(0), asyncio.Event()
    loop = asyncio.get_running_loop()
    usual = Listing.page

    def page(listing: Listing, limit: int, after: str = "") -> Any:
        if limit == 77:
            loop.call_soon_threadsafe(slow.release)
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(30)
        return usual(listing, limit, after)

    monkeypatch.setattr(Listing, "page", page)
    bus.rooms.limits.register.put("bapenda", {}, OPERATOR)
    bus.rooms.limits.refresh()
    attacker = bus.token("bapenda", "contracts.read")
    innocent = bus.token("dinkes", "contracts.read")
    async with no_tls.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=200)) as http:

        async def read(token: str, limit: int) -> int:
            path = f"{address}/v1/contracts?limit={limit}"
            return (await http.get(path, headers={"authorization": token})).status_code

        waiting = [asyncio.create_task(read(attacker, 77)) for _ in range(100)]
        async with asyncio.timeout(20):
            for _ in range(16):
                await slow.acquire()
            assert await read(innocent, 10) == 200
        release.set()
        assert set(await asyncio.gather(*waiting)) == {200}


async def test_a_limit_refuses_nothing_that_was_acknowledged(bus: Bus, address: str):
    token = bus.token("bapenda", "events.publish")
    headers = {"authorization": token, "content-type": EVENT}
    async with no_tls.AsyncClient(timeout=30) as http:

        async def publish(number: int) -> int | None:
            content = json.dumps(an_event(number, type=OTHER))
            answer = await http.post(f"{address}/v1/events", content=content, headers=headers)
            return answer.json()["position"] if answer.status_code == 202 else None

        positions = await asyncio.gather(*(publish(number) for number in range(150)))
    acknowledged = [position for position in positions if position is not None]
    assert 50 <= len(acknowledged) < 150
    assert sorted(acknowledged) == list(range(1, len(acknowledged) + 1))
    assert bus.rooms.journal.last_position() == len(acknowledged)
