"""Usulan: the inbox of who decides on versions, and the drafts that nobody proposed yet."""

import asyncio
from typing import Any, Final, Literal

from fastapi import Request, Response

from bus.actions import Actor
from bus.console.page import page_router
from bus.console.portfolio import Steward, portfolio_of
from bus.console.render import show, words_of
from bus.console.visit import Visit
from bus.contracts import Proposal

router = page_router()

_MOST: Final = 200


@router.get("/konsol/usulan")
async def list_proposals(request: Request, visit: Steward, hasil: Literal["", "kata"] = "") -> Response:
    """What waits for the member, what waits for others, and drafts."""
    say = words_of(request).say
    news = say("Persetujuan Anda atas adaptor dicatat.") if hasil else ""
    return show(request, "usulan.html", news=news, most=_MOST, **await asyncio.to_thread(_read, visit))


def _read(visit: Visit) -> dict[str, Any]:
    portfolio = portfolio_of(visit)
    names = portfolio.list_names()
    known = frozenset(names)
    proposals = [
        one
        for one in visit.rooms.catalogue.registrar.proposals.read()
        if one.contract in known or visit.reach in one.adapter_owners
    ]
    mine = [one for one in proposals if _waits_for(one, visit.by)]
    return {
        "mine": mine[:_MOST],
        "others": [one for one in proposals if one not in mine][:_MOST],
        "drafts": portfolio.list_drafts(names)[:_MOST],
    }


def _waits_for(one: Proposal, by: Actor) -> bool:
    """Whether a proposal waits for the member's participant: for its approval, or for its word on an adapter."""
    return by.is_operator or by.participant == one.approver or by.participant in one.adapter_owners
