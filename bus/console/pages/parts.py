"""Komponen: every part of the console in each state, for who develops it. `bus dev` shows it."""

from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import Request, Response

from bus.console.charts import Series, draw_chart
from bus.console.exchange_map import SIGNS, draw_map
from bus.console.links import Health, Link
from bus.console.page import page_router
from bus.console.render import show
from bus.http import TheRooms
from bus.identity import Kind, Participant
from bus.problem import NotFound
from bus.rollups import Counts

router = page_router()

_HOURS: Final = [datetime(2026, 1, 1, 17, tzinfo=UTC) + timedelta(hours=index) for index in range(24)]
_LINKS: Final = [
    Link("dukcapil-lamongan", "bapenda", Counts(delivered=0, dead=3), Health.BAD),
    Link("dukcapil-lamongan", "dinkes", Counts(delivered=2418, failed=2), Health.WARN),
    Link("dpmptsp", "dinkes", Counts(delivered=12), Health.IDLE),
    Link("dpmptsp", "kominfo", Counts(delivered=310), Health.GOOD),
]
_KNOWN: Final = {"kominfo": Participant("kominfo", "Kementerian Komunikasi dan Digital", Kind.MINISTRY)}


class PartsHidden(NotFound):
    """This bus does not show the parts of the console; `bus dev` does."""

    slug = "page-unknown"


@router.get("/konsol/komponen")
async def read_parts(request: Request, rooms: TheRooms) -> Response:
    """The parts."""
    if not rooms.settings.console_parts:
        raise PartsHidden("Set BUS_CONSOLE_PARTS to show it.")
    values = [float(index % 7 * 40) for index in range(len(_HOURS))]
    series = [Series("A", "one", values), Series("B", "two", [value / 2 or None for value in values])]
    drawn = {"map": draw_map(_LINKS, _KNOWN), "chart": draw_chart(_HOURS, series), "bare": draw_chart(_HOURS, [])}
    return show(request, "komponen.html", bound="komponen", drawn=drawn, links=_LINKS, signs=SIGNS)
