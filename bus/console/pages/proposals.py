"""Usulan: the inbox of who decides on versions and on requests for access, and the drafts that nobody proposed yet."""

import asyncio
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query, Request, Response

from bus.actions import Actor, Verb
from bus.console.explanations import explain
from bus.console.page import go_to, page_router
from bus.console.portfolio import Steward, carry_out, portfolio_of, tell_day
from bus.console.render import show, words_of
from bus.console.visit import Visit
from bus.contracts import AccessRequest, AccessState, Proposal
from bus.http import accept_access
from bus.problem import Refused

router = page_router()

_INBOX: Final = "/konsol/usulan"
_REQUEST: Final = f"{_INBOX}/akses/{{id}}"
_MOST: Final = 200
_PAGE: Final = 20
Id = Annotated[str, Path(max_length=100)]
Result = Literal["", "kata", "ditolak"]


@router.get(_INBOX)
async def list_proposals(
    request: Request, visit: Steward, hasil: Result = "", sebelum: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> Response:
    """What waits for the member, what waits for others, and drafts."""
    say = words_of(request).say
    told = {
        "kata": say("Persetujuan Anda atas adaptor dicatat."),
        "ditolak": say("Permintaan akses ditolak. Pemintanya membaca alasan Anda."),
    }
    return await _show(request, visit, sebelum, news=told.get(hasil, ""))


@router.post(f"{_REQUEST}/terima")
async def accept(request: Request, visit: Steward, id: Id) -> Response:
    """Put the grant that somebody asks for into a draft. Nothing is shown before the draft is approved."""
    try:
        made = await carry_out(visit, Verb.ACCESS_ACCEPT, id, accept_access(visit.rooms, visit.by, id))
    except Refused as refusal:
        return await _show(request, visit, refusal=refusal)
    return go_to(f"/konsol/kontrak/{made.name}/versi/{made.version}?hasil=diterima")


@router.post(f"{_REQUEST}/tolak")
async def refuse(request: Request, visit: Steward, id: Id) -> Response:
    """Refuse it, with a reason that the asker reads."""
    refuse_request = visit.rooms.catalogue.registrar.access_requests.refuse
    act = asyncio.to_thread(refuse_request, id, visit.form.get("alasan", ""), visit.by)
    try:
        await carry_out(visit, Verb.ACCESS_REFUSE, id, act)
    except Refused as refusal:
        return await _show(request, visit, refusal=refusal)
    return go_to(f"{_INBOX}?hasil=ditolak")


async def _show(
    request: Request, visit: Visit, before: int = 0, news: str = "", refusal: Refused | None = None
) -> Response:
    words = words_of(request)
    return show(
        request,
        "usulan.html",
        refusal.status if refusal else 200,
        page=_INBOX,
        news=news,
        refusal=refusal,
        explanation=explain(refusal, words) if refusal else "",
        most=_MOST,
        day=partial(tell_day, words),
        **await asyncio.to_thread(_read, visit, before),
    )


def _read(visit: Visit, before: int) -> dict[str, Any]:
    portfolio, registrar = portfolio_of(visit), visit.rooms.catalogue.registrar
    names = portfolio.list_names()
    known = frozenset(names)
    proposals = [
        one for one in registrar.proposals.read() if one.contract in known or visit.reach in one.adapter_owners
    ]
    mine = [one for one in proposals if _waits_for(one, visit.by)]
    requests = registrar.access_requests.list_page(_PAGE + 1, before, visit.reach, AccessState.ASKED)
    shown = requests[:_PAGE]
    return {
        "mine": mine[:_MOST],
        "others": [one for one in proposals if one not in mine][:_MOST],
        "drafts": portfolio.list_drafts(names)[:_MOST],
        "requests": [one for one in shown if _decides_on(one, visit)],
        "following": shown[-1].number if len(requests) > _PAGE else 0,
    }


def _waits_for(one: Proposal, by: Actor) -> bool:
    """Whether a proposal waits for the member's participant: for its approval, or for its word on an adapter."""
    return by.is_operator or by.participant == one.approver or by.participant in one.adapter_owners


def _decides_on(one: AccessRequest, visit: Visit) -> bool:
    """Whether the member's participant owns the contract. Its own requests in the contracts of others are not for it."""
    return visit.reach in (None, one.owner)
