"""Feeds: gives a contract's events in order, in pages, with long-poll, or as a stream of server-sent events.

What a page holds is decided in `page.py`, within the bounds of `scan.py`.
"""

from collections.abc import AsyncIterator
from random import randint
from typing import Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bus import json
from bus.contracts import Kind
from bus.disclosures import Channel
from bus.heavy import Steps
from bus.http.admissions import admission_of
from bus.http.cursors import AFTER, LAST_EVENT_ID, FeedPlace, Limit, read_feed_place, write_feed_place
from bus.http.event_documents import CloudEvent
from bus.http.long_poll import find_seconds_left, read_when_new, wait_for_page
from bus.http.openapi import Operation
from bus.http.page import NO_STORE, Reading
from bus.http.page_answer import PageAnswer
from bus.http.readers import ReaderRoute, read_headers, read_query, start_reading
from bus.http.scan import Page
from bus.http.semantics import ContentUnread, form_of, is_head
from bus.http.standing import Standing
from bus.http.surface import JSON
from bus.identity import Scope
from bus.problem import NotFound, Refused

_EVENT_STREAM: Final = "text/event-stream"
_HEARTBEAT: Final = 15.0
"""Seconds after which a silent stream sends a comment: proxies cut a stream that is silent for half a minute."""
_NOW: Final = "now"
"""Stands for the cursor at the end of the feed. A cursor has check bytes, and is longer."""
_RETRY_MILLISECONDS: Final = (2_000, 5_000)
"""After which time a client connects again. It differs between streams: all of a process end together when it stops."""


class NoFeed(NotFound):
    """A query has no feed; ask it with POST /v1/queries."""

    slug = "no-feed"


class EventPage(BaseModel):
    """A page of a feed."""

    events: list[CloudEvent] = Field(description="in the order of their positions")
    next: str = Field(description="give it as `after`, now or later; there on an empty page too")


class FeedQuery(BaseModel):
    """Which page of a feed."""

    after: str = Field("", description=f"`next` of the page before; `{_NOW}`: what comes from now on")
    limit: Limit = 100
    wait: float = Field(0, ge=0, le=60, description="seconds to wait for an event when there is none yet")


class FeedHeaders(BaseModel):
    """Where a stream goes on."""

    last_event_id: str = Field(
        "", alias="last-event-id", description="`id` of the last event that the stream gave; resumes behind it"
    )


async def read_feed(request: Request) -> Response:
    """A contract's events in order, as your grant shows them.

    With `Accept: text/event-stream` they come as a stream of server-sent events. Each has the contract's name as `event`, the
    CloudEvent as `data`, and a cursor as `id`. Send the cursor as `Last-Event-ID` to go on behind it. A silent stream has a
    comment every 15 seconds, and `retry` says when to connect again. When your token or your grant ends, the last event is
    named `problem`, and its data are the problem. It has no `id`.

    410 `events-gone`: events behind your cursor were deleted, since the contract keeps them no longer, or a restore undid them.
    `next` of the problem is the cursor that goes on with what is there.
    """
    reading = await start_reading(request, Channel.FEED)
    asked = read_query(FeedQuery, request)
    if form_of(request) == _EVENT_STREAM:
        return await _answer_stream(request, reading, asked)
    walk = _Walk(reading, asked.after, asked.limit)
    if is_head(request):
        return await _answer_head(reading, walk, JSON)
    page = await reading.read(walk.read())
    if not page.positions and asked.wait:
        page = await wait_for_page(request, reading, page, asked.wait, lambda _: walk.read())
    return PageAnswer(b"events", page, walk.write_next(page))


ROUTES: Final = (
    ReaderRoute(
        "/v1/feeds/{contract}",
        read_feed,
        Operation(
            "Feeds",
            Scope.EVENTS_READ,
            {
                "200": {
                    "model": EventPage,
                    "description": "The events behind `after`; with `Accept: text/event-stream`, a stream of them",
                    "content": {_EVENT_STREAM: {"schema": {"type": "string"}}},
                },
                "410": {},
            },
            query=FeedQuery,
            headers=FeedHeaders,
        ),
    ),
)


class _Walk:
    """A walk through a feed, a page at a time. Each page is behind the page before."""

    def __init__(self, reading: Reading, cursor: str, limit: int, parameter: str = AFTER) -> None:
        """Create a walk. Nothing is read yet.

        Raises:
            CursorInvalid: the bus did not write the cursor for this feed.
        """
        self._reading = reading
        self._is_now = cursor == _NOW and parameter == AFTER
        is_known = bool(cursor) and not self._is_now
        self._place = read_feed_place(reading.unseal(cursor), reading.contract, parameter) if is_known else None
        self._limit = limit

    def check(self) -> None:
        """Refuse a contract without a feed, or without one for the caller, and a place that is gone.

        Call it in a thread: it may make views.

        Raises:
            EventsGone: see `Reading.check_feed`.
        """
        _check_kind(self._reading)
        self._reading.views()
        if self._place is not None:
            self._place = self._reading.check_feed(self._place)

    def read(self) -> Steps[Page]:
        """The next page. Raises what `check` raises."""
        _check_kind(self._reading)
        self._reading.views()
        begun, place = self._place, self._place or self._begin()
        page = yield from self._reading.feed(place.position, self._limit)
        if begun is not None:
            # Behind the page: what the page misses was deleted before.
            place = self._reading.check_feed(begun)
        self._place = place._replace(position=page.position)
        return page

    def write_cursor(self, position: int) -> str:
        """The cursor behind an event of the last page."""
        place = self._place or FeedPlace(0)
        return write_feed_place(self._reading.contract, place._replace(position=position))

    def write_next(self, page: Page) -> str:
        """The cursor behind a page. It may be behind events that the reader does not see."""
        return self._reading.seal(self.write_cursor(page.position))

    def _begin(self) -> FeedPlace:
        place = self._reading.begin_feed()
        return place._replace(position=self._reading.rooms.journal.last_position()) if self._is_now else place


async def _answer_stream(request: Request, reading: Reading, asked: FeedQuery) -> Response:
    """The answer with server-sent events after the last one that the reader has."""
    last = read_headers(FeedHeaders, request).last_event_id
    walk = _Walk(reading, last or asked.after, asked.limit, LAST_EVENT_ID if last else AFTER)
    if is_head(request):
        return await _answer_head(reading, walk, _EVENT_STREAM)
    await reading.rooms.reading.run(walk.check, who=reading.caller.participant)
    admission_of(request).begin_to_wait()
    events = _write_events(Standing(request, reading), reading, walk)
    headers = {**NO_STORE, "X-Accel-Buffering": "no"}
    return StreamingResponse(events, headers=headers, media_type=_EVENT_STREAM)


async def _answer_head(reading: Reading, walk: _Walk, media_type: str) -> Response:
    """The answer to a HEAD: as to a GET, but no event is read, and none is disclosed."""
    await reading.rooms.reading.run(walk.check, who=reading.caller.participant)
    return ContentUnread(headers=NO_STORE, media_type=media_type)


def _check_kind(reading: Reading) -> None:
    if reading.version.contract.kind is Kind.QUERY:
        raise NoFeed(f"{reading.contract} is a query.")


async def _write_events(standing: Standing, reading: Reading, walk: _Walk) -> AsyncIterator[bytes]:
    """Server-sent events, and comments where there are none, until token or grant end, or the process stops.

    The last event has the name `problem` if token or grant ended, or the next events are gone. It says why.
    """
    yield b"retry: %d\n\n" % randint(*_RETRY_MILLISECONDS)  # noqa: S311 - jitter
    try:
        with reading.rooms.waiting.enter(standing):
            # After it is entered: what ended before was ended without it.
            principal = await standing.authorised()
            page = await reading.read_woken(walk.read())
            while not standing.is_finished:
                seconds = min(_HEARTBEAT, find_seconds_left(principal))
                page = await read_when_new(standing, reading, page, seconds, lambda _: walk.read())
                principal = await standing.authorised()
                standing.check_refusal()
                yield _write_chunk(reading, walk, page) or b":\n\n"
                if page.positions:
                    page = await reading.read_woken(walk.read())
    except Refused as refusal:
        yield b"event: problem\ndata: %b\n\n" % json.dumps(refusal.to_document())


def _write_chunk(reading: Reading, walk: _Walk, page: Page) -> bytes:
    """Events in the format of the HTML standard, section 9.2. Compact JSON has no line break."""
    name = reading.contract.encode()
    return b"".join(
        b"id: %b\nevent: %b\ndata: %b\n\n" % (walk.write_cursor(position).encode(), name, text)
        for text, position in zip(page.texts, page.positions, strict=True)
    )
