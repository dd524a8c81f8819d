"""Bodies of requests in gzip, unpacked part by part and within their bound."""

import asyncio
import gzip
import os
from collections.abc import MutableMapping
from typing import Any

import pytest

from bus.http.unpacking import BodyNotGzip, BodyTooLarge, CodingUnsupported, Receive, unpack

pytestmark = pytest.mark.unit

MOST = 1024 * 1024


def brings(*parts: bytes) -> Receive:
    left = list(parts)

    async def receive() -> MutableMapping[str, Any]:
        part = left.pop(0) if left else b""
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    return receive


async def read(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message["body"])
        more = message["more_body"]
    return b"".join(parts)


async def take(receive: Receive, taken: list[int]) -> None:
    while True:
        taken.append(len((await receive())["body"]))


async def unpacked(*parts: bytes, coding: bytes = b"gzip", most: int = MOST) -> bytes:
    return await read(unpack(coding, brings(*parts), most))


@pytest.mark.parametrize("coding", [b"gzip", b"GZIP", b"x-gzip", b"gzip, identity", b" gzip "])
async def test_a_body_in_gzip_comes_as_it_was(coding: bytes) -> None:
    text = os.urandom(300_000)
    assert await unpacked(gzip.compress(text), coding=coding) == text


@pytest.mark.parametrize("coding", [b"", b"identity", b"Identity", b"identity, identity"])
async def test_a_body_in_no_coding_comes_as_it_is(coding: bytes) -> None:
    assert await unpacked(b"{}", coding=coding) == b"{}"


@pytest.mark.parametrize("size", [1, 7, 65_536])
async def test_it_may_come_in_any_pieces(size: int) -> None:
    text = b'{"nama": "rekaan"}' * 1000
    packed = gzip.compress(text)
    assert await unpacked(*(packed[start : start + size] for start in range(0, len(packed), size))) == text


async def test_members_one_behind_the_other_are_one_body() -> None:
    assert await unpacked(gzip.compress(b"[1,") + gzip.compress(b"") + gzip.compress(b"2]")) == b"[1,2]"


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072, MOST])
async def test_a_body_that_fills_its_parts_exactly_is_whole(size: int) -> None:
    assert await unpacked(gzip.compress(b"a" * size)) == b"a" * size


@pytest.mark.parametrize(
    "coding", [b"br", b"deflate", b"zstd", b"gzip, gzip", b"gzip,br", b"compress", b"*", b"gzip;q=1", b"\xff"]
)
def test_another_coding_is_refused_with_the_one_that_is_read(coding: bytes) -> None:
    with pytest.raises(CodingUnsupported) as refused:
        unpack(coding, brings(b""), MOST)
    assert (refused.value.status, refused.value.headers) == (415, {"Accept-Encoding": "gzip"})


@pytest.mark.parametrize(
    "packed",
    [
        b"{}",
        gzip.compress(b"{}")[:-1],
        gzip.compress(b"{}")[:5],
        gzip.compress(b"{}")[:-8] + b"\0" * 8,
        gzip.compress(b"{}") + b"garbage",
        gzip.compress(b"{}") + gzip.compress(b"{}")[:4],
    ],
    ids=["no gzip", "a byte short", "half a head", "a wrong sum", "garbage behind it", "half a member behind it"],
)
async def test_what_is_no_gzip_is_told(packed: bytes) -> None:
    with pytest.raises(BodyNotGzip):
        await unpacked(packed)


async def test_a_bomb_is_cut_at_its_bound() -> None:
    taken: list[int] = []
    with pytest.raises(BodyTooLarge):
        await take(unpack(b"gzip", brings(gzip.compress(b"\0" * 100_000_000)), MOST), taken)
    assert sum(taken) <= MOST


async def test_a_body_that_unpacks_to_nothing_is_bounded_as_it_is_packed() -> None:
    empty_blocks = gzip.compress(b"")[:10] + b"\0\0\0\xff\xff" * 300_000
    with pytest.raises(BodyTooLarge):
        await unpacked(empty_blocks)


async def test_a_thousand_empty_members_are_too_many() -> None:
    with pytest.raises(BodyNotGzip):
        await unpacked(gzip.compress(b"") * 1001)


async def test_to_unpack_much_lets_others_go_on() -> None:
    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    watching = asyncio.create_task(watch())
    size = len(await unpacked(gzip.compress(b'{"nama": "rekaan"}' * 2_000_000), most=64 * MOST))
    watching.cancel()
    # A part that takes longer than a millisecond is larger than that.
    assert turns > size / 131_072
