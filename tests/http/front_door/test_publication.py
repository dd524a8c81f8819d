"""Publishing over a real connection: the short way answers as the long one does, and no connection is worse off for it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from bus import json
from bus.journal.gate import Gate
from bus.journal.statements import APPENDS
from bus.problem import Unavailable
from bus.storage import Transaction
from tests.a_bus import ADDRESS, Bus
from tests.a_connection import BATCH, STRUCTURED, Connection, a_request
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, a_document, a_person, an_event


@pytest.fixture
async def address(bus: Bus) -> AsyncIterator[str]:
    bus.apply(a_document(), a_document(contract="lain.hal", owner="bapenda", producers=["bapenda"]))
    async with bus.served() as address:
        yield address


@pytest.fixture
async def connection(address: str) -> AsyncIterator[Connection]:
    made = await Connection.to(address)
    yield made
    made.writer.close()


def publisher(bus: Bus) -> str:
    return bus.token(OWNER, "events.publish")


ON_THE_WIRE = ("date", "connection", "referrer-policy", "x-content-type-options")


def told(response: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    fields = {name: value for name, value in response.headers.items() if name not in ON_THE_WIRE}
    return response.status_code, response.json(), fields


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
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
    "attributes missing": (json.dumps(an_event(6, id=...)), {}),
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


async def test_a_malformed_trace_enters_no_event_however_large_it_is(bus: Bus):
    bus.apply(a_document())
    headers = {"authorization": publisher(bus), "content-type": STRUCTURED}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS, headers=headers) as client:
        for number, size in enumerate((1, 40_000)):
            for trace in ("00-zz", TRACE):
                event = json.dumps(an_event(number, id=f"{number}{trace}")) + b" " * size
                answer = await client.post("/v1/events", content=event, headers={"traceparent": trace})
                assert answer.status_code == 202, answer.text
                position = answer.json()["position"]
                kept = json.loads(bus.rooms.journal.at([position])[position].body)
                assert kept.get("traceparent") == (trace if trace == TRACE else None)


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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_request_that_comes_while_another_waits_its_turn_is_not_answered_before_it(
    bus: Bus, connection: Connection
):
    authorization = publisher(bus)
    await connection.ask(a_request(authorization, json.dumps(an_event(1))))
    refused = a_request(authorization, json.dumps(an_event(2, id=...)))
    for number in range(3, 303, 2):
        first, third = (a_request(authorization, json.dumps(an_event(one))) for one in (number, number + 1))
        await connection.say(first + refused)
        # At another moment each time: as the first is answered, before it, after it.
        await asyncio.sleep(number % 60 / 20_000)
        await connection.say(third)
        assert [(await connection.answer()).status_code for _ in range(3)] == [202, 400, 202], number


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
    (client,) = bus.rooms.participants.list_clients(OWNER, 10)
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


def held_commits(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Commits that wait: whether one has begun, and what lets them go on."""
    committing, may_commit = threading.Event(), threading.Event()

    def held(_: Transaction, space: int, number: int) -> None:
        if (space, number) == APPENDS:
            committing.set()
            assert may_commit.wait(20)

    monkeypatch.setattr(Transaction, "hold", held)
    return committing, may_commit


async def test_who_goes_away_with_requests_in_the_pipeline_holds_up_nobody(
    bus: Bus, address: str, monkeypatch: pytest.MonkeyPatch
):
    authorization = publisher(bus)
    staying, leaving = await Connection.to(address), await Connection.to(address)
    await staying.ask(a_request(authorization, json.dumps(an_event(1))))
    committing, may_commit = held_commits(monkeypatch)
    await leaving.say(a_request(authorization, json.dumps(an_event(2))) * 2)
    assert await asyncio.to_thread(committing.wait, 20)
    leaving.writer.transport.abort()
    may_commit.set()
    answers = [await staying.ask(a_request(authorization, json.dumps(an_event(number)))) for number in (2, 3)]
    assert [answer.json()["duplicate"] for answer in answers] == [True, False]
    for connection in (staying, leaving):
        connection.writer.close()


async def test_a_server_that_stops_while_the_disk_is_waited_for_answers_and_closes_the_connection(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
):
    authorization = publisher(bus)
    bus.apply(a_document())
    async with bus.opened() as (address, door):
        connection = await Connection.to(address)
        await connection.ask(a_request(authorization, json.dumps(an_event(1))))
        committing, may_commit = held_commits(monkeypatch)
        await connection.say(a_request(authorization, json.dumps(an_event(2))))
        assert await asyncio.to_thread(committing.wait, 20)
        closing = asyncio.create_task(door.close(20))
        await asyncio.sleep(0)
        may_commit.set()
        answer = await connection.answer()
        assert (answer.status_code, answer.headers["connection"]) == (202, "close")
        assert await connection.is_closed()
        await closing


@pytest.mark.parametrize("is_batch", [False, True])
async def test_an_error_nobody_foresaw_is_told_to_its_sender_alone(
    bus: Bus, address: str, monkeypatch: pytest.MonkeyPatch, is_batch: bool
):
    authorization = publisher(bus)
    one, other = await Connection.to(address), await Connection.to(address)
    await one.ask(a_request(authorization, json.dumps(an_event(1))))
    admit = Gate.admit_quickly

    def failing(gate: Gate, document: Any, *rest: Any, **more: Any) -> Any:
        if document["id"] == "e2":
            raise RuntimeError("3524000000000002")
        return admit(gate, document, *rest, **more)

    monkeypatch.setattr(Gate, "admit_quickly", failing)
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
        raise Unavailable("The database does not answer. Try again in some seconds.")

    monkeypatch.setattr(bus.rooms.storage, "write", failing)
    answer = await connection.ask(a_request(authorization, json.dumps(an_event(2))))
    monkeypatch.undo()
    again = await connection.ask(a_request(authorization, json.dumps(an_event(2))))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert again.json() == {"position": 2, "duplicate": False}


async def test_the_short_way_needs_no_application(bus: Bus):
    bus.apply(a_document())
    authorization = publisher(bus)
    await asyncio.to_thread(bus.rooms.tokens.verify, authorization.encode())

    async def nobody(*_: Any) -> None:
        raise AssertionError("the long way was taken")

    async with bus.opened(nobody) as (address, _):
        connection = await Connection.to(address)
        for number in (1, 2):
            answer = await connection.ask(a_request(authorization, json.dumps(an_event(number))))
            assert answer.json() == {"position": number, "duplicate": False}
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


async def test_a_request_whose_head_was_read_before_is_read_as_well_as_any(bus: Bus, connection: Connection):
    authorization = publisher(bus)
    for number in (1, 2, 3):
        answer = await connection.ask(a_request(authorization, json.dumps(an_event(number))))
        assert answer.json() == {"position": number, "duplicate": False}
    wrong = await connection.ask(a_request(authorization, json.dumps(an_event(4)).replace(b"Rekaan", b"Rek\nan")))
    assert wrong.status_code == 400
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


@pytest.mark.parametrize("is_known", [True, False], ids=["short way", "long way"])
async def test_the_metric_of_requests_counts_publishing_too(bus: Bus, connection: Connection, *, is_known: bool):
    authorization = publisher(bus)
    if is_known:
        await asyncio.to_thread(bus.rooms.tokens.verify, authorization.encode())
    before = [count_answers(status) for status in (202, 422, 400)]
    for event in (an_event(1), an_event(2, data={"nik": 1})):
        await connection.ask(a_request(authorization, json.dumps(event)))
    wrong = a_request(authorization, json.dumps(an_event(3))).replace(b"/v1/events ", b"/v1/events?partail=true ")
    await connection.ask(wrong)
    assert [count_answers(status) for status in (202, 422, 400)] == [count + 1 for count in before]


def count_answers(status: int) -> float:
    labels = {"method": "POST", "route": "/v1/events", "status": str(status)}
    return REGISTRY.get_sample_value("bus_http_requests_total", labels) or 0.0
