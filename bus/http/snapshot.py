"""Snapshots: all records of a contract behind a place, in one stream. They are as they were at one position of the journal.

Promise: who applies the snapshot and then the changes behind `Bus-Next` misses nothing. A stream that breaks off never looks
whole: its end, and the trailer if the reader asked for it, are missing.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Final, Protocol

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from bus import json
from bus.heavy import Steps
from bus.http.admissions import admission_of
from bus.http.cursors import Place, write_place
from bus.http.page import NO_STORE, Reading
from bus.http.scan import Page
from bus.http.semantics import ContentUnread, is_head
from bus.http.standing import Standing
from bus.journal import RecordState

NEXT: Final = "Bus-Next"
"""The header field with the cursor from which changes go on."""
COUNT: Final = "Bus-Count"
"""The header field with the number of records, where the bus knows it before it reads them."""

_CHUNK: Final = 1000
"""Records read, disclosed and sent at once."""
_LINE_BREAK: Final = ord("\n")


class SnapshotWriter(Protocol):
    """Writes a snapshot in one form.

    Attributes:
        media_type: of the form.
        extension: of a file that holds it.
        writes_deletions: whether a deletion is a record of the form.
    """

    media_type: str
    extension: str
    writes_deletions: bool

    def begin(self) -> bytes:
        """What comes before the first record."""
        ...

    def write(self, page: Page) -> Steps[bytes]:
        """The records of a page. Some may come with the next page."""
        ...

    def end(self, following: str) -> Steps[bytes]:
        """What comes behind the last record. `following` is the cursor from which changes go on."""
        ...


class LineWriter:
    """Writes one CloudEvent on each line (NDJSON), and at the end a trailer, if the reader asked for it."""

    media_type = "application/x-ndjson"
    extension = "ndjson"
    writes_deletions = True

    def __init__(self, *, with_trailer: bool) -> None:
        self._digest = sha256() if with_trailer else None
        self._count = 0

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def write(self, page: Page) -> Steps[bytes]:
        """The page's events, each with a line break."""
        yield
        text = _break_lines(page)
        self._count += len(page.lengths)
        if self._digest is not None:
            self._digest.update(text)
        return text

    def end(self, following: str) -> Steps[bytes]:
        """The trailer."""
        yield
        if self._digest is None:
            return b""
        digest = f"sha256:{self._digest.hexdigest()}"
        return json.dumps({"next": following, "count": self._count, "digest": digest}) + b"\n"


def _break_lines(page: Page) -> bytes:
    """The page's events, each with a line break. Measured: to cut and join them would take a third of the time of reading."""
    text = bytearray(page.text + b"\n" if page.lengths else b"")
    for end in accumulate(length + 1 for length in page.lengths):
        text[end - 1] = _LINE_BREAK
    return bytes(text)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A snapshot before its first record.

    Attributes:
        asked: the place of the reader's cursor.
        place: the same in the pass of this state.
        count: how many records it has; None: only reading them tells.
    """

    asked: Place
    state: RecordState
    place: Place
    count: int | None


async def answer_snapshot(request: Request, reading: Reading, place: Place, writer: SnapshotWriter) -> Response:
    """The answer with all records behind a place. To a HEAD only its head: no record is read, and none is disclosed."""
    begun = await reading.read(_begin(reading, place, writer))
    head = begun.state.head
    following = reading.seal(write_place(reading.contract, Place(head, head, epoch=begun.place.epoch)))
    headers = {
        **NO_STORE,
        NEXT: following,
        "Content-Disposition": f'attachment; filename="{reading.contract}.{writer.extension}"',
    }
    if begun.count is not None:
        headers[COUNT] = str(begun.count)
    if is_head(request):
        return ContentUnread(headers=headers, media_type=writer.media_type)
    admission_of(request).begin_to_wait()
    content = _stream(Standing(request, reading), reading, begun, writer, following)
    return StreamingResponse(content, headers=headers, media_type=writer.media_type)


def _begin(reading: Reading, asked: Place, writer: SnapshotWriter) -> Steps[_Begun]:
    reading.views()
    state, place = yield from reading.find_state(asked)
    is_known = writer.writes_deletions and reading.sees_every_record
    yield
    return _Begun(asked, state, place, state.count(place.position) if is_known else None)


async def _stream(
    standing: Standing, reading: Reading, begun: _Begun, writer: SnapshotWriter, following: str
) -> AsyncIterator[bytes]:
    """The snapshot in parts.

    If the token or the grant ends meanwhile, the stream breaks off: half a snapshot must not look whole.
    """
    place, is_last = begun.place, False
    if beginning := writer.begin():
        yield beginning
    while not is_last:
        await standing.authorised()
        page, part = await reading.read(_read_part(reading, begun, place, writer))
        place, is_last = place.after(page.position, is_last=page.is_last), page.is_last
        if part:
            yield part
    if ending := await reading.read(writer.end(following)):
        yield ending


def _read_part(reading: Reading, begun: _Begun, place: Place, writer: SnapshotWriter) -> Steps[tuple[Page, bytes]]:
    page = yield from reading.records(begun.state, place, _CHUNK)
    # What is deleted meanwhile may have been a record's deletion. Then the stream breaks off, and the next request is told.
    reading.check_records(begun.asked)
    return page, (yield from writer.write(page))
