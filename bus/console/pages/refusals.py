"""Penolakan: which events the bus refused, counted by rule and place. An app owner sees those of its own participant."""

import asyncio
from functools import partial
from typing import Annotated, Final

from fastapi import Query, Request, Response

from bus.console.page import page_router
from bus.console.render import show, words_of
from bus.console.roles import OWNING, SUBSCRIBING
from bus.console.rules import tell_rules
from bus.console.visit import Visit, visiting

router = page_router()

_PAGE: Final = 50


@router.get("/konsol/penolakan")
async def list_refusals(
    request: Request,
    visit: Annotated[Visit, visiting(*SUBSCRIBING)],
    kontrak: Annotated[str, Query(max_length=255)] = "",
    sebelum: Annotated[int, Query(ge=0, lt=2**63)] = 0,
) -> Response:
    """The refusals of thirty days, newest first. The list has those under an app owner's own contracts too."""
    contract = "".join(one for one in kontrak if one.isprintable()).strip()
    search = partial(
        visit.rooms.refusals.search, contract or None, visit.reach, before=sebelum or None, limit=_PAGE + 1
    )
    found = await asyncio.to_thread(search)
    shown = found[:_PAGE]
    return show(
        request,
        "penolakan.html",
        refusals=shown,
        following=shown[-1].id if len(found) > _PAGE else 0,
        contract=contract,
        tries=visit.account.role in OWNING,
        rules=tell_rules(words_of(request)),
    )
