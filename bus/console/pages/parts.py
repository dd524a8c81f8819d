"""Komponen: every part of the console in each state, for who develops it. `bus dev` shows it."""

from fastapi import Request, Response

from bus.console.page import page_router
from bus.console.render import show
from bus.http import TheRooms
from bus.problem import NotFound

router = page_router()


class PartsHidden(NotFound):
    """This bus does not show the parts of the console; `bus dev` does."""

    slug = "page-unknown"


@router.get("/konsol/komponen")
async def read_parts(request: Request, rooms: TheRooms) -> Response:
    """The parts."""
    if not rooms.settings.console_parts:
        raise PartsHidden("Set BUS_CONSOLE_PARTS to show it.")
    return show(request, "komponen.html", bound="komponen")
