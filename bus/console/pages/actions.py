"""Catatan tindakan: who changed or steered what, who tried to, and which sign-ins failed."""

import asyncio
from functools import partial
from typing import Annotated, Final

from fastapi import Query, Request, Response

from bus.actions import Wanted
from bus.console.page import page_router
from bus.console.render import show
from bus.console.roles import AUDITING
from bus.console.visit import Visit, visiting

router = page_router()

_PAGE: Final = 50
Words = Annotated[str, Query(max_length=255)]


@router.get("/konsol/tindakan")
async def list_actions(
    request: Request,
    visit: Annotated[Visit, visiting(*AUDITING)],
    siapa: Words = "",
    objek: Words = "",
    sebelum: Annotated[int, Query(ge=0, lt=2**63)] = 0,
) -> Response:
    """The newest entries. The look is an entry too."""
    who, about = (_clean(text) for text in (siapa, objek))
    wanted = Wanted(who=who or None, object=about or None)
    search = partial(visit.rooms.actions.search, wanted, sebelum or None, _PAGE + 1, visit.by)
    found = await asyncio.to_thread(search)
    shown = found[:_PAGE]
    following = shown[-1].id if len(found) > _PAGE else 0
    return show(request, "tindakan.html", actions=shown, who=who, about=about, following=following)


def _clean(text: str) -> str:
    return "".join(one for one in text if one.isprintable()).strip()
