"""Records: the newest event of each key, in pages, as a whole snapshot, or one by its key."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from hashlib import blake2b
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bus import json
from bus.contracts import Kind, View
from bus.disclosures import Channel
from bus.heavy import Steps
from bus.http.admissions import admission_of
from bus.http.conditional import matches
from bus.http.cursors import After, Limit, Place, read_place, write_place
from bus.http.pull import NO_STORE, EventReader, Page, Reading, listed, wanted
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised
from bus.http.spreadsheet import Spreadsheet
from bus.http.standing import Standing
from bus.identity import Principal
from bus.journal import Entry
from bus.problem import Forbidden, NotFound

router = APIRouter(prefix="/v1/records", tags=["Records"], route_class=Authorised)

_NDJSON: Final = "application/x-ndjson"
_CSV: Final = "text/csv"
_CLOUD_EVENT: Final = "application/cloudevents+json"
_CHUNK: Final = 1000
"""Records read, disclosed and sent at once in a snapshot."""
_ROWS: Final = 50
"""Records that become rows in one step."""


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


async def _count_stream(request: Request, caller: EventReader) -> None:
    """Count a snapshot that comes as a stream among the caller's waiting readers."""
    if wanted(request, _NDJSON, _CSV) is not None:
        admission_of(request).begin_to_wait()


@router.get("/{contract}", response_class=Response, responses=_PAGES, dependencies=[Depends(_count_stream)])
async def list_records(
    request: Request, rooms: TheRooms, caller: EventReader, contract: str, after: After = "", limit: Limit = 100
) -> Response:
    """The newest event of each key, in the order in which they changed.

    A record that was deleted, or that left your grant's rows, has `data: null`. With `Accept: application/x-ndjson` or
    `text/csv` all of them come as one stream; a record that changes meanwhile comes again, the later line being the newer.
    Spreadsheets (CSV) hold no deletions.
    """
    reading = await asyncio.to_thread(_reading, rooms, contract, caller)
    place = read_place(after, contract)
    media_type = wanted(request, _NDJSON, _CSV)
    if media_type is not None:
        standing = Standing(request, reading)
        views = await asyncio.to_thread(reading.views)
        lines = (
            _spreadsheet(standing, reading, views, place) if media_type == _CSV else _lines(standing, reading, place)
        )
        return StreamingResponse(lines, headers=NO_STORE, media_type=media_type)
    page = await reading.read(reading.records(place, limit))
    body = listed(b"records", page, write_place(contract, place.after(page.position, is_last=page.is_last)))
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
    # Before a 304 too: it tells that the person's record is there, and `*` asks for no more.
    reading.disclose(*shown)
    if matches(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type=_CLOUD_EVENT)


def _reading(rooms: Rooms, contract: str, caller: Principal) -> Reading:
    reading = Reading(rooms, contract, caller, Channel.RECORDS)
    if reading.version.contract.kind is not Kind.RECORD:
        raise NotRecords(f"{contract} is of the kind {reading.version.contract.kind.value}; see its feed.")
    return reading


async def _pages(standing: Standing, reading: Reading, place: Place) -> AsyncIterator[Page]:
    """All pages behind a place.

    A token or a grant that ends meanwhile breaks the stream off: half a snapshot must not look whole.
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
    """The page's rows, in steps: a schema may have thousands of columns."""
    rows: list[bytes] = []
    texts = list(page.texts)
    for start in range(0, len(texts), _ROWS):
        yield
        data = (json.loads(text).get("data") for text in texts[start : start + _ROWS])
        rows.append(sheet.rows(one for one in data if one is not None))
    return b"".join(rows)


def _etag(entry: Entry, view: View) -> str:
    """Names the event and what of it is shown: two grants, or one that changed, never share a representation."""
    grant = view.grant
    masks = {pointer: mask.value for pointer, mask in grant.mask.items()}
    rows = [dict(row) for row in grant.rows]
    seen = json.canonical([grant.participant, view.version, grant.fields, masks, rows, view.attributes])
    return f'"{entry.position}-{blake2b(seen, digest_size=8).hexdigest()}"'
