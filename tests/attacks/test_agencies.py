"""An agency that answers without end takes neither the memory of the bus nor its time."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from bus.kit import MOST_BYTES, AgencyFault, Failure, send_request

MEBIBYTE = b"0" * 1024 * 1024


class Stream(httpx.AsyncByteStream):
    """A body without end; `poured` counts its pieces."""

    def __init__(self, piece: bytes) -> None:
        self._piece = piece
        self.poured = 0
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.poured += 1
            yield self._piece
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        self.is_closed = True


def an_agency(stream: Stream, headers: dict[str, str]) -> httpx.AsyncClient:
    def answers(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, stream=stream)

    return httpx.AsyncClient(transport=httpx.MockTransport(answers))


@pytest.mark.parametrize(
    ("piece", "headers"),
    [
        (MEBIBYTE, {}),
        (b"0" * 65_536 + gzip.compress(MEBIBYTE), {"content-encoding": "deflate"}),
        (gzip.compress(b"") * 1000, {"content-encoding": "gzip"}),
    ],
    ids=["megabytes", "garbage", "nothing packed again and again"],
)
async def test_an_answer_without_end_is_broken_off(piece: bytes, headers: dict[str, str]):
    stream = Stream(piece)
    async with an_agency(stream, headers) as http:
        with pytest.raises(AgencyFault) as fault:
            await send_request(http, "Badan", http.build_request("GET", "https://badan.example/data"))
    assert fault.value.failure is Failure.TRANSIENT
    assert stream.is_closed
    assert stream.poured * len(piece) <= MOST_BYTES + len(piece)


async def test_a_packed_answer_that_unpacks_to_more_is_broken_off():
    bomb = gzip.compress(MEBIBYTE * 64)

    def answers(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Pieces(bomb))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answers)) as http:
        with pytest.raises(AgencyFault):
            await send_request(http, "Badan", http.build_request("GET", "https://badan.example/data"))


class Pieces(httpx.AsyncByteStream):
    """A body in pieces of a kilobyte."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 1024):
            yield self._body[start : start + 1024]


async def test_a_packed_answer_is_read():
    def answers(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip", "x": "y"}, content=gzip.compress(b'{"a": 1}'))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answers)) as http:
        response = await send_request(http, "Badan", http.build_request("GET", "https://badan.example/data"))
    assert (response.json(), response.headers["x"]) == ({"a": 1}, "y")
