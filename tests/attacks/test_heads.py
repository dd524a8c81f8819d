"""Attacks with heads, over real sockets: heads without end, and heads that two readers read in two ways."""

import pytest

from bus import json
from tests.a_bus import Bus
from tests.a_connection import HALF, HEALTH, Connection, a_publication, a_request
from tests.builders import an_event

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


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
    "two keys of one request": (
        b"POST /v1/subscriptions HTTP/1.1\r\nhost: bus\r\nidempotency-key: a\r\nidempotency-key: b\r\n\r\n",
        400,
    ),
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
