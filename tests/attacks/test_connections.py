"""Attacks on connections, over real sockets: heads without end, half heads, smuggling, clients that do not read."""

import asyncio
import shutil
import socket
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from bus import json
from bus.http.publish import Receive, Scope, Send
from tests.a_bus import OWNER, Bus, a_contract
from tests.a_connection import Connection, a_request, an_event

HEALTH = b"GET /healthz HTTP/1.1\r\nhost: bus\r\n\r\n"
HALF = b"POST /v1/events HTTP/1.1\r\nhost: bus\r\n"
ELSEWHERE = "127.0.0.2"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """SQLite alone: the front door knows no database."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'bus.db')}"


@pytest.fixture
async def authorization(bus: Bus) -> str:
    """A publisher, whose token the bus knows already."""
    bus.apply(a_contract())
    authorization = bus.token(OWNER, "events.publish", "events.read", "contracts.write")
    await asyncio.to_thread(bus.rooms.tokens.verify, authorization.encode())
    return authorization


def a_publication(authorization: str, number: int, **fields: str) -> bytes:
    return a_request(authorization, json.dumps(an_event(number)), **fields)


def ended(reason: str) -> float:
    """How many connections the bus has ended early for a reason."""
    return REGISTRY.get_sample_value("bus_connections_ended_total", {"reason": reason}) or 0.0


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - a counter tells nobody
            await asyncio.sleep(0.02)


def stored(bus: Bus) -> int:
    return bus.rooms.journal.last_position()


async def endless(connection: Connection, piece: bytes) -> None:
    for _ in range(200_000_000 // len(piece)):
        await connection.say(piece)


@pytest.mark.parametrize("piece", [b"x-filler: " + b"a" * 8000 + b"\r\n", b"x: y\r\n", b"x" * 9000], ids=len)
async def test_a_head_without_end_is_refused_at_16_kb(bus: Bus, piece: bytes):
    async with bus.served() as address:
        connection = await Connection.to(address)
        connection.writer.write(HALF)
        # That many bytes were never taken: the connection was reset long before.
        with pytest.raises(ConnectionError):
            await endless(connection, piece)


async def test_a_head_of_more_than_a_hundred_fields_is_told_so(bus: Bus):
    async with bus.served() as address:
        for count, status in ((99, 200), (100, 431)):
            connection = await Connection.to(address)
            fields = b"".join(b"x-%d: y\r\n" % number for number in range(count))
            answer = await connection.ask(HEALTH[:-2] + fields + b"\r\n")
            assert answer.status_code == status
        assert (answer.headers["content-type"], answer.headers["connection"]) == ("application/problem+json", "close")
        assert await connection.is_closed()


AMBIGUOUS = {
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /healthz HTTP/1.1\r\nhost: bus\r\nhost: other\r\n\r\n", 400),
    "a host with a path": (b"GET /healthz HTTP/1.1\r\nhost: bus/other\r\n\r\n", 400),
    "two lengths": (b"POST /v1/events HTTP/1.1\r\nhost: bus\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n1", 400),
    "a list of lengths": (b"POST /v1/events HTTP/1.1\r\nhost: bus\r\ncontent-length: 1, 1\r\n\r\n1", 400),
    "a signed length": (b"POST /v1/events HTTP/1.1\r\nhost: bus\r\ncontent-length: +1\r\n\r\n1", 400),
    "length and chunks": (
        b"POST /v1/events HTTP/1.1\r\nhost: bus\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks in HTTP/1.0": (b"POST /v1/events HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "another coding": (b"POST /v1/events HTTP/1.1\r\nhost: bus\r\ntransfer-encoding: gzip, chunked\r\n\r\n", 501),
    "a coding in disguise": (b"POST /v1/events HTTP/1.1\r\nhost: bus\r\ntransfer-encoding: xchunked\r\n\r\n", 400),
    "a folded line": (b"GET /healthz HTTP/1.1\r\nhost: bus\r\nx: a\r\n b\r\n\r\n", 400),
    "a blank before the colon": (b"GET /healthz HTTP/1.1\r\nhost : bus\r\n\r\n", 400),
    "a NUL": (b"GET /healthz HTTP/1.1\r\nhost: bus\r\nx: \0\r\n\r\n", 400),
    "a bare line feed": (b"GET /healthz HTTP/1.1\nhost: bus\n\r\n\r\n", 400),
    "two blanks": (b"GET  /healthz HTTP/1.1\r\nhost: bus\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "an unknown method": (b"FROB /healthz HTTP/1.1\r\nhost: bus\r\n\r\n", 501),
    "a tunnel": (b"CONNECT bus:80 HTTP/1.1\r\nhost: bus\r\n\r\n", 501),
    "an upgrade": (b"GET /healthz HTTP/1.1\r\nhost: bus\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 501),
    "an upgrade without its token": (b"GET /healthz HTTP/1.1\r\nhost: bus\r\nupgrade: h2c\r\n\r\n", 501),
    "an expectation": (b"GET /healthz HTTP/1.1\r\nhost: bus\r\nexpect: cake\r\n\r\n", 417),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_what_two_readers_could_read_in_two_ways_ends_the_connection(bus: Bus, authorization: str, name: str):
    text, status = AMBIGUOUS[name]
    async with bus.served() as address:
        connection = await Connection.to(address)
        answer = await connection.ask(text + a_publication(authorization, 1))
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert await connection.is_closed()
    assert stored(bus) == 0


async def test_two_authorizations_are_refused(bus: Bus, authorization: str):
    async with bus.served() as address:
        connection = await Connection.to(address)
        answer = await connection.ask(a_publication(authorization, 1, Authorization=authorization))
        assert answer.status_code == 400
        assert await connection.is_closed()
    assert stored(bus) == 0


async def test_two_ids_in_header_fields_are_refused(bus: Bus, authorization: str):
    async with bus.served() as address:
        connection = await Connection.to(address)
        answer = await connection.ask(a_publication(authorization, 1, ce_id="a", CE_ID="b"))
        assert answer.status_code == 400
    assert stored(bus) == 0


async def test_the_body_of_an_upgrade_is_no_request(bus: Bus, authorization: str):
    hidden = a_publication(authorization, 1)
    text = (
        b"POST /v1/feeds/x HTTP/1.1\r\nhost: bus\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: %d\r\n\r\n%b"
    )
    async with bus.served() as address:
        connection = await Connection.to(address)
        assert (await connection.ask(text % (len(hidden), hidden))).status_code == 501
        assert await connection.is_closed()
    assert stored(bus) == 0


async def test_nothing_behind_garbage_is_stored(bus: Bus, authorization: str):
    async with bus.served() as address:
        connection = await Connection.to(address)
        first, last = a_publication(authorization, 1), a_publication(authorization, 2)
        await connection.say(first + b"GARBAGE\r\n\r\n" + last)
        assert [(await connection.answer()).status_code for _ in range(2)] == [202, 400]
        assert await connection.is_closed()
    assert stored(bus) == 1


async def test_nothing_behind_a_chunked_request_is_taken_for_part_of_it(bus: Bus, authorization: str):
    body = json.dumps(an_event(1))
    head = a_request(authorization, body, transfer_encoding="chunked").partition(b"\r\n\r\n")[0]
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"content-length"))
    chunks = b"\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    async with bus.served() as address:
        connection = await Connection.to(address)
        assert (await connection.ask(head + chunks)).status_code == 202
        answer = await connection.ask(head + chunks + a_publication(authorization, 2))
        assert (answer.json()["duplicate"], answer.headers["connection"]) == (True, "close")
        assert await connection.is_closed()
    assert stored(bus) == 1


async def test_half_heads_by_the_hundred_hold_up_nobody(bus: Bus, authorization: str):
    async with bus.opened(max_connections=60, max_connections_per_address=30) as (address, _):
        calm = await publishing(address, authorization, 0)
        attackers = []
        for _ in range(300):
            attackers.append(await Connection.to(address, f"127.0.0.{2 + len(attackers) % 4}"))
            await attackers[-1].say(HALF)
        attacked = await publishing(address, authorization, 100)
        assert (await (await Connection.to(address)).ask(HEALTH)).status_code == 200
        closed = await asyncio.gather(*(one.is_closed(0.3) for one in attackers))
        assert sum(closed) >= 240
    assert attacked < 5 * calm


async def publishing(address: str, authorization: str, first: int) -> float:
    """The usual time of a publication on a connection of its own."""
    times = []
    for number in range(first, first + 25):
        begun = time.perf_counter()
        connection = await Connection.to(address)
        answer = await connection.ask(a_publication(authorization, number))
        times.append(time.perf_counter() - begun)
        assert answer.status_code == 202
        connection.writer.close()
    return median(times)


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


async def test_when_every_connection_is_busy_health_and_the_operator_still_get_in(bus: Bus, authorization: str):
    async with bus.opened(max_connections=6, operator_networks=()) as (address, _):
        busy = await busy_connections(address, authorization, 3, ELSEWHERE)
        busy += await busy_connections(address, authorization, 3, "127.0.0.3")
        assert (await (await Connection.to(address)).ask(HEALTH)).status_code == 200
        refused = await (await Connection.to(address)).ask(a_publication(authorization, 50))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        await busy[0].say(a_publication(authorization, 0)[-5:])
        assert (await busy[0].answer()).status_code == 202
        # That one has nothing to do now, and makes room as soon as somebody looks again.
        while (await (await Connection.to(address)).ask(a_publication(authorization, 51))).status_code == 503:  # noqa: ASYNC110
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


PAGE = b"x" * 16_000_000


async def a_page(_: Scope, receive: Receive, send: Send) -> None:
    """One large answer."""
    fields = [(b"content-length", b"%d" % len(PAGE))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": PAGE})
    # Waits until the client is gone, as a stream does.
    while (await receive())["type"] != "http.disconnect":
        pass


async def test_a_client_that_does_not_read_its_answer_loses_the_connection(bus: Bus):
    before = ended("answer_unread")
    async with bus.opened(a_page, write_seconds=0.5) as (address, _):
        reading, deaf = await Connection.to(address), await Connection.to(address)
        for connection in (reading, deaf):
            await connection.say(HEALTH)
        assert (await reading.answer()).content == PAGE
        await until(lambda: ended("answer_unread") > before)
        async with asyncio.timeout(20):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await deaf.reader.readexactly(len(PAGE))


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


async def who(scope: Scope, _: Receive, send: Send) -> None:
    """Answers with the client's address."""
    text = scope["client"][0].encode()
    fields = [(b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": text})


TRUSTED = (ip_network("127.0.0.2"), ip_network("10.0.0.0/8"))
SAID = {
    "X-Forwarded-For: 203.0.113.7": "203.0.113.7",
    "X-Forwarded-For: 198.51.100.1, 203.0.113.7": "203.0.113.7",
    "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.7": "203.0.113.7",
    "X-Forwarded-For: 203.0.113.7, 10.1.2.3": "203.0.113.7",
    "X-Forwarded-For: 203.0.113.7:4711": "203.0.113.7",
    "X-Forwarded-For: 2001:db8::1": "2001:db8::1",
    "X-Forwarded-For: ::ffff:203.0.113.7": "203.0.113.7",
    "X-Forwarded-For: 203.0.113.7, nonsense": "127.0.0.2",
    "X-Forwarded-For: nonsense, 10.1.2.3": "10.1.2.3",
    "Forwarded: for=203.0.113.7": "203.0.113.7",
    'Forwarded: for=198.51.100.1, for="203.0.113.7:4711";proto=https': "203.0.113.7",
    'Forwarded: proto=https;FOR="[2001:db8::1]:80"': "2001:db8::1",
    'Forwarded: by="for=198.51.100.1";for=203.0.113.7': "203.0.113.7",
    "Forwarded: for=203.0.113.7, for=_hidden": "127.0.0.2",
    "Forwarded: for=203.0.113.7\r\nX-Forwarded-For: 203.0.113.7": "203.0.113.7",
}


@pytest.mark.parametrize("said", SAID)
async def test_proxies_are_believed_if_the_operator_trusts_them_and_nobody_else(bus: Bus, said: str):
    request = f"GET / HTTP/1.1\r\nhost: bus\r\n{said}\r\n\r\n".encode()
    async with bus.opened(who, trusted_proxies=TRUSTED) as (address, _):
        assert (await (await Connection.to(address)).ask(request)).text == "127.0.0.1"
        assert (await (await Connection.to(address, "127.0.0.2")).ask(request)).text == SAID[said]


async def test_a_client_that_adds_the_field_its_proxy_does_not_write_is_refused(bus: Bus):
    said = b"x-forwarded-for: 203.0.113.7\r\nforwarded: for=198.51.100.1\r\n\r\n"
    async with bus.opened(who, trusted_proxies=TRUSTED) as (address, _):
        connection = await Connection.to(address, "127.0.0.2")
        assert (await connection.ask(HEALTH[:-2] + said)).status_code == 400


@pytest.mark.parametrize(
    "said",
    [
        'for=6.6.6.6;x=", for="[2001:db8:bad::1]"',
        'for=6.6.6.6;x="\r\nForwarded: for=203.0.113.7',
        'for=6.6.6.6;host="a.b:8080, for=203.0.113.7',
        'for=6.6.6.6;x="\\", for="203.0.113.7:80"',
        "for=6.6.6.6;for=203.0.113.7",
        "for=6.6.6.6 for=203.0.113.7",
        "for=",
        "nonsense",
    ],
)
async def test_a_client_cannot_swallow_what_its_proxy_adds(bus: Bus, said: str):
    request = f"GET / HTTP/1.1\r\nhost: bus\r\nForwarded: {said}\r\n\r\n".encode()
    async with bus.opened(who, trusted_proxies=TRUSTED) as (address, _):
        assert (await (await Connection.to(address, "127.0.0.2")).ask(request)).status_code == 400


async def test_the_kernel_keeps_little_of_an_answer_that_nobody_reads(bus: Bus):
    taken = 0

    async def much(scope: Scope, _: Receive, send: Send) -> None:
        nonlocal taken
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _piece in range(16 * 16):
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
            taken += 65536

    async with bus.opened(much) as (address, _):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.setblocking(False)
            parts = urlsplit(address)
            await asyncio.get_running_loop().sock_connect(client, (parts.hostname, parts.port))
            await asyncio.get_running_loop().sock_sendall(client, HEALTH)
            before, same = -1, 0
            async with asyncio.timeout(20):
                while same < 20:
                    await asyncio.sleep(0.01)
                    same, before = (same + 1 if taken == before else 0), taken
        assert 0 < taken < 1024 * 1024


async def test_one_client_behind_a_proxy_does_not_take_the_requests_of_others(bus: Bus):
    go_on = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/wait":
            await go_on.wait()
        await who(scope, receive, send)

    def asking(path: str, client: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nhost: bus\r\nx-forwarded-for: {client}\r\n\r\n".encode()

    async with bus.opened(waiting, trusted_proxies=TRUSTED, max_connections_per_address=2) as (address, _):
        connections = [await Connection.to(address, "127.0.0.2") for _ in range(6)]
        for connection in connections[:2]:
            await connection.say(asking("/wait", "203.0.113.7"))
        # This answer comes after both were begun.
        assert (await connections[5].ask(asking("/", "203.0.113.9"))).text == "203.0.113.9"
        refused = await connections[2].ask(asking("/", "203.0.113.7"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert (await connections[3].ask(asking("/", "203.0.113.8"))).text == "203.0.113.8"
        go_on.set()
        assert (await connections[0].answer()).text == "203.0.113.7"
        assert (await connections[4].ask(asking("/", "203.0.113.7"))).text == "203.0.113.7"
