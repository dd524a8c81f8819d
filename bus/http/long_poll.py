"""Long-polls: a request with `wait` waits until there is something new, or its time or its right ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from bus import clock
from bus.heavy import Steps
from bus.http.admissions import admission_of
from bus.http.page import Reading
from bus.http.scan import Page
from bus.http.standing import Standing
from bus.identity import Principal

_PAUSE: Final = 0.02
"""Seconds between two looks at a list when what its view does not show wakes its readers."""

ReadNext = Callable[[Page], Steps[Page]]
"""Reads the page after another."""


async def wait_for_page(request: Request, reading: Reading, page: Page, seconds: float, read_next: ReadNext) -> Page:
    """Wait for the page after an empty one. Returns an empty page if nothing came.

    Raises:
        Refused: the token or the grant has ended meanwhile.
        ClientDisconnect: the client went away meanwhile.
    """
    admission_of(request).begin_to_wait()
    standing = Standing(request, reading)
    with reading.rooms.waiting.enter(standing):
        # After it is entered: what ended before was ended without it.
        principal = await standing.authorised()
        seconds = min(seconds, find_seconds_left(principal))
        page = await _run_unless_gone(request, read_when_new(standing, reading, page, seconds, read_next))
    # The token may have been revoked, or have expired, during the wait.
    await standing.authorised()
    return page


def find_seconds_left(principal: Principal) -> float:
    """How long the token lets its bearer read."""
    return principal.expires_at - clock.now().timestamp()


async def read_when_new(standing: Standing, reading: Reading, page: Page, seconds: float, read_next: ReadNext) -> Page:
    """The page itself if it has events, otherwise the next page with events. An empty page if none come in time.

    Raises:
        Refused: the token or the grant has ended meanwhile.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not page.positions and (left := deadline - loop.time()) > 0 and not standing.is_finished:
        if page.is_last and not await standing.beyond(page.position, left):
            break
        page = await reading.read_woken(read_next(page))
        if not page.positions:
            await asyncio.sleep(_PAUSE)
    return page


async def _run_unless_gone(request: Request, work: Coroutine[Any, Any, Page]) -> Page:
    """The result of the work.

    Raises:
        ClientDisconnect: the client went away before; the work is cancelled.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_wait_until_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        gone.cancel()


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
