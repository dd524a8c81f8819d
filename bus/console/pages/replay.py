"""Kirim lagi dari awal hari: past events are delivered again, after a preview of how many these are."""

import asyncio
from datetime import datetime
from typing import Annotated, Final

from fastapi import Path, Request, Response

from bus import clock
from bus.clock import WIB
from bus.console.form import FormUnreadable
from bus.console.page import go_to, page_router
from bus.console.render import show
from bus.console.roles import SUBSCRIBING
from bus.console.visit import Visit, visiting
from bus.delivery import preview_replay

router = page_router()

_PATH: Final = "/konsol/penerima/{id}/putar-ulang"
Visitor = Annotated[Visit, visiting(*SUBSCRIBING)]
Id = Annotated[str, Path(max_length=100)]


@router.post(f"{_PATH}/pratinjau")
async def preview(request: Request, visit: Visitor, id: Id) -> Response:
    """How many events and keys lie between the beginning of a day and now, under the grants of today."""
    rooms = visit.rooms
    subscription = await asyncio.to_thread(rooms.subscriptions.get, id, visit.reach)
    day = _read_day(visit.form.get("dari", ""))
    after = await asyncio.to_thread(rooms.journal.position_before, clock.micros(day))
    until = await asyncio.to_thread(rooms.journal.last_position)
    found = await rooms.reading.run(
        lambda: preview_replay(rooms.journal, rooms.catalogue, subscription, after, until), who=subscription.participant
    )
    return show(
        request,
        "putar_ulang.html",
        page=f"/konsol/penerima/{id}",
        subscription=subscription,
        day=day,
        after=after,
        found=found,
    )


@router.post(_PATH)
async def replay(visit: Visitor, id: Id) -> Response:
    """Deliver again what lies after a position."""
    rooms = visit.rooms
    subscription = await asyncio.to_thread(rooms.subscriptions.get, id, visit.reach)
    text = visit.form.get("setelah", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise FormUnreadable("The position is no number.")
    until = await asyncio.to_thread(rooms.journal.last_position)
    await asyncio.to_thread(rooms.subscriptions.replay, subscription, int(text), until, visit.by)
    return go_to(f"/konsol/penerima/{id}")


def _read_day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=WIB)
    except ValueError:
        raise FormUnreadable("The day is no date.") from None
