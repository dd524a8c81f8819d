"""Records: the newest event of each key, in pages, as a whole snapshot, or one by its key."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bus import json
from bus.audit.log import Channel
from bus.contracts.document import Kind
from bus.contracts.view import View
from bus.http.conditional import matches
from bus.http.cursors import Listing, cursor_at, position_at
from bus.http.paging import After, Limit
from bus.http.pull import NO_STORE, EventReader, Page, Reading, listed, wanted
from bus.http.rooms import Rooms, TheRooms
from bus.http.spreadsheet import Spreadsheet
from bus.identity.tokens import Principal
from bus.journal import Entry
from bus.problem import Forbidden, NotFound

router = APIRouter(prefix="/v1/records", tags=["Records"])

_NDJSON: Final = "application/x-ndjson"
_CSV: Final = "text/csv"
_CLOUD_EVENT: Final = "application/cloudevents+json"
_CHUNK: Final = 1000
"""Records read, disclosed and sent at once in a snapshot."""


class NotRecords(NotFound):
    """The contract is not of the kind record, so that it has no records."""

    slug = "not-records"


class RecordUnknown(NotFound):
    """There is no such record that you may see."""

    slug = "record-unknown"


class KeyHidden(Forbidden):
    """Your grant does not show the records' keys, so that you may not ask by them; read the list."""

    slug = "key-hidden"


class RecordPage(BaseModel):
    """A page of records."""

    records: list[dict[str, Any]] = Field(
        description="the newest CloudEvent of each key as the caller's grant shows it; `data` is null where it is deleted"
    )
    next: str = Field(description="give it as `after`, now or later, for what is new since; there on an empty page too")


_PAGES: Final[dict[int | str, dict[str, Any]]] = {200: {"model": RecordPage, "content": {_NDJSON: {}, _CSV: {}}}}
_ONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The newest CloudEvent of the key", "content": {_CLOUD_EVENT: {}}},
    304: {"description": "It is still the one that If-None-Match names"},
}


@router.get("/{contract}", response_class=Response, responses=_PAGES)
def list_records(
    request: Request, rooms: TheRooms, caller: EventReader, contract: str, after: After = "", limit: Limit = 100
) -> Response:
    """The newest event of each key, in the order in which they changed.

    A record that was deleted, or that left your grant's rows, has `data: null`. With `Accept: application/x-ndjson` or
    `text/csv` all of them come as one stream; a record that changes meanwhile comes again, the later line being the newer.
    Spreadsheets (CSV) hold no deletions.
    """
    reading = _reading(rooms, contract, caller)
    position = position_at(after, Listing.RECORDS, contract)
    media_type = wanted(request, _NDJSON, _CSV)
    if media_type is not None:
        views = reading.views()
        lines = _spreadsheet(reading, views, position) if media_type == _CSV else _lines(reading, position)
        return StreamingResponse(lines, headers=NO_STORE, media_type=media_type)
    page = reading.records(position, limit)
    body = listed(b"records", page, cursor_at(Listing.RECORDS, contract, page.position))
    return Response(b"".join(body), headers=NO_STORE, media_type="application/json")


@router.get("/{contract}/{key:path}", response_class=Response, responses=_ONE)
def read_record(
    rooms: TheRooms, caller: EventReader, contract: str, key: str, if_none_match: Annotated[str, Header()] = ""
) -> Response:
    """One record by its key, as your grant shows it; absent, deleted and outside your rows are all the same."""
    reading = _reading(rooms, contract, caller)
    if not any(view.can_look_up_by_key for view in reading.views()):
        raise KeyHidden(f"Your grant in {contract} masks or leaves out the key.")
    found = reading.record(key)
    if found is None:
        raise RecordUnknown(f"{contract} has no such record for you.")
    text, shown = found
    headers = {"ETag": _etag(*shown), "Cache-Control": "private, no-cache"}
    if matches(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    reading.disclose(*shown)
    return Response(text, headers=headers, media_type=_CLOUD_EVENT)


def _reading(rooms: Rooms, contract: str, caller: Principal) -> Reading:
    reading = Reading(rooms, contract, caller, Channel.RECORDS)
    if reading.version.contract.kind is not Kind.RECORD:
        raise NotRecords(f"{contract} is of the kind {reading.version.contract.kind.value}; see its feed.")
    return reading


def _pages(reading: Reading, position: int) -> Iterator[Page]:
    """All pages behind a position. A grant that ends meanwhile breaks the stream off: half a snapshot must not look whole."""
    is_last = False
    while not is_last:
        page = reading.records(position, _CHUNK)
        position, is_last = page.position, page.is_last
        yield page


def _lines(reading: Reading, position: int) -> Iterator[bytes]:
    for page in _pages(reading, position):
        yield b"".join(text + b"\n" for text in page.texts)


def _spreadsheet(reading: Reading, views: Sequence[View], position: int) -> Iterator[bytes]:
    schemas = [version.contract.shown for version in reversed(reading.rooms.catalogue.in_force(reading.contract))]
    sheet = Spreadsheet(schemas, [pointer for view in views for pointer in view.fields_granted])
    yield sheet.header()
    for page in _pages(reading, position):
        rows = (json.loads(text).get("data") for text in page.texts)
        yield sheet.rows(data for data in rows if data is not None)


def _etag(entry: Entry, view: View) -> str:
    """Names the event and what of it is shown: two grants, or one that changed, never share a representation."""
    grant = view.grant
    masks = {pointer: mask.value for pointer, mask in grant.mask.items()}
    rows = [dict(row) for row in grant.rows]
    seen = json.canonical([grant.participant, view.version, grant.fields, masks, rows, view.attributes])
    return f'"{entry.position}-{blake2b(seen, digest_size=8).hexdigest()}"'
