"""Attacks with connections, over real sockets: half heads, idle and busy connections by the dozen."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import httpx
import pytest

from bus.http.publish import Receive, Scope, Send
from tests.a_bus import Bus
from tests.a_connection import HALF, HEALTH, Connection, a_publication
from tests.attacks.a_crowd import assert_goes_on
from tests.attacks.a_live_bus import until
from tests.attacks.test_unread import ended

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ELSEWHERE = "127.0.0.2"


async def test_half_heads_by_the_hundred_hold_up_nobody(bus: Bus, authorization: str):
    numbers = itertools.count()
    async with bus.opened(max_connections=60, max_connections_per_address=30) as (address, _):

        async def publish() -> None:
            connection = await Connection.to(address)
            assert (await connection.ask(a_publication(authorization, next(numbers)))).status_code == 202
            connection.writer.close()

        @asynccontextmanager
        async def saying_half_heads() -> AsyncIterator[None]:
            attackers = [await Connection.to(address, f"127.0.0.{2 + number % 4}") for number in range(300)]
            for one in attackers:
                with suppress(ConnectionError):
                    await one.say(HALF)
            yield
            assert (await (await Connection.to(address)).ask(HEALTH)).status_code == 200
            closed = await asyncio.gather(*(one.is_closed(0.3) for one in attackers))
            assert sum(closed) >= 240
            for one in attackers:
                one.writer.close()

        await assert_goes_on(publish, saying_half_heads)


HALF_BODY: Final = (
    b"POST /oauth/token HTTP/1.1\r\nhost: bus\r\ncontent-type: application/x-www-form-urlencoded\r\n"
    b"expect: 100-continue\r\ncontent-length: 500\r\n\r\n"
)


async def test_half_bodies_without_a_token_shut_out_no_office(bus: Bus, authorization: str):
    async with bus.opened(max_connections=12, max_connections_per_address=6, operator_networks=()) as (address, _):
        office = await Connection.to(address)
        assert (await office.ask(a_publication(authorization, 0))).status_code == 202
        idle = []
        for _ in range(5):
            idle.append(await Connection.to(address, "127.0.0.20"))
            assert (await idle[-1].ask(HEALTH)).status_code == 200
        attackers = []
        for number in range(11):
            attackers.append(await Connection.to(address, f"127.0.0.{2 + number % 8}"))
            await attackers[-1].say(HALF_BODY)
            async with asyncio.timeout(20):
                await attackers[-1].reader.readuntil(b"100 Continue\r\n\r\n")
        # They have a quarter of the places, and take none of those who finish what they begin.
        assert sum(await asyncio.gather(*(one.is_closed(1) for one in attackers))) >= 8
        assert not any(await asyncio.gather(*(one.is_closed(0.1) for one in idle)))
        connections, numbers = [office], itertools.count(1)
        for _ in range(4):
            connections.append(await Connection.to(address))
            for one in connections:
                assert (await one.ask(a_publication(authorization, next(numbers)))).status_code == 202
        for one in (*attackers, *idle, *connections):
            one.writer.close()


async def busy_connections(address: str, authorization: str, count: int, source: str) -> list[Connection]:
    """Connections that are all in the middle of a body."""
    made = []
    for number in range(count):
        connection = await Connection.to(address, source)
        await connection.say(a_publication(authorization, number, expect="100-continue")[:-5])
        async with asyncio.timeout(20):
            await connection.reader.readuntil(b"100 Continue\r\n\r\n")
        made.append(connection)
    return made


async def ask_once(address: str, text: bytes) -> httpx.Response:
    """The answer on a connection of its own, which ends behind it: an idle one would be pushed out in another's place."""
    connection = await Connection.to(address)
    answer = await connection.ask(text)
    connection.writer.close()
    await connection.writer.wait_closed()
    return answer


async def test_when_every_connection_is_busy_health_and_the_operator_still_get_in(bus: Bus, authorization: str):
    async with bus.opened(max_connections=6, operator_networks=()) as (address, _):
        busy = await busy_connections(address, authorization, 3, ELSEWHERE)
        busy += await busy_connections(address, authorization, 3, "127.0.0.3")
        assert (await ask_once(address, HEALTH)).status_code == 200
        refused = await ask_once(address, a_publication(authorization, 50))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        await busy[0].say(a_publication(authorization, 0)[-5:])
        assert (await busy[0].answer()).status_code == 202
        # That one has nothing to do now, and makes room as soon as somebody looks again.
        while (await ask_once(address, a_publication(authorization, 51))).status_code == 503:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert await busy[0].is_closed()
    async with bus.opened(max_connections=6) as (address, _):
        busy = await busy_connections(address, authorization, 3, ELSEWHERE)
        busy += await busy_connections(address, authorization, 3, "127.0.0.3")
        operator = await Connection.to(address)
        assert (await operator.ask(a_publication(authorization, 52))).status_code == 202


async def test_one_address_does_not_take_the_connections_of_others(bus: Bus, authorization: str):
    async with bus.opened(max_connections_per_address=4, operator_networks=()) as (address, _):
        idle = await Connection.to(address, ELSEWHERE)
        assert (await idle.ask(HEALTH)).status_code == 200
        await busy_connections(address, authorization, 4, ELSEWHERE)
        assert await idle.is_closed()
        one_more = await Connection.to(address, ELSEWHERE)
        assert (await one_more.ask(a_publication(authorization, 50))).status_code == 503
        other = await Connection.to(address)
        assert (await other.ask(a_publication(authorization, 51))).status_code == 202


async def test_the_head_has_to_come_in_time(bus: Bus):
    async with bus.opened(head_seconds=0.5) as (address, _):
        silent, slow = await Connection.to(address), await Connection.to(address)
        await slow.say(HALF)
        for byte in b"x-drip: aaaaaa":
            await slow.say(bytes([byte]))
            await asyncio.sleep(0.02)
        assert (await slow.answer()).status_code == 408
        assert await slow.is_closed()
        assert await silent.is_closed()


async def test_an_idle_connection_is_closed_and_a_used_one_is_not(bus: Bus):
    async with bus.opened(idle_seconds=1.5) as (address, _):
        idle, used = await Connection.to(address), await Connection.to(address)
        for connection in (idle, used):
            assert (await connection.ask(HEALTH)).status_code == 200
        closing = asyncio.create_task(idle.is_closed())
        while not closing.done():
            assert (await used.ask(HEALTH)).status_code == 200
            await asyncio.sleep(0.05)
        assert await closing
        assert (await used.ask(HEALTH)).status_code == 200


async def test_requests_ahead_of_their_turn_wait_outside(bus: Bus):
    asked = asyncio.Event()

    async def never(_: Scope, receive: Receive, __: Send) -> None:
        asked.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    async with bus.opened(never) as (address, _):
        connection = await Connection.to(address)
        await connection.say(HEALTH)
        await asked.wait()
        # More than the kernel keeps for both ends: it is not read, so it cannot all be sent.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await connection.say(HEALTH * (20_000_000 // len(HEALTH)))
        connection.writer.transport.abort()


async def test_who_stops_the_bus_waits_for_requests_and_not_for_half_heads(bus: Bus, authorization: str):
    async with bus.opened() as (address, door):
        idle, half, busy = [await Connection.to(address) for _ in range(3)]
        assert (await idle.ask(HEALTH)).status_code == 200
        await half.say(HALF)
        await busy.say(a_publication(authorization, 1)[:-5])
        # All three are known to the bus: this answer comes after what they said.
        assert (await (await Connection.to(address)).ask(HEALTH)).status_code == 200
        closing = asyncio.create_task(door.close(20))
        assert await idle.is_closed()
        assert await half.is_closed()
        assert not closing.done()
        answer = await busy.ask(a_publication(authorization, 1)[-5:])
        assert (answer.status_code, answer.headers["connection"]) == (202, "close")
        await closing


async def test_connections_that_are_late_together_are_not_ended_in_one_turn_of_the_loop(bus: Bus):
    ends, running = [ended("head_late")], True

    async def watch() -> None:
        while running:
            ends.append(ended("head_late"))
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    async with bus.opened(head_seconds=0.5) as (address, _):
        crowd = [await Connection.to(address, f"127.0.0.{2 + number % 4}") for number in range(300)]
        await until(lambda: ended("head_late") >= ends[0] + len(crowd))
        for one in crowd:
            one.writer.close()
    running = False
    await watching
    assert max(after - before for before, after in itertools.pairwise(ends)) <= 100
