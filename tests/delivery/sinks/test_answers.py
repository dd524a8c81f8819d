"""Answers that are not HTTP as it should be: the status decides, and nothing of one answer is taken for the next one."""

import asyncio

import pytest

from bus.delivery.sinks.aiohttp_inside import FIELDS, HEAD_BYTES
from bus.kit import Failure, Outcome
from tests.delivery.sinks.a_receiver import BODY, OK, Answer, a_receiver, a_sink, closes, hangs, says, the_outcome

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


async def ends_early(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf")
    await writer.drain()
    writer.close()


BROKEN: dict[str, Answer] = {
    "204 with a body": says(NO_CONTENT + b"<html>ok</html>"),
    "204 with a length and a body": says(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"),
    "204 with chunks": says(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    "a body longer than its length": says(OK + b" and more"),
    "the same length twice": says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
    "two lengths": says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
    "a length that is none": says(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok"),
    "length and chunks": says(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    ),
    "a long field": says(b"HTTP/1.1 200 OK\r\nX-Debug: " + b"x" * 9000 + b"\r\nContent-Length: 0\r\n\r\n"),
    "a field in parts": says(b"HTTP/1.1 200 OK\r\nX-Debug: ", b"x" * 9000, b"\r\nContent-Length: 0\r\n\r\n"),
    "a field beyond the bound": says(b"HTTP/1.1 200 OK\r\nX-Debug: " + b"x" * 3 * HEAD_BYTES),
    "many fields": says(b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 2 * FIELDS + b"Content-Length: 0\r\n\r\n"),
    "a folded field": says(b"HTTP/1.1 200 OK\r\nX-Fold: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    "a line that is no field": says(b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n"),
    "a name with a blank": says(b"HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length : 0\r\n\r\n"),
    "bytes that no field may have": says(b"HTTP/1.1 200 OK\r\nX: \x00\x01\xff\r\nContent-Length: 0\r\n\r\n"),
    "line feeds alone": says(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    "an odd phrase": says(b"HTTP/1.1 200 \xff\xfe\x00\x7f baik\r\nContent-Length: 0\r\n\r\n"),
    "no phrase": says(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
    "HTTP/1.0": says(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "HTTP/2 in words": says(b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n"),
    "lower case": says(b"http/1.1 200 ok\r\ncontent-length: 0\r\n\r\n"),
    "an empty line before": says(b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "something behind the last chunk": says(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\ngarbage"
    ),
    "chunks that are none": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n"),
    "an unknown coding": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok"),
    "an end within the body": ends_early,
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_a_2xx_that_is_not_http_as_it_should_be_was_thrown_away(answer: Answer):
    async with a_receiver(answer, says(OK)) as receiver, a_sink() as sink:
        outcomes = [await sink.send(receiver.address, BODY, {}) for _ in range(3)]
    assert [outcome.failure for outcome in outcomes] == [None] * 3
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("status", [b"410 Gone", b"503 Busy", b"422 No"])
async def test_a_refusal_that_is_not_http_as_it_should_be_keeps_its_status(status: bytes):
    outcome = await the_outcome(says(b"HTTP/1.1 " + status + b"\r\nRetry-After: 9\r\nContent-Length: 1\r\n\r\nrest"))
    assert (outcome.status, outcome.retry_after) == (int(status[:3]), 9)


@pytest.mark.parametrize(
    "answer",
    [
        NO_CONTENT + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK + b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_what_comes_behind_an_answer_is_not_the_answer_to_the_next_event(answer: bytes):
    refuses = says(b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n")
    async with a_receiver(says(answer), refuses) as receiver, a_sink() as sink:
        outcomes = [await sink.send(receiver.address, BODY, {}) for _ in range(2)]
    assert [outcome.failure for outcome in outcomes] == [None, Failure.PERMANENT]


@pytest.mark.parametrize("late", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 2", b"<html>", b"\r\n"])
async def test_what_comes_while_nobody_asks_is_not_the_answer_to_the_next_event(late: bytes):
    released = asyncio.Event()

    async def adds_later(writer: asyncio.StreamWriter) -> None:
        writer.write(NO_CONTENT)
        await released.wait()
        writer.write(late)

    refuses = says(b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n")
    async with a_receiver(adds_later, refuses) as receiver, a_sink() as sink:
        await sink.send(receiver.address, BODY, {})
        released.set()
        async with asyncio.timeout(5):
            await receiver.ended.wait()
        outcome = await sink.send(receiver.address, BODY, {})
    assert outcome.failure is Failure.PERMANENT
    assert receiver.connections == 2


async def test_a_body_that_a_204_must_not_have_does_not_cost_the_next_event_its_delivery():
    """The rest comes when the next request is out already: it is no answer to that."""

    async def says_the_rest_first(writer: asyncio.StreamWriter) -> None:
        writer.write(b"<html>ok</html>")

    async with a_receiver(says(NO_CONTENT), says_the_rest_first, says(OK)) as receiver, a_sink() as sink:
        outcomes = [await sink.send(receiver.address, BODY, {}) for _ in range(2)]
    assert [outcome.failure for outcome in outcomes] == [None, None]
    assert (len(receiver.requests), receiver.connections) == (3, 2)


async def test_what_a_server_says_before_it_is_asked_is_no_answer():
    taken: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        taken.append(await reader.read(65536))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with a_sink() as sink:
        outcomes = [await sink.send(f"http://{host}:{port}/", BODY, {}) for _ in range(20)]
    server.close()
    # Only what was sent counts as taken.
    assert sum(outcome.failure is None for outcome in outcomes) <= sum(BODY in one for one in taken)


async def test_a_head_that_breaks_off_is_no_ack():
    async def breaks_off(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
        await writer.drain()
        writer.close()

    outcome = await the_outcome(breaks_off)
    assert outcome.failure is Failure.TRANSIENT


async def test_a_status_that_came_counts_though_the_time_ends_within_the_body():
    slow = says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"half")
    assert await the_outcome(slow, seconds=0.3) == Outcome(status=200)


async def test_a_sink_that_closes_kept_connections_cost_each_event_a_backoff():
    """Each second request on a connection finds it closed, just when it is sent."""

    async def forgets(writer: asyncio.StreamWriter) -> None:
        writer.close()

    answers = [says(OK), *[forgets, says(OK)] * 19]
    async with a_receiver(*answers) as receiver, a_sink() as sink:
        outcomes = [await sink.send(receiver.address, BODY, {}) for _ in range(20)]
    assert [outcome.failure for outcome in outcomes] == [None] * 20
    assert receiver.connections == 20


async def test_a_sink_that_restarts_has_closed_all_connections_and_each_event_is_tried_on_a_new_one():
    asked = asyncio.Barrier(8)

    async def answers_together(writer: asyncio.StreamWriter) -> None:
        await asked.wait()
        writer.write(OK)

    answers = [*[answers_together] * 8, *[closes] * 8, *[says(OK)] * 8]
    async with a_receiver(*answers) as receiver, a_sink() as sink:
        for _ in range(2):
            outcomes = await asyncio.gather(*[sink.send(receiver.address, BODY, {}) for _ in range(8)])
    assert [outcome.failure for outcome in outcomes] == [None] * 8
    assert receiver.connections == 16


@pytest.mark.parametrize("first", [[], [says(OK)]], ids=["new", "kept"])
async def test_a_new_connection_that_is_closed_is_not_tried_again(first: list[Answer]):
    answers = [*first, *[closes] * (1 + len(first)), hangs]
    async with a_receiver(*answers) as receiver, a_sink(seconds=2.0) as sink:
        for _ in first:
            await sink.send(receiver.address, BODY, {})
        outcome = await sink.send(receiver.address, BODY, {})
    assert outcome.failure is Failure.TRANSIENT
    assert not outcome.is_unsent
    assert receiver.connections == 1 + len(first)


async def test_a_kept_connection_that_ends_within_an_answer_is_not_tried_again():
    async def breaks_off(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 2")
        await writer.drain()
        writer.close()

    async with a_receiver(says(OK), breaks_off, says(OK)) as receiver, a_sink() as sink:
        outcomes = [await sink.send(receiver.address, BODY, {}) for _ in range(2)]
    assert outcomes[1].failure is Failure.TRANSIENT
    assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    "target",
    [
        "/hook?sp=%2Frun&sig=a%2FX%3D",
        "/hook?sp=%2frun&sig=a%2fx%3d",
        "/a%2Fb/%7Euser/~user?q=a+b%20c",
        "/a/../b/./c//d",
        "/hook?",
        "/hook?a=b&&=&c",
        "/?x?y/z",
        "/a;b=1/@:!$&'()*,",
        "/hook?ids[]=1&ids[]=2",
        "/",
    ],
)
async def test_an_address_is_asked_for_as_it_was_registered(target: str):
    async with a_receiver() as receiver, a_sink() as sink:
        origin = receiver.address.partition("/hook")[0]
        outcome = await sink.send(origin + target, BODY, {})
    assert (outcome.failure, receiver.targets) == (None, [target])


async def test_an_address_without_a_path_is_asked_for_at_the_root():
    async with a_receiver() as receiver, a_sink() as sink:
        origin = receiver.address.partition("/hook")[0]
        for url in (origin, f"{origin}?sig=a%2FX", origin.replace("http", "HTTP")):
            await sink.send(url, BODY, {})
    assert receiver.targets == ["/", "/?sig=a%2FX", "/"]


async def test_an_address_that_was_registered_with_other_letters_is_still_asked_for():
    async with a_receiver() as receiver, a_sink() as sink:
        origin = receiver.address.partition("/hook")[0]
        outcome = await sink.send(f"{origin}/warga/é", BODY, {})
    assert (outcome.failure, receiver.targets) == (None, ["/warga/%C3%A9"])
