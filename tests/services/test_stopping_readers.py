"""A stop answers those who wait: nobody has to sit out the drain, and nobody is told that the bus failed."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bus.identity.participants import Participants
from tests import no_tls
from tests.an_actor import OPERATOR
from tests.http.a_feed import positions
from tests.services.agreements import CONSUMERS, FACT, an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.running import Bus, Process, post_batch
from tests.services.waiting import until

PATIENT = {"drain_seconds": "40"}
"""A stop that sits out its bound fails the test."""
SOON = 15.0
"""Seconds; a stop of a whole process on a machine with other work takes some of them."""
FEED = f"/v1/feeds/{FACT}"
ONE, TWO = ("--workers", "1"), ("--workers", "2")


def authorise(bus: Bus) -> str:
    """The Authorization header of a consumer."""
    client, secret = Participants(bus.storage).add_client(CONSUMERS[0], ["events.read"], by=OPERATOR)
    form = {"grant_type": "client_credentials"}
    answer = no_tls.post(f"{bus.address}/oauth/token", data=form, auth=(client.client_id, secret), timeout=30)
    return f"Bearer {answer.raise_for_status().json()['access_token']}"


@asynccontextmanager
async def a_reader(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": await asyncio.to_thread(authorise, bus)}
    async with no_tls.AsyncClient(base_url=bus.address, headers=headers, timeout=60) as reader:
        yield reader


def count_waiting(bus: Bus) -> int:
    """The long-polls and streams that wait, of all processes."""
    text = no_tls.get(f"{bus.address}/metrics", timeout=10).text
    return int(sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("bus_waiting_readers")))


async def a_poll(reader: httpx.AsyncClient) -> httpx.Response:
    return await reader.get(FEED, params={"wait": 60})


async def a_stream(reader: httpx.AsyncClient) -> httpx.Response:
    return await reader.get(FEED, headers={"accept": "text/event-stream"})


async def stop(process: Process) -> float:
    """Stop a process; how long it took."""
    begun = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.popen.wait, 60) == 0
    return time.monotonic() - begun


@pytest.mark.parametrize("workers", [ONE, TWO], ids=["one", "two"])
async def test_long_polls_and_streams_end_in_order_when_the_bus_stops(
    make_bus: MakeBus, workers: tuple[str, str]
) -> None:
    bus = make_bus(**PATIENT)
    process = bus.start("api,relay,worker,adapters", *workers)
    async with a_reader(bus) as reader:
        polls = [asyncio.create_task(a_poll(reader)) for _ in range(6)]
        streams = [asyncio.create_task(a_stream(reader)) for _ in range(6)]
        await asyncio.to_thread(until, lambda: count_waiting(bus) == 12)
        taken = await stop(process)
        answers = await asyncio.gather(*polls)
        # None was broken off: httpx raises where the last chunk is missing.
        assert [answer.status_code for answer in await asyncio.gather(*streams)] == [200] * 6
    assert [(answer.status_code, answer.json()["events"]) for answer in answers] == [(200, [])] * len(polls)
    assert taken < SOON


async def test_a_poll_that_a_stop_ended_goes_on_where_it_was(make_bus: MakeBus) -> None:
    bus = make_bus(**PATIENT)
    process = bus.start()
    async with a_reader(bus) as reader:
        poll = asyncio.create_task(a_poll(reader))
        await asyncio.to_thread(until, lambda: count_waiting(bus) == 1)
        await stop(process)
        cursor = (await poll).json()["next"]
    bus.start()
    (position,) = await asyncio.to_thread(bus.publish, an_agreed_event("behind-the-stop"))
    async with a_reader(bus) as reader:
        page = (await reader.get(FEED, params={"after": cursor, "wait": 30})).json()
    assert positions(page["events"]) == [position]


async def test_a_stream_that_nobody_reads_does_not_hold_up_a_stop(make_bus: MakeBus) -> None:
    bus = make_bus(**PATIENT)
    process = bus.start()
    many = [an_agreed_event(f"unread-{number}", isi="a" * 20_000) for number in range(400)]
    connection = await _open_unread(bus, await asyncio.to_thread(authorise, bus))
    await asyncio.to_thread(_publish_all, bus, many)
    assert await stop(process) < SOON
    connection.close()


def _publish_all(bus: Bus, events: list[dict[str, object]]) -> None:
    with bus.client() as client:
        for start in range(0, len(events), 100):
            post_batch(client, events[start : start + 100]).raise_for_status()


async def _open_unread(bus: Bus, authorization: str) -> asyncio.StreamWriter:
    """A stream that nobody reads any further than its head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port, limit=1024)
    writer.write(
        f"GET {FEED} HTTP/1.1\r\nhost: bus\r\nauthorization: {authorization}\r\naccept: text/event-stream\r\n\r\n".encode()
    )
    assert b"200" in await reader.readline()
    return writer
