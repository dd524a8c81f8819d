"""A snapshot: all records of a contract in one stream of lines. A damaged stream never looks whole. This module does no I/O."""

import json
from collections.abc import Generator, Iterator
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from bus_lamongan_client.answers import Page, Response, read_answer
from bus_lamongan_client.dialogue import Dialogue, Pause, Receive, Request
from bus_lamongan_client.errors import SnapshotInvalid, Unreachable

NDJSON: Final = "application/x-ndjson"
_MOST_BYTES: Final = 4 * 1024 * 1024
"""Bytes in a page. With a bound on events alone, a page of large events could take a gigabyte."""

Streaming = Generator[Request | Receive | Pause | Page, Response | bytes | None, None]


def read_snapshot(dialogue: Dialogue, contract: str, after: str, limit: int) -> Streaming:
    """Yields the pages of a snapshot. When the stream breaks off, another one goes on behind the last record."""
    tries = 0
    while True:
        lines = Lines(limit)
        try:
            query = f"trailer=true&after={quote(after, safe='')}"
            request = Request("GET", f"/v1/records/{quote(contract, safe='')}?{query}", {"accept": NDJSON})
            response = yield from dialogue.send(request)
            if not is_stream(response):
                read_answer(response)
                raise Unreachable("The answer is no stream of records.")
            while isinstance(part := (yield Receive()), bytes):
                for page in lines.read(part):
                    after, tries = page.next, 0
                    yield page
            if last := lines.end():
                after, tries = last.next, 0
                yield last
            if lines.is_whole:
                return
            raise Unreachable("The stream of records broke off.")
        except Unreachable as failure:
            tries += 1
            yield dialogue.choose_pause(tries, failure)


def is_stream(response: Response) -> bool:
    """Whether the body is a stream of records."""
    return response.status == 200 and response.headers.get("content-type", "").startswith(NDJSON)


class Lines:
    """The records in the lines of one stream, and the check of its trailer.

    Attributes:
        is_whole: whether the trailer was read, and counts and hashes the lines before it.
    """

    def __init__(self, limit: int) -> None:
        self.is_whole = False
        self._limit = limit
        self._rest: list[bytes] = []
        self._events: list[dict[str, Any]] = []
        self._bytes = 0
        self._count = 0
        self._digest = sha256()
        self._next = ""

    def read(self, part: bytes) -> Iterator[Page]:
        """The full pages, after another part of the stream.

        Raises:
            SnapshotInvalid: the stream is not what the bus sent.
        """
        first, *others = part.split(b"\n")
        self._rest.append(first)
        for following in others:
            self._add(b"".join(self._rest))
            self._rest = [following]
            if len(self._events) >= self._limit or self._bytes >= _MOST_BYTES:
                yield self._take()

    def end(self) -> Page | None:
        """The last page, at the end of the stream; None: the stream broke off, and there is nothing new."""
        return self._take() if self._events or self.is_whole else None

    def _take(self) -> Page:
        page = Page(self._events, self._next)
        self._events, self._bytes = [], 0
        return page

    def _add(self, line: bytes) -> None:
        event = _parse(line)
        if self.is_whole or event is None:
            raise SnapshotInvalid("A line of the snapshot is no record.")
        if "specversion" not in event:
            self._check_trailer(event)
            return
        self._digest.update(line + b"\n")
        self._count += 1
        self._bytes += len(line)
        self._events.append(event)
        self._next = str(event["sequence"])

    def _check_trailer(self, trailer: dict[str, Any]) -> None:
        digest = f"sha256:{self._digest.hexdigest()}"
        if (trailer.get("count"), trailer.get("digest")) != (self._count, digest):
            raise SnapshotInvalid(f"The snapshot has {self._count} records, and its trailer names others.")
        self.is_whole, self._next = True, str(trailer["next"])


def _parse(line: bytes) -> dict[str, Any] | None:
    """A record or the trailer; None: the line is neither."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    names = {"sequence"} if isinstance(value, dict) and "specversion" in value else {"next"}
    return value if isinstance(value, dict) and names <= value.keys() else None
