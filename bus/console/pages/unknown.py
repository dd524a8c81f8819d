"""Every path below `/konsol` that has no page."""

from fastapi import Request, Response

from bus.console.page import page_router
from bus.problem import NotFound

router = page_router()


class PageUnknown(NotFound):
    """The console has no such page; begin at `/konsol`."""

    slug = "page-unknown"


@router.get("/konsol/{rest:path}")
async def refuse(request: Request) -> Response:
    """There is no such page."""
    raise PageUnknown("The console has no such page.")
