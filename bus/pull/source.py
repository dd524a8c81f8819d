"""A contract's records at a bus, as a pull reads them.

Promise: a stream that broke off, or that was changed on its way, never looks whole.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import httpx

from bus import json
from bus.pull.errors import AnswerAltered
from bus.remote import STREAMED, BusAway, BusRefuses, read_answer

_NDJSON: Final = "application/x-ndjson"
_NO_SCOPE: Final = "urn:bus:problem:scope-missing"
_SPARE_SECONDS: Final = 30
"""How much longer than the bus may wait this client waits for its answer."""
_LONGEST_LINE: Final = 64 * 1024 * 1024
"""Bytes. The bus takes events of 10 MiB at most; what never ends must not fill the memory."""
_COUNT: Final = re.compile("[0-9]{1,18}", re.ASCII)
_SEQUENCE: Final = re.compile("[0-9]{20}", re.ASCII)
_LAST: Final = 2**63 - 1
"""The largest position."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What the bus lets a client read now.

    Attributes:
        authorization: the header field with a fresh token.
        origin: names the bus, the participant and its grant. Records that were read under another origin may differ.
    """

    authorization: str
    origin: str


class Line(NamedTuple):
    """One record in a stream.

    Attributes:
        text: the CloudEvent as the bus wrote it.
        event: its value.
    """

    text: str
    event: dict[str, Any]


class KeyRange(NamedTuple):
    """The digest of the records with neighbouring keys, up to `to`."""

    to: str
    records: int
    digest: str


class Stream:
    """The records that changed behind a place, as they are in one state.

    Attributes:
        count: how many lines come; None: the bus does not know it yet.
        following: the cursor behind the stream; empty until its last line was read.
    """

    def __init__(self, answer: httpx.Response) -> None:
        self.following = ""
        count = answer.headers.get("bus-count", "")
        self.count = int(count) if _COUNT.fullmatch(count) else None
        self._answer = answer
        self._digest = sha256()
        self._read = 0

    def lines(self) -> Iterator[Line]:
        """The records.

        Raises:
            AnswerAltered: the stream is not what the bus sent. Nothing of it may be kept.
            BusAway: the stream broke off.
        """
        for text in _split(self._answer):
            if self.following:
                raise _refuse_answer()
            event = _read_line(text)
            if "specversion" not in event:
                self._check_trailer(event)
                continue
            _check_event(event)
            self._digest.update(text + b"\n")
            self._read += 1
            yield Line(text.decode(), event)
        if not self.following:
            raise BusAway("The line to the bus broke off.")

    def _check_trailer(self, trailer: dict[str, Any]) -> None:
        digest = f"sha256:{self._digest.hexdigest()}"
        following = trailer.get("next")
        if (trailer.get("count"), trailer.get("digest")) != (self._read, digest):
            raise _refuse_answer()
        if not isinstance(following, str) or not following:
            raise _refuse_answer()
        self.following = following


class Source:
    """A contract's records at a bus."""

    def __init__(self, bus: httpx.Client, contract: str) -> None:
        self.contract = contract
        self._bus = bus
        self._path = f"/v1/records/{quote(contract, safe='')}"

    def ask_admission(self) -> Admission:
        """What the bus lets this client read now.

        A client without the scope `contracts.read` is not told its grant. Then `origin` names no grant.

        Raises:
            BusAway, BusRefuses: as `read_answer`.
        """
        answer = self._get(f"/v1/contracts/{quote(self.contract, safe='')}/access")
        authorization = answer.request.headers["authorization"]
        participant = _read_participant(authorization)
        try:
            access = read_answer(answer)
        except BusRefuses as refusal:
            if refusal.type != _NO_SCOPE:
                raise
            access = {"versions": []}
        with _understood():
            shown = [
                # `ended`: another version may still show its own records.
                [version["version"], grant["granted"], grant["fields"], grant["rows"], grant["ended"]]
                for version in access["versions"]
                for grant in version["grants"]
                if grant["participant"] == participant
            ]
        origin = json.dump_canonical([str(self._bus.base_url), participant, shown])
        return Admission(authorization, sha256(origin).hexdigest())

    def open_stream(self, admission: Admission, after: str) -> tuple[httpx.Response, Stream]:
        """The records that changed behind a place, and the answer that the caller has to close.

        Args:
            after: a cursor, or the `sequence` of the last record that was read of a stream; empty: all records.

        Raises:
            BusAway, BusRefuses: as `read_answer`.
        """
        headers = {"accept": _NDJSON, "authorization": admission.authorization}
        params = {"after": after, "trailer": "true"}
        asked = self._bus.build_request("GET", self._path, params=params, headers=headers, extensions=STREAMED)
        try:
            # Without `auth`: an answer to a request with it is read whole before it is handed out.
            answer = self._bus.send(asked, stream=True, auth=None)
            if answer.is_success and answer.headers.get("content-type", "").startswith(_NDJSON):
                return answer, Stream(answer)
            answer.read()
            answer.close()
        except httpx.RequestError:
            raise self._away() from None
        if answer.is_success or answer.status_code == httpx.codes.UNAUTHORIZED:
            raise BusAway(
                f"What answers at {self._bus.base_url} gives no records; see that BUS_URL is a bus's address."
            )
        read_answer(answer)
        raise AssertionError("an answer without success raises")

    def wait(self, after: str, seconds: float) -> None:
        """Return when something changed behind a cursor, or after some seconds.

        Raises:
            BusAway, BusRefuses: as `read_answer`.
        """
        params = {"after": after, "limit": 1, "wait": seconds}
        read_answer(self._get(self._path, params=params, timeout=seconds + _SPARE_SECONDS))

    def read_digests(self, at: str) -> Iterator[KeyRange]:
        """The digests of all ranges of keys, in the order of the keys' bytes.

        Args:
            at: the cursor at the end of a stream.

        Raises:
            BusAway, BusRefuses: as `read_answer`.
        """
        after: str | None = ""
        last = b""
        while after is not None:
            found = read_answer(self._get(f"{self._path}/digest", params={"at": at, "after": after}))
            with _understood():
                ranges = [KeyRange(one["to"], one["count"], one["digest"]) for one in found["ranges"]]
                ends = [last, *(one.to.encode() for one in ranges)]
                following = found["next"]
            # Ranges and cursors move on, or the comparison would never end.
            if following == after or any(end >= later for end, later in pairwise(ends)):
                raise _refuse_answer()
            yield from ranges
            after, last = following, ends[-1]

    def _get(self, path: str, **request: Any) -> httpx.Response:
        try:
            return self._bus.get(path, **request)
        except httpx.RequestError:
            raise self._away() from None

    def _away(self) -> BusAway:
        return BusAway(f"No bus answers at {self._bus.base_url}; start it, or correct BUS_URL.")


def _split(answer: httpx.Response) -> Iterator[bytes]:
    """The whole lines of an answer. httpx's own lines also end at characters that JSON allows within a text."""
    parts: list[bytes] = []
    size = 0
    try:
        for part in answer.iter_bytes():
            first, *others = part.split(b"\n")
            parts.append(first)
            size = len(others[-1]) if others else size + len(first)
            if size > _LONGEST_LINE:
                raise _refuse_answer()
            for following in others:
                yield b"".join(parts)
                parts = [following]
    except httpx.RequestError:
        raise BusAway("The line to the bus broke off.") from None


def _read_line(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise _refuse_answer() from None
    if not isinstance(value, dict):
        raise _refuse_answer()
    return value


def _check_event(event: dict[str, Any]) -> None:
    sequence = event.get("sequence")
    is_placed = isinstance(sequence, str) and _SEQUENCE.fullmatch(sequence) and int(sequence) <= _LAST
    # A record without data is no deletion: that has the data null.
    if not is_placed or "data" not in event:
        raise _refuse_answer()


@contextmanager
def _understood() -> Iterator[None]:
    """Refuse JSON that is none of the bus's documents."""
    try:
        yield
    except (AttributeError, KeyError, TypeError):
        raise _refuse_answer() from None


def _refuse_answer() -> AnswerAltered:
    return AnswerAltered("What came is not what the bus sent: something on the way changes it.")


def _read_participant(authorization: str) -> str:
    """The participant in a token; empty if the token is none of this bus's kind. It names a grant, and allows nothing."""
    try:
        claims = authorization.split(".")[1]
        return str(json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["participant"])
    except (IndexError, KeyError, ValueError, TypeError):
        return ""
