"""Feeds: a contract's events in order, in pages, with long-poll, or as a stream of server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bus import clock
from bus.contracts import Kind
from bus.disclosures import Channel
from bus.heavy import Steps
from bus.http.admissions import admission_of
from bus.http.cursors import After, Limit, Listing, read_position, write_position
from bus.http.pull import NO_STORE, EventReader, Page, Reading, listed, wanted
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.standing import Standing
from bus.identity import Principal
from bus.kit import format_sequence
from bus.problem import NotFound, Refused

router = APIRouter(prefix="/v1/feeds", tags=["Feeds"], route_class=Authorised)

_EVENT_STREAM: Final = "text/event-stream"
_HEARTBEAT: Final = 15.0
"""Seconds after which a silent stream says that it is alive: proxies cut what is silent for a minute or half of one."""
_PAUSE: Final = 0.02
"""Seconds between two looks at a feed when other contracts' events wake its readers."""


class NoFeed(NotFound):
    """A query has no feed; ask it with POST /v1/queries."""

    slug = "no-feed"


class EventPage(BaseModel):
    """A page of a feed."""

    events: list[dict[str, Any]] = Field(
        description="CloudEvents as the caller's grant shows them, with `sequence` and `recordedtime`",
        examples=[[{"specversion": "1.0", "id": "2026-0001", "source": "/dpmptsp", "type": "perizinan.izin",
                    "sequence": format_sequence(1), "recordedtime": "2026-11-24T05:35:25.123456Z", "data": {}}]],
    )  # fmt: skip
    next: str = Field(description="give it as `after`, now or later; there on an empty page too")


_ANSWER: Final[dict[int | str, dict[str, Any]]] = {200: {"model": EventPage, "content": {_EVENT_STREAM: {}}}}

Wait = Annotated[float, Query(ge=0, le=60, description="seconds to wait for an event when there is none yet")]
LastEventId = Annotated[str, Header(description="`id` of the last event that the stream gave; resumes behind it")]


@router.get("/{contract}", response_class=Response, responses=_ANSWER)
async def read_feed(
    request: Request,
    rooms: TheRooms,
    caller: EventReader,
    contract: str,
    after: After = "",
    limit: Limit = 100,
    wait: Wait = 0,
    last_event_id: LastEventId = "",
) -> Response:
    """A contract's events in order, as your grant shows them.

    With `Accept: text/event-stream` they come as a stream that goes on until your token or your grant ends.
    """
    reading = Reading(rooms, contract, caller, Channel.FEED)
    if wanted(request, _EVENT_STREAM):
        position = read_position(last_event_id or after, Listing.FEED, contract)
        await rooms.reading.run(partial(_check, reading), who=caller.participant)
        admission_of(request).begin_to_wait()
        headers = {**NO_STORE, "X-Accel-Buffering": "no"}
        return StreamingResponse(
            _stream(Standing(request, reading), reading, position, limit), headers=headers, media_type=_EVENT_STREAM
        )
    page = await _page(request, reading, read_position(after, Listing.FEED, contract), limit, wait)
    if page is None:
        # The client is gone: nobody reads this.
        return Response(status_code=204)
    body = listed(b"events", page, _cursor(reading, page.position))
    return Response(b"".join(body), headers=NO_STORE, media_type="application/json")


def _check(reading: Reading) -> None:
    """Refuse a contract that has no feed, or none for the caller. In a thread: views are made when they are first asked for."""
    _check_kind(reading)
    reading.views()


def _check_kind(reading: Reading) -> None:
    if reading.version.contract.kind is Kind.QUERY:
        raise NoFeed(f"{reading.contract} is a query.")


def _feed(reading: Reading, after: int, limit: int) -> Steps[Page]:
    _check_kind(reading)
    return (yield from reading.feed(after, limit))


async def _page(request: Request, reading: Reading, after: int, limit: int, wait: float) -> Page | None:
    """A page, waited for; None when the client went away meanwhile."""
    if not wait:
        return await reading.read(_feed(reading, after, limit))
    admission_of(request).begin_to_wait()
    standing = Standing(request, reading)
    with reading.rooms.waiting.enter(standing):
        seconds = min(wait, _seconds_left(reading.caller))
        page = await _unless_gone(request, _awaited(standing, reading, after, limit, seconds))
    # A token may have been revoked, or have expired, over the waiting.
    await standing.authorised()
    return page


def _seconds_left(principal: Principal) -> float:
    """How long the token lets its bearer read."""
    return principal.expires_at - clock.now().timestamp()


async def _awaited(standing: Standing, reading: Reading, after: int, limit: int, seconds: float) -> Page:
    """The next page with events on it; an empty one when there are none within some seconds.

    Raises:
        Refused: the token or the grant has ended meanwhile.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    page = await reading.read(_feed(reading, after, limit))
    while not page.positions and (left := deadline - loop.time()) > 0:
        if page.is_last and not await standing.beyond(page.position, left):
            break
        page = await reading.read(_feed(reading, page.position, limit))
        if not page.positions:
            await asyncio.sleep(_PAUSE)
    return page


async def _unless_gone(request: Request, work: Coroutine[Any, Any, Page]) -> Page | None:
    """What the work gives; None, and the work given up, when the client went away before."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _stream(standing: Standing, reading: Reading, position: int, limit: int) -> AsyncIterator[bytes]:
    """Server-sent events, and comments where there are none, until token or grant end."""
    # A refusal ends the answer, which is under way. The client comes again and is told why.
    with suppress(Refused), reading.rooms.waiting.enter(standing):
        # After it is entered: what ended before was ended without it.
        principal = await standing.authorised()
        while True:
            seconds = min(_HEARTBEAT, _seconds_left(principal))
            page = await _awaited(standing, reading, position, limit, seconds)
            principal = await standing.authorised()
            position = page.position
            yield _chunk(reading, page) or b":\n\n"


def _chunk(reading: Reading, page: Page) -> bytes:
    """Events as the HTML standard, section 9.2, writes them: no line break stands in compact JSON."""
    name = reading.contract.encode()
    return b"".join(
        b"id: %b\nevent: %b\ndata: %b\n\n" % (_cursor(reading, position).encode(), name, text)
        for text, position in zip(page.texts, page.positions, strict=True)
    )


def _cursor(reading: Reading, position: int) -> str:
    return write_position(Listing.FEED, reading.contract, position)
