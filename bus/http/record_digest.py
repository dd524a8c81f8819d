"""Digests of ranges of keys: a consumer compares its copy with the bus without reading the records again.

The digest is of what the caller sees, so it tells nothing of what its grant hides. A range ends at a record that the caller
sees, and cursors are sealed. So nobody learns between which keys a hidden key is.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

from fastapi import Request, Response
from pydantic import BaseModel, Field

from bus import json
from bus.contracts import View
from bus.disclosures import Channel
from bus.heavy import Steps
from bus.http.cursors import After, Place, read_place, refuse_cursor, write_place
from bus.http.openapi import Operation
from bus.http.page import NO_STORE, Reading
from bus.http.readers import ReaderRoute, read_query, start_reading
from bus.http.record_kinds import check_key_is_shown
from bus.http.sealed_cursors import seal_pair, unseal_pair
from bus.http.semantics import ContentUnread, is_head
from bus.http.surface import JSON
from bus.http.wishes import WantedFields, read_wanted
from bus.identity import Scope
from bus.journal import MOST_BYTES, Entry, RecordState, join_place, split_place
from bus.problem import FieldError, Invalid

_MOST_RECORDS: Final = 10_000
"""Records that are looked at for one answer."""
_MOST_LOOKED_AT: Final = 8 * MOST_BYTES
"""Bytes of these records."""
_TOGETHER: Final = 500
_LONGEST_KEY: Final = 1024


class PassUnfinished(Invalid):
    """This cursor stands within a pass; read on until a page brings nothing, and give the last `next`."""

    slug = "pass-unfinished"


class DigestRange(BaseModel):
    """Some records with neighbouring keys."""

    to: str = Field(description="the last key of the range, which begins behind the `to` of the range before")
    count: int = Field(ge=0, description="how many records you see in it, without deleted ones")
    digest: str = Field(
        description="SHA-256 in hex of a line for each record, in the order of the keys' bytes: the canonical JSON of "
        "`[key, data]` and a line break"
    )


class RecordDigest(BaseModel):
    """Digests of ranges of keys."""

    at: str = Field(description="the cursor of the state that the digests are of")
    ranges: list[DigestRange] = Field(description="in the order of the keys' bytes (UTF-8)")
    next: str | None = Field(description="give it as `after` for the ranges that follow; null: no key follows")


class DigestQuery(BaseModel):
    """Which ranges."""

    at: str = Field(
        "", description="`next` at the end of a pass: the state that your copy has; absent: the present state"
    )
    above: str = Field("", max_length=_LONGEST_KEY, description="only keys behind this key")
    to: str = Field("", max_length=_LONGEST_KEY, description="only keys up to this key, and this key too; absent: all")
    size: int = Field(1000, ge=1, le=_MOST_RECORDS, description="records in a range")
    after: After = ""
    fields: WantedFields = ""


async def digest_records(request: Request) -> Response:
    """Counts and digests of the records by ranges of keys, to compare a copy without reading all of it again.

    First bring the copy to the end of a pass, and give its `next` as `at`. Compare each range, and ask for a range that differs
    again with `above`, `to` and a smaller `size`: with `size=1`, each record has a digest of its own. An answer looks at 10,000
    records at most; go on with `next` as `after` and the same `to`, `size` and `fields`.

    Canonical JSON has the members of each object in the order of their names' bytes, and no blanks. It is UTF-8, without escapes
    where JSON needs none. Numbers stand as in the events that the bus gives: `7.0` stays `7.0`.
    The records are as your grant and `fields` show them. Each answer counts as a disclosure of its records.
    """
    reading = await start_reading(request, Channel.RECORDS)
    asked = read_query(DigestQuery, request)
    if is_head(request):
        await reading.read(_check(reading))
        return ContentUnread(headers=NO_STORE, media_type=JSON)
    return Response(await reading.read(_answer(reading, asked)), headers=NO_STORE, media_type=JSON)


DIGEST_ROUTE: Final = ReaderRoute(
    "/v1/records/{contract}/digest",
    digest_records,
    Operation(
        "Records",
        Scope.EVENTS_READ,
        {"200": {"model": RecordDigest, "description": "Counts and digests of the ranges"}, "409": {}, "410": {}},
        query=DigestQuery,
    ),
)


class _Ranges:
    """The ranges of one answer, while records are added in the order of their keys."""

    def __init__(self, size: int) -> None:
        self.closed: list[dict[str, object]] = []
        self._size = size
        self._count = 0
        self._last = ""
        self._digest = sha256()

    def add(self, key: str, line: bytes) -> None:
        """Add a record to the open range."""
        self._digest.update(line)
        self._count += 1
        self._last = key
        if self._count == self._size:
            self.close()

    def close(self) -> None:
        """Close the open range, if it has a record."""
        if self._count:
            self.closed.append({"to": self._last, "count": self._count, "digest": self._digest.hexdigest()})
            self._count, self._digest = 0, sha256()


def _check(reading: Reading) -> Steps[None]:
    check_key_is_shown(reading)
    yield


def _answer(reading: Reading, asked: DigestQuery) -> Steps[bytes]:
    check_key_is_shown(reading)
    reading = read_wanted(reading, asked.fields)
    yield
    state, above = _find_start(reading, asked)
    ranges = _Ranges(asked.size)
    seen: list[tuple[Entry, View]] = []
    last: tuple[str, int] | None = (above, 0)
    looked_at = size = 0
    while last is not None and looked_at < _MOST_RECORDS and size < _MOST_LOOKED_AT:
        keys = state.list_by_key(last[0], min(_TOGETHER, _MOST_RECORDS - looked_at))
        last = keys.last
        looked_at += _TOGETHER
        for entry in _read_entries(reading, keys.positions):
            size += len(entry.body)
            if asked.to and _order(entry.key) > _order(asked.to):
                last = None
                break
            found = _read_seen(reading, entry)
            if found is not None:
                ranges.add(*found[0])
                seen.append((entry._replace(body=b""), found[1]))
        yield
    ranges.close()
    reading.disclose_all(seen)
    following = None
    if last is not None:
        following = seal_pair(_find_key(reading), (last[1], join_place(reading.rooms.epochs.current, state.head)))
    place = Place(state.head, state.head, epoch=reading.rooms.epochs.current)
    at = reading.seal(write_place(reading.contract, place))
    return json.dumps({"at": at, "ranges": ranges.closed, "next": following})


def _find_start(reading: Reading, asked: DigestQuery) -> tuple[RecordState, str]:
    """The state to look at, and the key to begin behind."""
    journal, contract_id = reading.rooms.journal, reading.version.contract_id
    if asked.after:
        position, number = unseal_pair(_find_key(reading), asked.after)
        epoch, head = split_place(number)
        # First the state: what was deleted since was of a state that is gone.
        state = reading.find_past(Place(head, head, epoch=epoch))
        entry = journal.at([position]).get(position)
        if entry is None or entry.contract_id != contract_id or entry.key is None:
            raise refuse_cursor()
        return state, entry.key
    # No key has a NUL, and PostgreSQL allows none in a text.
    above = asked.above.partition("\0")[0]
    if not asked.at:
        return journal.records(contract_id), above
    place = read_place(reading.unseal(asked.at), reading.contract)
    if place.head or place.begun != place.position:
        raise PassUnfinished(
            "Digests are of the state at the end of a pass.", errors=[FieldError("/query/at", "is early")]
        )
    return reading.find_past(place), above


def _find_key(reading: Reading) -> bytes:
    return reading.views()[0].make_key("cursors of digests")


def _read_entries(reading: Reading, positions: Sequence[int]) -> Iterator[Entry]:
    """The events at some positions, in the given order, a piece at a time."""
    journal = reading.rooms.journal
    start = 0
    while start < len(positions):
        piece = journal.piece(positions[start:])
        for position in positions[start : start + len(piece)]:
            yield piece[position]
        start += len(piece)


def _read_seen(reading: Reading, entry: Entry) -> tuple[tuple[str, bytes], View] | None:
    """A record's key and line, with the view that shows it; None: the caller sees no such record."""
    view = reading.view_or_none(entry.version_id)
    if view is None or not view.can_look_up_by_key or entry.key is None:
        return None
    document = json.loads(entry.body)
    if document.get("data") is None or not view.shows(document["data"]):
        return None
    seen = view.reduce(document, entry.participant)["data"]
    return (entry.key, json.dump_canonical([entry.key, seen]) + b"\n"), view


def _order(key: str | None) -> bytes:
    return (key or "").encode()
