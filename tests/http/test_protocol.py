"""Publishing over a real connection: the short way answers as the long one does, and no connection is worse off for it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Self, cast
from unittest.mock import Mock
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from bus import json
from bus.http.protocol import Protocol, _Publication
from bus.journal.gate import Gate
from bus.problem import Unavailable
from tests.a_bus import ADDRESS, OWNER, WARGA, Bus, a_contract, a_person
from tests.an_actor import OPERATOR

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def an_event(number: int, **changes: Any) -> dict[str, Any]:
    envelope = {"specversion": "1.0", "id": f"p{number}", "source": "/uji", "type": WARGA, "data": a_person(number)}
    return {name: value for name, value in (envelope | changes).items() if value != "absent"}


def a_request(
    authorization: str, body: bytes, media_type: str = STRUCTURED, version: str = "1.1", **fields: str
) -> bytes:
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return (
        f"POST /v1/events HTTP/{version}\r\nhost: bus\r\nauthorization: {authorization}\r\n"
        f"content-type: {media_type}\r\ncontent-length: {len(body)}\r\n{named}\r\n"
    ).encode() + body


@dataclass
class Connection:
    """A client's end of a connection, which says exactly what it is told to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, address: str) -> Self:
        parts = urlsplit(address)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def answer(self) -> httpx.Response:
        async with asyncio.timeout(20):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode().split("\r\n")[:-2]
            fields = [tuple(line.split(": ", 1)) for line in lines]
            length = int(dict(fields)["content-length"])
            return httpx.Response(int(status.split()[1]), headers=fields, content=await self.reader.readexactly(length))

    async def ask(self, text: bytes) -> httpx.Response:
        await self.say(text)
        return await self.answer()

    async def is_closed(self) -> bool:
        async with asyncio.timeout(20):
            return await self.reader.read(1) == b""


@pytest.fixture
async def address(bus: Bus) -> AsyncIterator[str]:
    bus.apply(a_contract(), a_contract(contract="lain.hal", owner="bapenda", producers=["bapenda"]))
    async with bus.served() as address:
        yield address


@pytest.fixture
async def connection(address: str) -> AsyncIterator[Connection]:
    made = await Connection.to(address)
    yield made
    made.writer.close()


def publisher(bus: Bus) -> str:
    return bus.token(OWNER, "events.publish")


def told(response: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    fields = {name: value for name, value in response.headers.items() if name not in ("date", "connection")}
    return response.status_code, response.json(), fields


DEEP = b'{"data":' * 200 + b"1" + b"}" * 200
REQUESTS: dict[str, tuple[bytes, dict[str, str]]] = {
    "structured": (json.dumps(an_event(1)), {}),
    "the same again": (json.dumps(an_event(1)), {}),
    "another of that id": (json.dumps(an_event(1, data=a_person(2))), {}),
    "a deletion": (json.dumps(an_event(3, data=None, subject="1")), {}),
    "binary": (
        json.dumps(a_person(4)),
        {
            "media_type": "application/json",
            "ce_specversion": "1.0",
            "ce_id": "b4",
            "ce_source": "/uji",
            "ce_type": WARGA,
        },
    ),
    "data that do not fit": (json.dumps(an_event(5, data={"nama": 5})), {}),
    "attributes missing": (json.dumps(an_event(6, id="absent")), {}),
    "no JSON": (b"{", {}),
    "nothing": (b"", {}),
    "no object": (b"[]", {}),
    "nested too deep": (DEEP, {}),
    "another's contract": (json.dumps(an_event(7, type="lain.hal")), {}),
    "an unknown contract": (json.dumps(an_event(8, type="tidak.ada")), {}),
    "an unknown mode": (json.dumps(an_event(9)), {"media_type": "application/json"}),
    "a batch": (json.dumps([an_event(10), an_event(11)]), {"media_type": BATCH}),
    "a batch with what does not fit": (json.dumps([an_event(13), an_event(14, data={})]), {"media_type": BATCH}),
    "a batch with another of an id": (
        json.dumps([an_event(15), an_event(10, data=a_person(99))]),
        {"media_type": BATCH},
    ),
    "a batch that is none": (b"{}", {"media_type": BATCH}),
    "a batch that is no JSON": (b"[", {"media_type": BATCH}),
    "a batch nested too deep": (b"[%b]" % DEEP, {"media_type": BATCH}),
    "traced": (json.dumps(an_event(12)), {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}),
}


async def test_both_ways_answer_the_same(bus: Bus, connection: Connection):
    authorization = publisher(bus)
    await asyncio.to_thread(bus.rooms.tokens.verify, authorization.encode())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS) as long_way:
        for name, (body, more) in REQUESTS.items():
            fields = {n.replace("_", "-"): v for n, v in more.items() if n != "media_type"}
            fields |= {"authorization": authorization, "content-type": more.get("media_type", STRUCTURED)}
            once = await connection.ask(a_request(authorization, body, **more))
            again = await long_way.post("/v1/events", content=body, headers=fields)
            if once.status_code == 202 and "accepted" not in once.json():
                assert again.json() == {"position": once.json()["position"], "duplicate": True}, name
            elif once.status_code != 202:
                assert told(once) == told(again), name


async def test_a_client_without_the_scope_is_told_so_first(bus: Bus, connection: Connection):
    authorization = bus.token(OWNER, "events.read")
    answers = [await connection.ask(a_request(authorization, b"{")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert [answer.json() for answer in answers[:1]] == [answers[1].json()]


async def test_answers_come_in_the_order_of_pipelined_requests(bus: Bus, connection: Connection):
    authorization = publisher(bus)
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    health = b"GET /v1/events/1 HTTP/1.1\r\nhost: bus\r\n\r\n"
    events = [a_request(authorization, json.dumps(an_event(number))) for number in (2, 3, 4)]
    await connection.say(events[0] + health + events[1] + events[2])
    answers = [await connection.answer() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [202, 401, 202, 202]
    assert [answer.json()["position"] for answer in answers if answer.status_code == 202] == [2, 3, 4]


async def test_a_body_that_comes_byte_by_byte_is_taken(bus: Bus, connection: Connection):
    authorization = publisher(bus)
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    for byte in a_request(authorization, json.dumps(an_event(2))):
        await connection.say(bytes([byte]))
    assert (await connection.answer()).json() == {"position": 2, "duplicate": False}


@pytest.mark.parametrize(
    "fields", [{"connection": "close"}, {"version": "1.0"}, {"version": "1.0", "connection": "keep-alive"}], ids=str
)
async def test_a_connection_is_closed_when_the_client_wants_it(
    bus: Bus, connection: Connection, fields: dict[str, str]
):
    authorization = publisher(bus)
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    answer = await connection.ask(a_request(authorization, json.dumps(an_event(2)), **fields))
    assert answer.json()["position"] == 2
    assert await connection.is_closed()


async def test_who_asks_whether_to_go_on_is_answered(bus: Bus, connection: Connection):
    authorization = publisher(bus)
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    body = json.dumps(an_event(2))
    await connection.say(a_request(authorization, body, expect="100-continue")[: -len(body)])
    async with asyncio.timeout(20):
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await connection.ask(body)).json()["position"] == 2


async def test_a_revoked_client_is_refused_on_the_same_connection(bus: Bus, connection: Connection):
    authorization = publisher(bus)
    first = await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    (client,) = bus.rooms.participants.clients(OWNER, 10)
    await asyncio.to_thread(bus.rooms.participants.revoke_client, OWNER, client.client_id, OPERATOR)
    await asyncio.to_thread(bus.rooms.tokens.refresh)
    second = await connection.ask(a_request(authorization, json.dumps(an_event(2))))
    assert [first.status_code, second.status_code] == [202, 401]
    assert "WWW-Authenticate" in second.headers


async def test_what_a_client_sent_before_it_went_away_is_kept(bus: Bus, address: str):
    authorization = publisher(bus)
    staying = await Connection.to(address)
    await staying.ask(a_request(authorization, json.dumps(an_event(1))))
    leaving = await Connection.to(address)
    await leaving.say(a_request(authorization, json.dumps(an_event(2))))
    leaving.writer.transport.abort()
    answers = [await staying.ask(a_request(authorization, json.dumps(an_event(number)))) for number in (3, 2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    staying.writer.close()


async def test_who_goes_away_with_requests_in_the_pipeline_holds_up_nobody(
    bus: Bus, address: str, monkeypatch: pytest.MonkeyPatch
):
    authorization = publisher(bus)
    staying, leaving = await Connection.to(address), await Connection.to(address)
    await staying.ask(a_request(authorization, json.dumps(an_event(1))))
    committing, may_commit = threading.Event(), threading.Event()

    def held(_: Any) -> None:
        committing.set()
        assert may_commit.wait(20)

    monkeypatch.setattr(bus.rooms.appender._statements, "hold", held)
    await leaving.say(a_request(authorization, json.dumps(an_event(2))) * 2)
    assert await asyncio.to_thread(committing.wait, 20)
    leaving.writer.transport.abort()
    may_commit.set()
    answers = [await staying.ask(a_request(authorization, json.dumps(an_event(number)))) for number in (2, 3)]
    assert [answer.json()["duplicate"] for answer in answers] == [True, False]
    for connection in (staying, leaving):
        connection.writer.close()


async def test_a_server_that_stops_while_the_disk_is_waited_for_closes_the_connection(
    bus: Bus, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    authorization = publisher(bus)
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    ready = list[_Publication]()
    foresee = _Publication.foresee

    def stopping(publication: _Publication, receipts: Any) -> None:
        foresee(publication, receipts)
        # As uvicorn's `shutdown` does to a connection with a request under way.
        publication.keep_alive = False
        ready.append(publication)

    monkeypatch.setattr(_Publication, "foresee", stopping)
    answer = await connection.ask(a_request(authorization, json.dumps(an_event(2))))
    assert (answer.status_code, answer.headers["connection"]) == (202, "close")
    assert len(ready) == 1
    assert await connection.is_closed()


@pytest.mark.parametrize("is_batch", [False, True])
async def test_an_error_nobody_foresaw_is_told_to_its_sender_alone(
    bus: Bus, address: str, monkeypatch: pytest.MonkeyPatch, is_batch: bool
):
    authorization = publisher(bus)
    one, other = await Connection.to(address), await Connection.to(address)
    await one.ask(a_request(authorization, json.dumps(an_event(1))))
    admit = Gate.admit

    def failing(gate: Gate, document: Any, *rest: Any, **more: Any) -> Any:
        if document["id"] == "p2":
            raise RuntimeError("3524000000000002")
        return admit(gate, document, *rest, **more)

    monkeypatch.setattr(Gate, "admit", failing)
    wrong = json.dumps([an_event(2)] if is_batch else an_event(2))
    await one.say(a_request(authorization, wrong, BATCH if is_batch else STRUCTURED))
    fine = await other.ask(a_request(authorization, json.dumps(an_event(3))))
    broken = await one.answer()
    assert (fine.status_code, broken.status_code) == (202, 500)
    assert b"3524" not in broken.content
    assert await one.is_closed()
    other.writer.close()


async def test_a_database_that_does_not_answer_is_told_as_on_the_long_way(
    bus: Bus, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    authorization = publisher(bus)
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))

    def failing(*_: Any) -> None:
        raise Unavailable("The database does not answer; try again in some seconds.")

    monkeypatch.setattr(bus.rooms.storage, "write", failing)
    answer = await connection.ask(a_request(authorization, json.dumps(an_event(2))))
    monkeypatch.undo()
    again = await connection.ask(a_request(authorization, json.dumps(an_event(2))))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert again.json() == {"position": 2, "duplicate": False}


async def test_the_short_way_is_taken(bus: Bus, connection: Connection, monkeypatch: pytest.MonkeyPatch):
    authorization = publisher(bus)
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    monkeypatch.setattr(Protocol, "_start_asgi_task", None)
    answer = await connection.ask(a_request(authorization, json.dumps(an_event(2))))
    assert answer.json() == {"position": 2, "duplicate": False}
    batch = a_request(authorization, json.dumps([an_event(number) for number in range(3, 1000)]), BATCH)
    for start in range(0, len(batch), 50_000):
        await connection.say(batch[start : start + 50_000])
    assert (await connection.answer()).json()["accepted"] == 997


async def test_a_batch_larger_than_the_bus_takes_is_refused_before_it_is_read(bus: Bus, connection: Connection):
    authorization = publisher(bus)
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    head = a_request(authorization, b" " * (bus.rooms.settings.max_batch_bytes + 1), BATCH).partition(b"  ")[0]
    assert (await connection.ask(head)).status_code == 413
    assert await connection.is_closed()


async def test_a_head_that_was_read_before_is_not_read_again(
    bus: Bus, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    authorization = publisher(bus)
    await asyncio.to_thread(bus.rooms.tokens.verify, authorization.encode())
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    monkeypatch.setattr(Protocol, "on_headers_complete", None)
    for number in (2, 3):
        answer = await connection.ask(a_request(authorization, json.dumps(an_event(number))))
        assert answer.json() == {"position": number, "duplicate": False}
    wrong = await connection.ask(a_request(authorization, json.dumps(an_event(4)).replace(b"Rekaan", b"Rek\nan")))
    assert wrong.status_code == 400
    monkeypatch.undo()
    known = a_request(authorization, json.dumps(an_event(5)))
    await connection.say(known[:-5])
    assert (await connection.ask(known[-5:])).json()["position"] == 4
    await connection.say(a_request(authorization, json.dumps(an_event(6))) + a_request(authorization, b"{"))
    assert [(await connection.answer()).status_code for _ in range(2)] == [202, 400]


async def test_a_head_is_never_taken_for_that_of_a_request_behind_it(bus: Bus, address: str):
    reader, writer = bus.token(OWNER, "events.read"), publisher(bus)
    for authorization in (reader, writer):
        await asyncio.to_thread(bus.rooms.tokens.verify, authorization.encode())
    bodies = [json.dumps(an_event(number)) for number in (1, 2, 3)]
    connection = await Connection.to(address)
    # The first is refused at once, so that the second is on the short way too.
    await connection.say(a_request(reader, bodies[0]) + a_request(writer, bodies[1]))
    answers = [(await connection.answer()).status_code for _ in range(2)]
    again = await connection.ask(a_request(reader, bodies[2]))
    assert (answers, again.status_code) == ([403, 202], 403)
    connection.writer.close()


@dataclass
class FakeLoop:
    """A loop whose time a test moves."""

    now: float = 100.0
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Mock:
        self.timers.append((self.now + delay, callback))
        return Mock()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due, self.timers = ([t for t in self.timers if t[0] <= self.now], [t for t in self.timers if t[0] > self.now])
        for _, callback in due:
            callback()


async def test_a_connection_is_closed_when_nothing_was_asked_for_so_long(bus: Bus):
    config = uvicorn.Config(bus.edge, http=Protocol, timeout_keep_alive=5, proxy_headers=False, log_config=None)
    loop, transport = FakeLoop(), Mock(**{"is_closing.return_value": False, "get_extra_info.return_value": None})
    config.load()
    protocol = Protocol(config, ServerState(), {}, cast("asyncio.AbstractEventLoop", loop))
    protocol.connection_made(transport)
    for _ in range(3):
        protocol.respond((b"HTTP/1.1 202 Accepted\r\n\r\n", False))
        loop.pass_time(4)
    assert len(loop.timers) == 1
    protocol.data_received(b"POST /v1/events HTTP/1.1\r\n")
    loop.pass_time(60)
    assert not transport.close.called
    protocol.respond((b"HTTP/1.1 202 Accepted\r\n\r\n", False))
    loop.pass_time(4.9)
    assert not transport.close.called
    loop.pass_time(0.2)
    assert transport.close.called
