"""Records: the newest event of each key, in pages, as a whole snapshot, or one by its key."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from hashlib import blake2b
from typing import Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bus import json
from bus.contracts import Kind, View
from bus.disclosures import Channel
from bus.heavy import Steps
from bus.http.admissions import admission_of
from bus.http.conditional import matches
from bus.http.cursors import After, Limit, Place, read_place, write_place
from bus.http.event_documents import CloudEvent
from bus.http.openapi import Operation
from bus.http.openapi_parts import refer_headers
from bus.http.page import NO_STORE, Page, PageAnswer, Reading
from bus.http.readers import ReaderRoute, read_headers, read_query, start_reading
from bus.http.semantics import ContentUnread, form_of, is_head
from bus.http.spreadsheet import Spreadsheet
from bus.http.standing import Standing
from bus.http.surface import JSON
from bus.identity import Scope
from bus.journal import Entry
from bus.problem import Forbidden, NotFound

_NDJSON: Final = "application/x-ndjson"
_CSV: Final = "text/csv"
_CLOUD_EVENT: Final = "application/cloudevents+json"
_TEXT: Final = {"schema": {"type": "string"}}
_CHUNK: Final = 1000
"""Records read, disclosed and sent at once in a snapshot."""
_ROWS: Final = 50
"""Records that become rows in one step."""


class NotRecords(NotFound):
    """The contract is not of the kind record, so it has no records."""

    slug = "not-records"


class RecordUnknown(NotFound):
    """There is no such record that you may see."""

    slug = "record-unknown"


class KeyHidden(Forbidden):
    """Your grant does not show the records' keys, so you may not ask by key; read the list."""

    slug = "key-hidden"


class RecordPage(BaseModel):
    """A page of records."""

    records: list[CloudEvent] = Field(
        description="the newest CloudEvent of each key; `data` is null where the record is deleted"
    )
    next: str = Field(description="give it as `after`, now or later, for what is new since; there on an empty page too")


class RecordQuery(BaseModel):
    """Which page of records."""

    after: After = ""
    limit: Limit = 100


class RecordHeaders(BaseModel):
    """What the caller has of a record."""

    if_none_match: str = Field(
        "", alias="if-none-match", description="`ETag` of the answer that you have; 304 while it is the newest"
    )


async def list_records(request: Request) -> Response:
    """The newest event of each key, in the order in which they changed.

    A record that was deleted, or that left your grant's rows, has `data: null`. With `Accept: application/x-ndjson` or
    `text/csv` all of them come as one stream. A record that changes meanwhile comes again: the later line is the newer one.
    Spreadsheets (CSV) hold no deletions.
    """
    reading = await start_reading(request, Channel.RECORDS)
    asked = read_query(RecordQuery, request)
    place = read_place(asked.after, reading.contract)
    media_type = form_of(request)
    if is_head(request):
        # No record is read, and none is disclosed.
        await reading.rooms.reading.run(partial(_views, reading), who=reading.caller.participant)
        return ContentUnread(headers=NO_STORE, media_type=media_type)
    if media_type != JSON:
        return await _snapshot(request, reading, place, media_type)
    page = await reading.read(_records(reading, place, asked.limit))
    following = write_place(reading.contract, place.after(page.position, is_last=page.is_last))
    return PageAnswer(b"records", page, following)


async def read_record(request: Request) -> Response:
    """One record by its key, as your grant shows it; absent, deleted and outside your rows are all the same."""
    reading = await start_reading(request, Channel.RECORDS)
    tags = read_headers(RecordHeaders, request).if_none_match
    find = partial(_find, reading, request.path_params["key"], tags, form_of(request))
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
                    "description": "The records that changed behind `after`; as NDJSON or CSV, all of them in a stream",
                    "content": {_NDJSON: _TEXT, _CSV: _TEXT},
                }
            },
            query=RecordQuery,
        ),
    ),
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
            headers=RecordHeaders,
        ),
    ),
)


def _check_kind(reading: Reading) -> None:
    kind = reading.version.contract.kind
    if kind is not Kind.RECORD:
        raise NotRecords(f"{reading.contract} is of the kind {kind.value}; see its feed.")


def _records(reading: Reading, place: Place, limit: int) -> Steps[Page]:
    _check_kind(reading)
    return (yield from reading.records(place, limit))


def _find(reading: Reading, key: str, if_none_match: str, media_type: str) -> Response:
    """The answer with one record; it is disclosed, also to a HEAD, which tells that it is there. Call it in a thread."""
    _check_kind(reading)
    if not any(view.can_look_up_by_key for view in reading.views()):
        raise KeyHidden(f"Your grant in {reading.contract} masks or leaves out the key.")
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


async def _snapshot(request: Request, reading: Reading, place: Place, media_type: str) -> Response:
    """The answer with all records behind a place, as a stream."""
    views = await reading.rooms.reading.run(partial(_views, reading), who=reading.caller.participant)
    admission_of(request).begin_to_wait()
    standing = Standing(request, reading)
    lines = _spreadsheet(standing, reading, views, place) if media_type == _CSV else _lines(standing, reading, place)
    return StreamingResponse(lines, headers=NO_STORE, media_type=media_type)


def _views(reading: Reading) -> Sequence[View]:
    """The caller's views of records. Call it in a thread: it may make views."""
    _check_kind(reading)
    return reading.views()


async def _pages(standing: Standing, reading: Reading, place: Place) -> AsyncIterator[Page]:
    """All pages after a place.

    If the token or the grant ends meanwhile, the stream breaks off: half a snapshot must not look whole.
    """
    is_last = False
    while not is_last:
        await standing.authorised()
        page = await reading.read(reading.records(place, _CHUNK))
        is_last = page.is_last
        place = place.after(page.position, is_last=is_last)
        yield page


async def _lines(standing: Standing, reading: Reading, place: Place) -> AsyncIterator[bytes]:
    async for page in _pages(standing, reading, place):
        yield b"".join(text + b"\n" for text in page.texts)


async def _spreadsheet(
    standing: Standing, reading: Reading, views: Sequence[View], place: Place
) -> AsyncIterator[bytes]:
    sheet = await reading.read(_sheet(reading, views))
    yield sheet.header()
    async for page in _pages(standing, reading, place):
        yield await reading.read(_rows(sheet, page))


def _sheet(reading: Reading, views: Sequence[View]) -> Steps[Spreadsheet]:
    schemas = [version.contract.shown for version in reversed(reading.rooms.catalogue.in_force(reading.contract))]
    yield
    return Spreadsheet(schemas, [pointer for view in views for pointer in view.fields_granted])


def _rows(sheet: Spreadsheet, page: Page) -> Steps[bytes]:
    """The page's rows, made in steps: a schema may have thousands of columns."""
    rows: list[bytes] = []
    texts = list(page.texts)
    for start in range(0, len(texts), _ROWS):
        yield
        data = (json.loads(text).get("data") for text in texts[start : start + _ROWS])
        rows.append(sheet.rows(one for one in data if one is not None))
    return b"".join(rows)


def _etag(entry: Entry, view: View) -> str:
    """The tag of an event as a view shows it. Two grants, or one grant before and after a change, never share a tag."""
    grant = view.grant
    masks = {pointer: mask.value for pointer, mask in grant.mask.items()}
    rows = [dict(row) for row in grant.rows]
    seen = json.dump_canonical([grant.participant, view.version, grant.fields, masks, rows, view.attributes])
    return f'"{entry.position}-{blake2b(seen, digest_size=8).hexdigest()}"'
