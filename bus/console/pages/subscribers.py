"""Penerima: who gets which events, and how each subscription stands."""

import asyncio
from typing import Annotated, Final

from fastapi import Query, Request, Response

from bus.console.page import page_router
from bus.console.render import show
from bus.console.roles import SUBSCRIBING
from bus.console.visit import Visit, visiting
from bus.status import name_sink

router = page_router()

_PAGE: Final = 50


@router.get("/konsol/penerima")
async def list_subscribers(
    request: Request,
    visit: Annotated[Visit, visiting(*SUBSCRIBING)],
    setelah: Annotated[int, Query(ge=0)] = 0,
    perhatian: Annotated[bool, Query()] = False,
) -> Response:
    """The subscriptions by number; an app owner's list has those of its own participant."""
    states = await asyncio.to_thread(visit.rooms.status.read_subscribers, visit.reach)
    wanted = [one for one in states if one.is_troubled or not perhatian]
    behind = sorted(
        (one for one in wanted if one.subscription.number > setelah), key=lambda one: one.subscription.number
    )
    shown = behind[:_PAGE]
    following = shown[-1].subscription.number if len(behind) > _PAGE else 0
    return show(
        request,
        "penerima.html",
        subscribers=shown,
        following=following,
        only_troubled=perhatian,
        name_sink=name_sink,
    )
