"""Long-polls and streams end when what lets their reader read ends, not with the next sign of life."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from bus import json
from bus.contracts import Waiting
from bus.http.page import Reading
from bus.http.waiting import WaitingReaders
from bus.identity.keys import Keys
from bus.problem import Refused, Unavailable
from bus.storage import Storage
from tests import no_tls
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.attacks.a_live_bus import a_live_bus, until
from tests.builders import WARGA, a_document, a_grant, a_person
from tests.http.a_feed import FEED

READERS = 100
SOON = 5
"""Seconds; a third of the time between two signs of life."""


@pytest.fixture
async def live(storage: Storage, bus_keys: Keys, tmp_path: Path) -> AsyncIterator[Bus]:
    async with a_live_bus(storage, bus_keys, tmp_path) as bus:
        bus.apply(a_document(a_grant("dinkes")))
        yield bus
        await bus.close()


def problem_in(text: bytes) -> dict[str, Any]:
    """The problem that a stream ended with, and nothing else beside `retry`."""
    retry, event, end = text.decode().split("\n\n")
    assert (retry.partition(": ")[0], end) == ("retry", "")
    name, _, data = event.partition("\n")
    assert name == "event: problem"
    problem: dict[str, Any] = json.loads(data.removeprefix("data: "))
    return problem


async def suspend(bus: Bus, token: str) -> None:
    await asyncio.to_thread(bus.rooms.grants.suspend, WARGA, "dinkes", "sedang diperiksa", Waiting.KEEP, OPERATOR)


async def retire(bus: Bus, token: str) -> None:
    await asyncio.to_thread(bus.rooms.catalogue.registrar.retire, WARGA, "1.0.0", OPERATOR)


async def grant_nothing(bus: Bus, token: str) -> None:
    await asyncio.to_thread(bus.apply, a_document(version="1.1.0"))
    await retire(bus, token)


async def revoke_token(bus: Bus, token: str) -> None:
    principal = bus.rooms.tokens.verify(token.encode())
    await asyncio.to_thread(bus.rooms.tokens.revoke, principal, OPERATOR)


async def remove_client(bus: Bus, token: str) -> None:
    client_id = bus.rooms.tokens.verify(token.encode()).client_id
    await asyncio.to_thread(bus.rooms.participants.revoke_client, "dinkes", client_id, OPERATOR)


async def test_readers_that_one_event_wakes_all_get_it(live: Bus):
    """More of them than requests of one participant may wait for a thread: the last ones once got 429."""
    async with live.served() as address:
        client = live.reader("dinkes", address=address)
        waiting = [asyncio.create_task(client.get(FEED, params={"wait": 30})) for _ in range(READERS)]
        await until(lambda: live.rooms.tail.waiters == READERS)
        position = await live.publish(a_person())
        pages = [(await one).json() for one in waiting]
    assert [[int(event["sequence"]) for event in page["events"]] for page in pages] == [[position]] * READERS


async def test_an_event_outside_its_rows_does_not_wake_a_reader(live: Bus, monkeypatch: pytest.MonkeyPatch):
    rows = [{"exact": {"desa": "sembung"}}]
    live.apply(a_document(a_grant("dinkes", rows=rows), version="1.1.0"))
    looks = 0
    look = Reading.read_woken

    async def count(reading: Reading, steps: Any) -> Any:
        nonlocal looks
        looks += 1
        return await look(reading, steps)

    monkeypatch.setattr(Reading, "read_woken", count)
    async with live.served() as address:
        client = live.reader("dinkes", address=address)
        waiting = asyncio.create_task(client.get(FEED, params={"wait": 30}))
        await until(lambda: live.rooms.tail.waiters == 1)
        for number in range(20):
            hidden = await live.publish(a_person(number, desa="made"))
            await until(lambda reached=hidden: live.rooms.tail.position == reached)
        position = await live.publish(a_person(desa="sembung"))
        page = (await waiting).json()
    assert [int(event["sequence"]) for event in page["events"]] == [position]
    assert looks == 1


End = Callable[[Bus, str], Awaitable[None]]
ENDS = [(suspend, 403), (retire, 404), (grant_nothing, 403), (revoke_token, 401), (remove_client, 401)]


@asynccontextmanager
async def a_silent_stream(bus: Bus, token: str) -> AsyncIterator[httpx.Response]:
    """A stream that has nothing to say, on a real connection."""
    async with (
        bus.served() as address,
        no_tls.AsyncClient(base_url=address, timeout=60) as client,
        client.stream("GET", FEED, headers={"authorization": token, "accept": "text/event-stream"}) as answer,
    ):
        await until(lambda: bus.rooms.tail.waiters == 1)
        yield answer


@pytest.mark.parametrize(("end", "status"), ENDS)
async def test_a_silent_stream_ends_at_once_with_the_reason(live: Bus, end: End, status: int):
    token = live.token("dinkes")
    async with a_silent_stream(live, token) as answer:
        await end(live, token)
        async with asyncio.timeout(SOON):
            assert problem_in(await answer.aread())["status"] == status


async def test_a_reader_is_told_who_suspended_its_grant_and_why(live: Bus):
    token = live.token("dinkes")
    async with a_silent_stream(live, token) as answer:
        await suspend(live, token)
        async with asyncio.timeout(SOON):
            problem = problem_in(await answer.aread())
    assert problem["type"] == "urn:bus:problem:grant-suspended"
    assert problem["detail"].endswith(": sedang diperiksa")


async def test_a_stream_that_is_reading_when_its_grant_ends_gives_no_further_event(live: Bus):
    token = live.token("dinkes")
    async with a_silent_stream(live, token) as answer:
        await grant_nothing(live, token)
        await live.publish(a_person())
        async with asyncio.timeout(SOON):
            assert problem_in(await answer.aread())["type"] == "urn:bus:problem:not-granted"


@pytest.mark.parametrize(("end", "status"), ENDS)
async def test_a_long_poll_ends_at_once_with_the_reason(live: Bus, end: End, status: int):
    client = live.reader("dinkes")
    waiting = asyncio.create_task(client.get(FEED, params={"wait": 60}))
    await until(lambda: live.rooms.tail.waiters == 1)
    await end(live, client.headers["authorization"])
    async with asyncio.timeout(SOON):
        assert (await waiting).status_code == status


async def test_a_long_poll_ends_with_its_token(live: Bus):
    client = live.reader("dinkes")
    client.headers["authorization"] = live.token("dinkes", seconds=2)
    async with asyncio.timeout(10):
        await client.get(FEED, params={"wait": 60})


async def test_a_stream_sleeps_through_changes_that_leave_it_its_grant(live: Bus):
    async with a_silent_stream(live, live.token("dinkes")) as answer:
        live.token("dinsos")
        await asyncio.to_thread(live.apply, a_document(a_grant("dinkes"), version="1.1.0"))
        await revoke_token(live, live.token("dinkes"))
        position = await live.publish(a_person())
        async with asyncio.timeout(SOON):
            text = ""
            async for part in answer.aiter_text():
                text += part
                if f'"sequence":"{position:020}"' in text:
                    break
            else:
                pytest.fail("the stream ended")


class AReader:
    """A waiting reader whose token and grant say what they are told to."""

    def __init__(self, token: Refused | None = None, grant: Refused | None = None) -> None:
        self._token = token
        self._grant = grant
        self.token = (str(id(self)).encode(), "")
        self.grant = (str(id(self)), "dinkes")
        self.looks = 0
        self.refusal: Refused | None = None

    def check_token(self) -> None:
        self.looks += 1
        if self._token is not None:
            raise self._token

    def check_grant(self) -> None:
        if self._grant is not None:
            raise self._grant

    def end(self, refusal: Refused) -> None:
        self.refusal = refusal

    def finish(self) -> None:
        raise NotImplementedError


@asynccontextmanager
async def followed(today: Callable[[], date]) -> AsyncIterator[WaitingReaders]:
    readers = WaitingReaders(today)
    following = asyncio.create_task(readers.follow())
    await asyncio.sleep(0)
    yield readers
    following.cancel()
    await asyncio.wait([following])


async def test_a_reader_is_woken_after_the_last_day_of_its_grant():
    days = [date(2026, 11, 30)]
    ended, goes_on = AReader(grant=Refused("over")), AReader()
    async with followed(lambda: days[-1]) as readers:
        with readers.enter(ended), readers.enter(goes_on):
            days.append(date(2026, 12, 1))
            await until(lambda: ended.refusal is not None, SOON)
    assert goes_on.refusal is None


async def test_a_database_that_does_not_answer_ends_nobodys_reading():
    away, gone = AReader(token=Unavailable("away")), AReader(token=Refused("gone"))
    async with followed(lambda: date(2026, 11, 30)) as readers:
        with readers.enter(away), readers.enter(gone):
            readers.tokens_changed()
            await until(lambda: gone.refusal is not None, SOON)
            assert (away.looks, away.refusal) == (1, None)


async def test_readers_that_share_a_grant_cost_one_look():
    readers = [AReader(grant=Refused("over")) for _ in range(200)]
    for one in readers:
        one.token, one.grant = readers[0].token, readers[0].grant
    async with followed(lambda: date(2026, 11, 30)) as waiting, AsyncExitStack() as stack:
        for one in readers:
            stack.enter_context(waiting.enter(one))
        waiting.grants_changed()
        await until(lambda: all(one.refusal is not None for one in readers), SOON)
    assert sum(one.looks for one in readers) == 1


async def test_a_change_of_clients_looks_at_no_grant():
    reader = AReader(grant=Refused("over"))
    async with followed(lambda: date(2026, 11, 30)) as readers:
        with readers.enter(reader):
            readers.tokens_changed()
            await until(lambda: reader.looks == 1, SOON)
            assert reader.refusal is None
            readers.grants_changed()
            await until(lambda: reader.refusal is not None, SOON)
