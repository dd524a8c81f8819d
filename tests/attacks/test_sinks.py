"""A sink that answers badly, slowly or without end holds up itself alone."""

import asyncio
import gc
import ipaddress
import socket
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bus.delivery.names import LOOKUPS, FoundAddress, Names
from bus.delivery.sinks.aiohttp_inside import DRAIN_BYTES, HEAD_BYTES
from bus.delivery.sinks.webhook import WebhookSink
from bus.delivery.subscription import Webhook
from bus.identity.keys import Keys
from bus.kit import Failure, Outcome
from bus.storage import Storage
from tests.a_bus import Bus
from tests.attacks.a_live_bus import TAKEN, Answer, ASink, a_live_bus, a_sink, says, says_nothing, subscribe, until
from tests.builders import WARGA, a_document, a_grant, a_person

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
BODY = b'{"specversion":"1.0","id":"1","source":"/x","type":"a.b","data":{}}'
MUCH = 8 * 1024 * 1024
ROUNDS = 6


class Flood:
    """Says a beginning, and then one thing without end; `said` counts its bytes."""

    def __init__(self, beginning: bytes, again: bytes) -> None:
        self._beginning = beginning
        self._again = again * (65_536 // len(again) + 1)
        self.said = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._beginning)
        while True:
            writer.write(self._again)
            await writer.drain()
            self.said += len(self._again)


def drips(beginning: bytes, again: bytes) -> Answer:
    """Says a beginning, and then one thing every twentieth of a second."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0.05)

    return answer


@asynccontextmanager
async def sending(seconds: float = 1.0) -> AsyncIterator[WebhookSink]:
    sink = WebhookSink(LOOPBACK, seconds)
    try:
        yield sink
    finally:
        await sink.close()


FLOODS = {
    "informational answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "a status line": (b"HTTP/1.1 200 ", b"x"),
    "empty lines": (b"", b"\r\n"),
    "garbage": (b"", b"\xff\x00"),
}
FIELDS = {
    "short fields": (b"HTTP/1.1 200 OK\r\n", b"a:b\r\n"),
    "one field": (b"HTTP/1.1 200 OK\r\nx: ", b"x"),
}
BODIES = {
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n", b"x" * 1000),
    "a body up to the end": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000),
    "small chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a chunk's extension": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "further answers": (TAKEN, TAKEN),
}


@pytest.mark.parametrize(("beginning", "again"), FLOODS.values(), ids=FLOODS)
async def test_a_head_without_end_is_broken_off_at_once(beginning: bytes, again: bytes):
    flood = Flood(beginning, again)
    async with a_sink(flood) as sink, sending(120.0) as webhooks, asyncio.timeout(30):
        outcome = await webhooks.send(sink.url, BODY, {})
        await until(lambda: sink.open == 0)
    assert outcome.failure is Failure.SINK_DOWN
    assert not outcome.is_unsent
    assert flood.said < MUCH


@pytest.mark.parametrize(("beginning", "again"), (FIELDS | BODIES).values(), ids=FIELDS | BODIES)
async def test_fields_or_a_body_without_end_are_broken_off_and_the_status_counts(beginning: bytes, again: bytes):
    flood = Flood(beginning, again)
    async with a_sink(flood) as sink, sending(120.0) as webhooks, asyncio.timeout(30):
        outcome = await webhooks.send(sink.url, BODY, {})
        await until(lambda: sink.open == 0)
    assert outcome == Outcome(status=200)
    assert flood.said < MUCH


async def test_trailers_without_end_are_broken_off():
    """Whether the status was read before depends on how the packets fell."""
    flood = Flood(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n")
    async with a_sink(flood) as sink, sending(120.0) as webhooks, asyncio.timeout(30):
        await webhooks.send(sink.url, BODY, {})
        await until(lambda: sink.open == 0)
    assert flood.said < MUCH


@pytest.mark.parametrize(
    ("beginning", "again"),
    [
        (b"", b"H"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"a:"),
    ],
    ids=["status line", "informational", "field", "fields"],
)
async def test_a_head_byte_by_byte_ends_with_the_time_of_the_request(beginning: bytes, again: bytes):
    async with a_sink(drips(beginning, again)) as sink, sending(0.6) as webhooks, asyncio.timeout(30):
        outcome = await webhooks.send(sink.url, BODY, {})
        await until(lambda: sink.open == 0)
    assert outcome.failure is Failure.SINK_DOWN


async def test_a_body_byte_by_byte_is_not_waited_for():
    answer = drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x")
    async with a_sink(answer) as sink, sending(120.0) as webhooks, asyncio.timeout(30):
        assert await webhooks.send(sink.url, BODY, {}) == Outcome(status=200)
        await until(lambda: sink.open == 0)


@pytest.mark.parametrize("answer", [says_nothing, says(TAKEN)], ids=["silent", "hasty"])
async def test_a_sink_that_does_not_read_keeps_no_connection_and_no_body(answer: Answer):
    """To close a connection in order, the sink would have to read the body first."""
    async with a_sink(answer, reads=False) as sink, sending(0.5) as webhooks:
        for _ in range(3):
            await webhooks.send(sink.url, b"x" * MUCH, {})
        await until(lambda: not webhooks._connections.open)


async def test_informational_answers_within_reason_are_borne():
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with a_sink(says(hint * 3, TAKEN)) as sink, sending() as webhooks:
        assert await webhooks.send(sink.url, BODY, {}) == Outcome(status=200)
        assert await webhooks.send(sink.url, BODY, {}) == Outcome(status=200)
        assert sink.most_open == 1


async def longest_turn(work: asyncio.Future[list[Outcome]]) -> float:
    """The longest turn of the loop during some work, in processor time: the machine may be busy with other things."""
    longest = 0.0
    while not work.done():
        begun = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - begun)
    return longest


async def test_a_flood_of_answers_does_not_hold_the_loop():
    """Each turn of the loop parses little, whatever comes at once."""
    flood = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 20_000
    async with a_sink(says(flood)) as sink, sending(30.0) as webhooks:
        rounds = [1.0]
        while rounds[-1] > 0.1:
            assert len(rounds) <= ROUNDS, rounds
            rounds.append(await longest_turn(asyncio.gather(*(webhooks.send(sink.url, BODY, {}) for _ in range(8)))))


async def test_answers_leave_nothing_in_memory():
    large = (
        b"HTTP/1.1 500 No\r\n"
        + b"".join(b"x-%d: %b\r\n" % (n, b"y" * 300) for n in range(80))
        + b"Content-Length: 0\r\n\r\n"
    )
    assert len(large) < HEAD_BYTES + DRAIN_BYTES
    async with a_sink(says(large)) as sink, sending() as webhooks:
        for _ in range(30):
            await webhooks.send(sink.url, BODY, {})
        tracemalloc.start()
        try:
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(100):
                await webhooks.send(sink.url, BODY, {})
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert grown < 50 * len(large)


SLOW = 45
EVENTS = 100


class Moody:
    """Takes everything at once, until it falls silent."""

    def __init__(self) -> None:
        self.is_silent = False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (says_nothing if self.is_silent else says(TAKEN))(reader, writer)


async def seconds_to_reach(bus: Bus, innocent: ASink, events: int) -> float:
    """How long some events take to the innocent's sink."""
    before, begun = len(innocent.persons), time.perf_counter()
    await bus.publish_all([a_person(n) for n in range(events)])
    await until(lambda: len(innocent.persons) >= before + events, 100)
    return time.perf_counter() - begun


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_slow_sinks_take_neither_all_sockets_nor_anothers_deliveries(
    storage: Storage, bus_keys: Keys, tmp_path: Path
):
    mood = Moody()
    async with AsyncExitStack() as stack:
        innocent = await stack.enter_async_context(a_sink(says(TAKEN)))
        slow = await stack.enter_async_context(a_sink(mood, host="0.0.0.0"))
        bus = await stack.enter_async_context(
            a_live_bus(storage, bus_keys, tmp_path, sink_timeout_seconds=60.0, sink_places=128)
        )
        names = [f"lambat-{n}" for n in range(SLOW)]
        bus.apply(a_document(*(a_grant(name) for name in ("dinkes", *names))))
        subscribe(bus, "dinkes", Webhook(innocent.url))
        for number, name in enumerate(names):
            subscribe(bus, name, Webhook(slow.url.replace("127.0.0.1", f"127.0.0.{number + 2}")))
        calm = await seconds_to_reach(bus, innocent, EVENTS)
        mood.is_silent = True
        # The first round alone shows to the bus which sinks are slow.
        rounds: list[float] = []
        while not (rounds and rounds[-1] < 5 * calm):
            assert len(rounds) < ROUNDS, (calm, rounds)
            rounds.append(await seconds_to_reach(bus, innocent, EVENTS))
        await until(lambda: slow.open > 20)
    # In flight, and idle from before.
    assert slow.most_open <= 2 * 128


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_tests_of_webhooks_are_bounded_for_each_participant(storage: Storage, bus_keys: Keys, tmp_path: Path):
    released = asyncio.Event()

    async def says_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        await says(TAKEN)(reader, writer)

    patient = a_live_bus(storage, bus_keys, tmp_path, sink_timeout_seconds=60.0)
    async with patient as bus, a_sink(says_late) as sink:
        bus.apply(a_document(a_grant("dinkes"), a_grant("dinsos")))
        of = {name: subscribe(bus, name, Webhook(sink.url)) for name in ("dinkes", "dinsos")}
        await until(lambda: len(bus.rooms.subscriptions.all()) == 2)
        http = {name: bus.reader(name, "subscriptions.manage") for name in of}
        tests = [asyncio.create_task(http["dinkes"].post(f"/v1/subscriptions/{of['dinkes']}/test")) for _ in range(10)]
        await until(lambda: sum(one.done() for one in tests) == 8)
        refused = [one.result() for one in tests if one.done()]
        assert {(one.status_code, one.headers["retry-after"]) for one in refused} == {(429, "5")}
        other = asyncio.create_task(http["dinsos"].post(f"/v1/subscriptions/{of['dinsos']}/test"))
        await until(lambda: sink.open == 3)
        released.set()
        assert {one.status_code for one in await asyncio.gather(other, *tests)} == {200, 429}


HANGING = 80


async def test_names_that_hang_hold_up_neither_anothers_sink_nor_the_api(
    storage: Storage, bus_keys: Keys, tmp_path: Path
):
    """One participant's name servers never answer, for its sinks and for those that it is about to register."""
    answered = threading.Event()

    def look_up(host: str) -> Sequence[FoundAddress]:
        if host.endswith(".hangs.example"):
            answered.wait(120)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return [FoundAddress(socket.AF_INET, 6, "127.0.0.1")]

    async with AsyncExitStack() as stack:
        stack.callback(answered.set)
        innocent = await stack.enter_async_context(a_sink(says(TAKEN)))
        names = Names(look_up, seconds=1.0)
        bus = await stack.enter_async_context(a_live_bus(storage, bus_keys, tmp_path, names=names))
        bus.apply(a_document(a_grant("dinkes"), a_grant("dinsos")))
        for number in range(HANGING):
            subscribe(bus, "dinsos", Webhook(f"https://{number}.hangs.example/hook"))
        subscribe(bus, "dinkes", Webhook(innocent.url.replace("127.0.0.1", "baik.example")))
        attacker = bus.reader("dinsos", "subscriptions.manage")
        orders = [
            asyncio.create_task(
                attacker.post(
                    "/v1/subscriptions",
                    json={"contracts": [WARGA], "sink": {"url": f"https://api-{number}.hangs.example/hook"}},
                )
            )
            for number in range(16)
        ]
        await bus.publish_all([a_person(1)])
        await until(lambda: names.under_way >= LOOKUPS // 2)
        await until(lambda: len(innocent.persons) == 1, 20)
        async with asyncio.timeout(5):
            assert (await bus.reader("dinkes", "subscriptions.manage").get("/v1/subscriptions")).status_code == 200
        assert names.under_way <= LOOKUPS // 2
        assert {one.status_code for one in await asyncio.gather(*orders)} == {201}
