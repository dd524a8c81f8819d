"""Feeds: gives a contract's events in order, in pages, with long-poll, or as a stream of server-sent events."""

from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bus.contracts import Kind
from bus.disclosures import Channel
from bus.heavy import Steps
from bus.http.admissions import admission_of
from bus.http.cursors import AFTER, LAST_EVENT_ID, After, Limit, Listing, read_position, write_position
from bus.http.event_documents import CloudEvent
from bus.http.long_poll import ReadNext, find_seconds_left, read_when_new, wait_for_page
from bus.http.openapi import Operation
from bus.http.page import NO_STORE, PageAnswer, Reading
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


class NoFeed(NotFound):
    """A query has no feed; ask it with POST /v1/queries."""

    slug = "no-feed"


class EventPage(BaseModel):
    """A page of a feed."""

    events: list[CloudEvent] = Field(description="in the order of their positions")
    next: str = Field(description="give it as `after`, now or later; there on an empty page too")


class FeedQuery(BaseModel):
    """Which page of a feed."""

    after: After = ""
    limit: Limit = 100
    wait: float = Field(0, ge=0, le=60, description="seconds to wait for an event when there is none yet")


class FeedHeaders(BaseModel):
    """Where a stream goes on."""

    last_event_id: str = Field(
        "", alias="last-event-id", description="`id` of the last event that the stream gave; resumes behind it"
    )


async def read_feed(request: Request) -> Response:
    """A contract's events in order, as your grant shows them.

    With `Accept: text/event-stream` they come as a stream that goes on until your token or your grant ends.
    """
    reading = await start_reading(request, Channel.FEED)
    asked = read_query(FeedQuery, request)
    if form_of(request) == _EVENT_STREAM:
        return await _stream(request, reading, asked)
    after = read_position(asked.after, Listing.FEED, reading.contract)
    if is_head(request):
        return await _answer_head(reading, JSON)
    page = await reading.read(_feed(reading, after, asked.limit))
    if not page.positions and asked.wait:
        page = await wait_for_page(request, reading, page, asked.wait, _read_next(reading, asked.limit))
    return PageAnswer(b"events", page, _cursor(reading, page.position))


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
                }
            },
            query=FeedQuery,
            headers=FeedHeaders,
        ),
    ),
)


async def _stream(request: Request, reading: Reading, asked: FeedQuery) -> Response:
    """The answer with server-sent events after the last one that the reader has."""
    last = read_headers(FeedHeaders, request).last_event_id
    parameter = LAST_EVENT_ID if last else AFTER
    position = read_position(last or asked.after, Listing.FEED, reading.contract, parameter)
    if is_head(request):
        return await _answer_head(reading, _EVENT_STREAM)
    await reading.rooms.reading.run(partial(_check, reading), who=reading.caller.participant)
    admission_of(request).begin_to_wait()
    events = _events(Standing(request, reading), reading, position, asked.limit)
    headers = {**NO_STORE, "X-Accel-Buffering": "no"}
    return StreamingResponse(events, headers=headers, media_type=_EVENT_STREAM)


async def _answer_head(reading: Reading, media_type: str) -> Response:
    """The answer to a HEAD: as to a GET, but no event is read, and none is disclosed."""
    await reading.rooms.reading.run(partial(_check, reading), who=reading.caller.participant)
    return ContentUnread(headers=NO_STORE, media_type=media_type)


def _check(reading: Reading) -> None:
    """Refuse a contract without a feed, or without one for the caller. Call it in a thread: it may make views."""
    _check_kind(reading)
    reading.views()


def _check_kind(reading: Reading) -> None:
    if reading.version.contract.kind is Kind.QUERY:
        raise NoFeed(f"{reading.contract} is a query.")


def _feed(reading: Reading, after: int, limit: int) -> Steps[Page]:
    _check_kind(reading)
    return (yield from reading.feed(after, limit))


def _read_next(reading: Reading, limit: int) -> ReadNext:
    return lambda page: _feed(reading, page.position, limit)


async def _events(standing: Standing, reading: Reading, position: int, limit: int) -> AsyncIterator[bytes]:
    """Server-sent events, and comments where there are none, until token or grant end, or the process stops."""
    # A refusal ends the answer, which is under way. The client comes again and is told why.
    with suppress(Refused), reading.rooms.waiting.enter(standing):
        # After it is entered: what ended before was ended without it.
        principal = await standing.authorised()
        while not standing.is_finished:
            seconds = min(_HEARTBEAT, find_seconds_left(principal))
            page = await reading.read(_feed(reading, position, limit))
            page = await read_when_new(standing, reading, page, seconds, _read_next(reading, limit))
            principal = await standing.authorised()
            position = page.position
            yield _chunk(reading, page) or b":\n\n"


def _chunk(reading: Reading, page: Page) -> bytes:
    """Events in the format of the HTML standard, section 9.2. Compact JSON has no line break."""
    name = reading.contract.encode()
    return b"".join(
        b"id: %b\nevent: %b\ndata: %b\n\n" % (_cursor(reading, position).encode(), name, text)
        for text, position in zip(page.texts, page.positions, strict=True)
    )


def _cursor(reading: Reading, position: int) -> str:
    return write_position(Listing.FEED, reading.contract, position)
