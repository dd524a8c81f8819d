"""History: the events of one record, newest first, as its reader sees them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from fastapi import Request, Response
from pydantic import BaseModel, Field

from bus import json
from bus.disclosures import Channel
from bus.heavy import Steps
from bus.http.cursors import After, CursorGone, CursorInvalid, Limit, refuse_cursor
from bus.http.event_documents import CloudEvent
from bus.http.openapi import Operation
from bus.http.page import NO_STORE, Reading
from bus.http.readers import ReaderRoute, read_query, start_reading
from bus.http.record_kinds import RecordUnknown, check_key_is_shown
from bus.http.scan import Scan
from bus.http.sealed_cursors import seal_pair, unseal_pair
from bus.http.semantics import ContentUnread, is_head
from bus.http.surface import JSON
from bus.http.wishes import WantedFields, read_wanted
from bus.identity import Scope
from bus.journal import Entry, apply_view

_MOST: Final = 1000
"""Events that are looked at for one page."""
_TOGETHER: Final = 100
"""Events that are read together, if they are small."""


class HistoryPage(BaseModel):
    """A page of a record's history."""

    events: list[CloudEvent] = Field(description="the record's events, newest first")
    next: str | None = Field(description="give it as `after` for older events; null: there are none")


class HistoryQuery(BaseModel):
    """Which page of a history."""

    after: After = ""
    limit: Limit = 100
    fields: WantedFields = ""


async def read_record_history(request: Request) -> Response:
    """The events of one record, newest first, as your grant shows them. They are those that the feed shows of its key."""
    reading = await start_reading(request, Channel.RECORDS)
    asked = read_query(HistoryQuery, request)
    text = await reading.read(_read_page(reading, request.path_params["key"], asked))
    if is_head(request):
        return ContentUnread(headers=NO_STORE, media_type=JSON)
    return Response(text, headers=NO_STORE, media_type=JSON)


HISTORY_ROUTE: Final = ReaderRoute(
    "/v1/records/{contract}/{key:path}/history",
    read_record_history,
    Operation(
        "Records",
        Scope.EVENTS_READ,
        {"200": {"model": HistoryPage, "description": "The record's events, newest first"}, "410": {}},
        query=HistoryQuery,
    ),
)


def _read_page(reading: Reading, key: str, asked: HistoryQuery) -> Steps[bytes]:
    check_key_is_shown(reading)
    reading = read_wanted(reading, asked.fields)
    yield
    chain = _find_chain(reading, key)
    scan = Scan(0, 1 if asked.after else asked.limit)
    yield from _look_at(reading, chain[:_MOST], dict(pairwise(chain)), scan)
    if not scan.seen:
        # Also if older events may be shown: else the answer would tell that there is a record. A cursor changes nothing of
        # that: it may be of another record.
        raise RecordUnknown(f"{reading.contract} has no such record for you.")
    if asked.after:
        # An answer without an event is disclosed too: it tells that the record is there.
        known = scan.seen
        try:
            chain = _find_older(reading, key, asked.after)
        except (CursorGone, CursorInvalid):
            reading.disclose_all(known)
            raise
        scan = Scan(0, asked.limit)
        yield from _look_at(reading, chain[:_MOST], dict(pairwise(chain)), scan)
        reading.disclose_all(scan.seen or known)
    else:
        reading.disclose_all(scan.seen)
    page = scan.page(0)
    is_last = not chain or scan.position == chain[-1]
    following = None if is_last else seal_pair(_find_key(reading), (reading.rooms.epochs.current, scan.position))
    return b'{"events":[%b],"next":%b}' % (page.text, json.dumps(following))


def _find_chain(reading: Reading, key: str) -> Sequence[int]:
    """Positions of the record's events, newest first: one more than are looked at."""
    journal, contract_id = reading.rooms.journal, reading.version.contract_id
    newest = journal.record(contract_id, key) if "\0" not in key else None
    if newest is None:
        raise RecordUnknown(f"{reading.contract} has no such record for you.")
    return journal.chain(newest.position, _MOST + 1)


def _find_older(reading: Reading, key: str, after: str) -> Sequence[int]:
    """As `_find_chain`, behind a cursor."""
    journal = reading.rooms.journal
    epoch, begun = unseal_pair(_find_key(reading), after)
    entry = journal.at([begun]).get(begun)
    reading.check_history(epoch, begun, is_there=entry is not None)
    if entry is None or (entry.contract_id, entry.key) != (reading.version.contract_id, key):
        raise refuse_cursor()
    return journal.chain(begun, _MOST + 2)[1:]


def _find_key(reading: Reading) -> bytes:
    return reading.views()[0].make_key("cursors of histories")


def _look_at(reading: Reading, positions: Sequence[int], before: dict[int, int], scan: Scan) -> Steps[None]:
    """Look at events until the page is full. The events of `_TOGETHER` records are in memory, or fewer if they are large."""
    journal = reading.rooms.journal
    piece: dict[int, Entry] = {}

    def find_before(entry: Entry) -> Entry | None:
        earlier = before.get(entry.position)
        return None if earlier is None else piece.get(earlier) or journal.piece([earlier])[earlier]

    for number, position in enumerate(positions):
        if position not in piece:
            yield
            piece = journal.piece(positions[number : number + _TOGETHER])
        entry = piece[position]
        view = reading.view_or_none(entry.version_id)
        # A version that showed the key masked would tell which masked key it is.
        is_shown = view is not None and view.can_look_up_by_key
        scan.take(entry, view, apply_view(entry, view, find_before) if view is not None and is_shown else None)
        if scan.is_full or scan.charge(len(entry.body)):
            return
