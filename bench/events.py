"""The events: fictitious licences as a licensing app publishes them, each with an id and a number of its own.

Their holders are two million persons, so that an index of persons is as large as a regency's.
"""

import re
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final

from bus import json
from samples.data import SAMPLES, read_wilayah

CONTRACT: Final = "perizinan.izin"
PRODUCER: Final = "dpmptsp"
CONSUMER: Final = "bapenda"
ROADS: Final = "infrastruktur.ruas-jalan"
"""A contract about nobody, whose consumer sees everything."""
ROADS_PRODUCER: Final = "dpupr"
ROADS_CONSUMER: Final = "bappeda"

_SHAPES: Final = 200
_ID: Final = "<id>"
_NUMBER: Final = "<number>"
_SERIAL: Final = "<serial>"
_PLACE: Final = re.compile(b"(<id>|<number>|<serial>)")
_LICENCE: Final = re.compile(rb'"nomor_izin":"([^"]*)"')
_SERIALS: Final = 9_999
"""The last four digits of a NIK, without 0000."""
_VILLAGE: Final = len("35.24.01.2001")
_START: Final = count(1)
_RUN: Final = Random().randrange(10**5)
"""Keeps the ids of one run of the benchmarks apart from another's on the same database."""


def documents(contract: str = CONTRACT, *, of_persons: bool = True) -> Iterator[bytes]:
    """CloudEvents in JSON, without end; no two alike, also over several calls.

    Args:
        of_persons: licences have persons as their holders, else companies without a number.
    """
    shapes = [_shape(Random(seed), contract, of_persons=of_persons) for seed in range(_SHAPES)]
    for number in _START:
        parts = shapes[number % _SHAPES].copy()
        texts = (b"%05d-%010d" % (_RUN, number), b"IZN-2026-%09d" % number, b"%04d" % (number % _SERIALS + 1))
        parts[1::2] = texts[: len(parts) // 2]
        yield b"".join(parts)


def _shape(rng: Random, contract: str, *, of_persons: bool) -> list[bytes]:
    """One event in parts: every second is its id, then its number and, in a licence, the last digits of its holder's NIK."""
    village = rng.choice([place for place in read_wilayah() if len(place.kode) == _VILLAGE])
    data = SAMPLES[contract](rng, village)
    if contract == CONTRACT:
        data["nomor_izin"] = _NUMBER
        owner = data["pemilik"]
        data["pemilik"] = (
            owner | {"nik": owner["nik"][:-4] + _SERIAL} if of_persons else {"jenis": "badan", "nama": owner["nama"]}
        )
    if contract == ROADS:
        data["nomor_ruas"] = _NUMBER
    event = {
        "specversion": "1.0",
        "id": _ID,
        "source": "/lamongan/bench",
        "type": contract,
        "time": "2026-07-01T08:15:30+07:00",
        "datacontenttype": "application/json",
        "data": data,
    }
    return _PLACE.split(json.dumps(event))


def licence_of(body: bytes) -> bytes | None:
    """The number of the licence in a request or a delivery; None without one.

    A view that cuts gives events ids of its own, so that an id does not find an event again.
    """
    found = _LICENCE.search(body)
    return found[1] if found else None


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
