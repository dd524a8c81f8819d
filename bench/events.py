"""The events: fictitious licences as a licensing app publishes them, each with an id and a number of its own."""

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final

from bus import json
from samples.data import SAMPLES, read_wilayah

CONTRACT: Final = "perizinan.izin"
PRODUCER: Final = "dpmptsp"
CONSUMER: Final = "bapenda"

_SHAPES: Final = 200
_ID: Final = b"#" * 16
_NUMBER: Final = "IZN-2026-000000000"
_VILLAGE: Final = len("35.24.01.2001")
_START: Final = count(1)
_RUN: Final = Random().randrange(10**5)
"""Keeps the ids of one run of the benchmarks apart from another's on the same database."""


def documents(contract: str = CONTRACT) -> Iterator[bytes]:
    """CloudEvents in JSON, without end; no two alike, also over several calls."""
    shapes = [_shape(Random(seed), contract) for seed in range(_SHAPES)]
    for number in _START:
        before_id, *rest = shapes[number % _SHAPES]
        yield b"".join((before_id, b"%05d-%010d" % (_RUN, number), (b"IZN-2026-%09d" % number).join(rest)))


def _shape(rng: Random, contract: str) -> list[bytes]:
    """One event, cut where its id and, if it is a licence, the licence's number stand."""
    village = rng.choice([place for place in read_wilayah() if len(place.kode) == _VILLAGE])
    data = SAMPLES[contract](rng, village)
    if contract == CONTRACT:
        data["nomor_izin"] = _NUMBER
    event = {
        "specversion": "1.0",
        "id": _ID.decode(),
        "source": "/lamongan/bench",
        "type": contract,
        "time": "2026-07-01T08:15:30+07:00",
        "datacontenttype": "application/json",
        "data": data,
    }
    before_id, rest = json.dumps(event).split(_ID)
    return [before_id, *rest.split(_NUMBER.encode())]


def event_id(request: bytes) -> bytes:
    """The id of the event that a request publishes."""
    start = request.index(b'"id":"') + 6
    return request[start : start + len(_ID)]


def requests(authorization: str) -> Iterator[bytes]:
    """Publishing requests over HTTP/1.1, one event each."""
    for body in documents():
        yield request(body, authorization, "application/cloudevents+json")


def request(body: bytes, authorization: str, media_type: str) -> bytes:
    """One publishing request."""
    head = (
        f"POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {authorization}\r\n"
        f"content-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
