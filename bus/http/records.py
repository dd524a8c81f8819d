"""Records: the newest event of each key, in pages, as a whole snapshot, or one by its key."""

from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from typing import Final

from fastapi import Request, Response
from pydantic import BaseModel, Field

from bus import json
from bus.contracts import View
from bus.disclosures import Channel
from bus.heavy import Steps
from bus.http.columns import list_columns
from bus.http.conditional import matches
from bus.http.cursors import AfterRecord, Limit, Place, read_place, write_place
from bus.http.event_documents import CloudEvent
from bus.http.long_poll import wait_for_page
from bus.http.openapi import Operation
from bus.http.openapi_parts import refer_headers
from bus.http.page import NO_STORE, Reading
from bus.http.page_answer import PageAnswer
from bus.http.parquet import ParquetWriter, type_columns
from bus.http.readers import ReaderRoute, read_headers, read_query, start_reading
from bus.http.record_digest import DIGEST_ROUTE
from bus.http.record_history import HISTORY_ROUTE
from bus.http.record_kinds import RecordUnknown, check_key_is_shown, check_kind
from bus.http.scan import Page
from bus.http.semantics import ContentUnread, form_of, is_head
from bus.http.snapshot import COUNT, NEXT, LineWriter, SnapshotWriter, answer_snapshot
from bus.http.spreadsheet import SheetWriter
from bus.http.surface import JSON
from bus.http.wishes import ExactRows, PrefixRows, WantedFields, read_wanted
from bus.identity import Scope
from bus.journal import Entry

_CLOUD_EVENT: Final = "application/cloudevents+json"
_TEXT: Final = {"schema": {"type": "string"}}


class RecordPage(BaseModel):
    """A page of records."""

    records: list[CloudEvent] = Field(
        description="the newest CloudEvent of each key; `data` is null where the record is deleted"
    )
    next: str = Field(description="give it as `after`, now or later, for what is new since; there on an empty page too")


class RecordQuery(BaseModel):
    """Which records."""

    after: AfterRecord = ""
    limit: Limit = 100
    wait: float = Field(0, ge=0, le=60, description="seconds to wait for a change when there is none yet")
    trailer: bool = Field(
        False,
        description='NDJSON: a last line `{"next", "count", "digest"}`. `digest` is `sha256:` and the SHA-256 in hex of all '
        "bytes before this line; `count` is the number of lines before it",
    )
    fields: WantedFields = ""
    exact: ExactRows = Field(default_factory=list)
    prefix: PrefixRows = Field(default_factory=list)
    excel: bool = Field(False, description="CSV: a file that Excel opens without changing NIKs and other texts")


class OneRecordQuery(BaseModel):
    """What of a record."""

    fields: WantedFields = ""


class RecordHeaders(BaseModel):
    """What the caller has of a record."""

    if_none_match: str = Field(
        "", alias="if-none-match", description="`ETag` of the answer that you have; 304 while it is the newest"
    )


async def list_records(request: Request) -> Response:
    """The newest event of each key, in the order in which they changed.

    A record that was deleted, or that left your grant's rows, has `data: null`. A pass is the pages up to the first one whose
    `next` brings nothing. It shows each record once, as it was when the pass began. Give `next` as `after` for the changes
    since; with `wait` the bus answers as soon as there is one.

    As NDJSON (`application/x-ndjson`), CSV (`text/csv`) or Parquet (`application/vnd.apache.parquet`) all records come as one
    stream, from one state. `Bus-Next` is the cursor from which changes go on. `Bus-Count` is the number of lines, if the bus
    knows it. If a stream breaks off, ask again with the largest `sequence` that you have as `after`. Tables (CSV, Parquet)
    hold no deletions, so follow changes by NDJSON or by pages. Parquet's footer holds `bus.next` and `bus.count`.
    """
    reading = await start_reading(request, Channel.RECORDS)
    asked = read_query(RecordQuery, request)
    place = read_place(reading.unseal(asked.after), reading.contract)
    media_type = form_of(request)
    if asked.fields or asked.exact or asked.prefix:
        narrow = partial(read_wanted, reading, asked.fields, asked.exact, asked.prefix)
        reading = await reading.rooms.reading.run(narrow, who=reading.caller.participant)
    if media_type != JSON:
        writer = await reading.read(_make_writer(reading, asked, media_type))
        return await answer_snapshot(request, reading, place, writer)
    if is_head(request):
        # No record is read, and none is disclosed.
        await reading.rooms.reading.run(partial(_check, reading, place), who=reading.caller.participant)
        return ContentUnread(headers=NO_STORE, media_type=media_type)
    pages = _Pass(reading, place, asked.limit)
    page = await reading.read(pages.read())
    if not page.positions and asked.wait:
        page = await wait_for_page(request, reading, page, asked.wait, lambda _: pages.read())
    following = reading.seal(write_place(reading.contract, pages.place))
    return PageAnswer(b"records", page, following, {NEXT: following})


async def read_record(request: Request) -> Response:
    """One record by its key, as your grant shows it; absent, deleted and outside your rows are all the same."""
    reading = await start_reading(request, Channel.RECORDS)
    tags = read_headers(RecordHeaders, request).if_none_match
    fields = read_query(OneRecordQuery, request).fields
    find = partial(_find, reading, request.path_params["key"], fields, tags, form_of(request))
    return await reading.rooms.reading.run(find, who=reading.caller.participant)


ROUTES: Final = (
    ReaderRoute(
        "/v1/records/{contract}",
        list_records,
        Operation(
            "Records",
            Scope.EVENTS_READ,
            {
                "200": {
                    "model": RecordPage,
                    "description": "The records that changed behind `after`; as NDJSON, CSV or Parquet, all of them in a stream",
                    "headers": refer_headers(NEXT, COUNT, "Content-Disposition"),
                    "content": {
                        LineWriter.media_type: _TEXT,
                        SheetWriter.media_type: _TEXT,
                        ParquetWriter.media_type: {"schema": {"type": "string", "format": "binary"}},
                    },
                },
                "410": {},
            },
            query=RecordQuery,
        ),
    ),
    DIGEST_ROUTE,
    HISTORY_ROUTE,
    ReaderRoute(
        "/v1/records/{contract}/{key:path}",
        read_record,
        Operation(
            "Records",
            Scope.EVENTS_READ,
            {
                "200": {
                    "description": "The newest CloudEvent of the key",
                    "headers": refer_headers("ETag"),
                    "content": {
                        media_type: {"schema": {"$ref": "#/components/schemas/CloudEvent"}}
                        for media_type in (_CLOUD_EVENT, JSON)
                    },
                },
                "304": {
                    "description": "It is still the one that `If-None-Match` names",
                    "headers": refer_headers("ETag"),
                },
            },
            query=OneRecordQuery,
            headers=RecordHeaders,
        ),
    ),
)


class _Pass:
    """A pass through a contract's records, and then through the changes since.

    Attributes:
        place: behind the last page that was read.
    """

    def __init__(self, reading: Reading, place: Place, limit: int) -> None:
        self.place = place
        self._reading = reading
        self._limit = limit

    def read(self) -> Steps[Page]:
        """The next page."""
        check_kind(self._reading)
        self._reading.views()
        state, place = yield from self._reading.find_state(self.place)
        page = yield from self._reading.records(state, place, self._limit)
        self._reading.check_records(self.place)
        self.place = place.after(page.position, is_last=page.is_last)
        return page


def _views(reading: Reading) -> Sequence[View]:
    """The caller's views of records. Call it in a thread: it may make views."""
    check_kind(reading)
    return reading.views()


def _check(reading: Reading, place: Place) -> None:
    """Refuse what a page behind a place would refuse. Call it in a thread."""
    _views(reading)
    reading.check_records(place)


def _make_writer(reading: Reading, asked: RecordQuery, media_type: str) -> Steps[SnapshotWriter]:
    views = _views(reading)
    yield
    if media_type == LineWriter.media_type:
        return LineWriter(with_trailer=asked.trailer)
    catalogue = reading.rooms.catalogue
    schemas = [version.contract.shown for version in reversed(catalogue.in_force(reading.contract))]
    columns = list_columns(schemas, [pointer for view in views for pointer in view.fields_granted])
    if media_type == SheetWriter.media_type:
        return SheetWriter(columns, for_excel=asked.excel)
    return ParquetWriter(type_columns(columns, catalogue.list_published(reading.contract), views))


def _find(reading: Reading, key: str, fields: str, if_none_match: str, media_type: str) -> Response:
    """The answer with one record; it is disclosed, also to a HEAD, which tells that it is there. Call it in a thread."""
    check_key_is_shown(reading)
    reading = read_wanted(reading, fields)
    found = reading.record(key)
    if found is None:
        raise RecordUnknown(f"{reading.contract} has no such record for you.")
    text, shown = found
    headers = {"ETag": _etag(*shown), "Cache-Control": "private, no-cache"}
    # Before a 304 too: a 304 says that the person's record exists, and `*` asks only for that.
    reading.disclose(*shown)
    if matches(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type=media_type)


def _etag(entry: Entry, view: View) -> str:
    """The tag of an event as a view shows it. Two grants, or one grant before and after a change, never share a tag."""
    grant = view.grant
    masks = {pointer: mask.value for pointer, mask in grant.mask.items()}
    rows = [dict(row) for row in grant.rows]
    # Of the event itself: the epoch is in it, so a position that is given again has another tag.
    place = int(json.loads(entry.body)["sequence"])
    seen = json.dump_canonical([grant.participant, view.version, view.fields_granted, masks, rows, view.attributes])
    return f'"{place}-{blake2b(seen, digest_size=8).hexdigest()}"'
