"""Peserta: the organisations and apps that the bus knows, each with its clients."""

import asyncio
from functools import partial
from typing import Annotated, Final

from fastapi import Path, Query, Request, Response

from bus.console.page import go_to, page_router
from bus.console.render import show
from bus.console.roles import OPERATING, SUBSCRIBING
from bus.console.visit import Visit, visiting
from bus.identity import Kind, ParticipantUnknown, Scope

router = page_router()

_PAGE: Final = 50
_CLIENTS: Final = 200
_KINDS: Final = [kind for kind in Kind if kind is not Kind.OPERATOR]
Visitor = Annotated[Visit, visiting(*SUBSCRIBING)]


@router.get("/konsol/peserta")
async def list_participants(
    request: Request, visit: Visitor, setelah: Annotated[str, Query(max_length=63)] = ""
) -> Response:
    """The participants by name. An app owner goes to its own."""
    if visit.reach is not None:
        return go_to(f"/konsol/peserta/{visit.reach}")
    found = await asyncio.to_thread(visit.rooms.participants.list_page, _PAGE + 1, setelah)
    shown = found[:_PAGE]
    following = shown[-1].name if len(found) > _PAGE else ""
    return show(request, "peserta.html", participants=shown, following=following, kinds=_KINDS)


@router.get("/konsol/peserta/{name}")
async def read_participant(request: Request, visit: Visitor, name: Annotated[str, Path(max_length=63)]) -> Response:
    """One participant and its clients."""
    if visit.reach not in (None, name):
        # As if it did not exist: who is a participant is nobody's business.
        raise ParticipantUnknown("You act for another participant.")
    participants = visit.rooms.participants
    participant = await asyncio.to_thread(participants.get, name)
    clients = await asyncio.to_thread(partial(participants.list_clients, name, _CLIENTS + 1))
    subscriptions = visit.rooms.subscriptions.listed(name)
    return show(
        request,
        "peserta_satu.html",
        participant=participant,
        clients=clients[:_CLIENTS],
        has_more=len(clients) > _CLIENTS,
        subscriptions=subscriptions,
        is_operator=visit.account.role in OPERATING,
        scopes=list(Scope),
    )
