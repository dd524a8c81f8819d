"""Kontrak: the contracts that a member answers for, by name."""

import asyncio
from typing import Annotated, Final

from fastapi import Query, Request, Response

from bus.console.page import page_router
from bus.console.portfolio import Steward, portfolio_of
from bus.console.render import show
from bus.console.visit import Visit
from bus.contracts import ListedContract

router = page_router()

_PAGE: Final = 50


@router.get("/konsol/kontrak")
async def list_contracts(
    request: Request,
    visit: Steward,
    awalan: Annotated[str, Query(max_length=100)] = "",
    setelah: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The contracts whose names begin with a text."""
    beginning = awalan.strip().lower()
    found, has_more = await asyncio.to_thread(_read, visit, beginning, setelah)
    following = found[-1].name if has_more else ""
    return show(request, "kontrak.html", contracts=found, beginning=beginning, following=following)


def _read(visit: Visit, beginning: str, after: str) -> tuple[list[ListedContract], bool]:
    names = [name for name in portfolio_of(visit).list_names(beginning) if name > after]
    return visit.rooms.catalogue.registrar.listing.read_named(names[:_PAGE]), len(names) > _PAGE
