"""Penolakan: which of the participant's events the bus refused, counted by rule and place."""

import asyncio
from functools import partial
from typing import Annotated, Final

from fastapi import Query, Request, Response

from bus.console.owning import Owner, participant_of
from bus.console.page import page_router
from bus.console.render import show, words_of
from bus.console.rules import tell_rules

router = page_router()

_PAGE: Final = 50


@router.get("/konsol/penolakan")
async def list_refusals(
    request: Request,
    visit: Owner,
    kontrak: Annotated[str, Query(max_length=255)] = "",
    sebelum: Annotated[int, Query(ge=0, lt=2**63)] = 0,
) -> Response:
    """The refusals of thirty days, newest first. The list has those under the participant's own contracts too."""
    contract = "".join(one for one in kontrak if one.isprintable()).strip()
    participant = participant_of(visit)
    search = partial(
        visit.rooms.refusals.search, contract or None, participant, before=sebelum or None, limit=_PAGE + 1
    )
    found = await asyncio.to_thread(search)
    shown = found[:_PAGE]
    return show(
        request,
        "penolakan.html",
        refusals=shown,
        following=shown[-1].id if len(found) > _PAGE else 0,
        contract=contract,
        own=participant,
        rules=tell_rules(words_of(request)),
    )
