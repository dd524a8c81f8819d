"""Peristiwa: one event with its values hidden, its deliveries, and, with a reason, what is in it and what sinks answered."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

from fastapi import Path, Request, Response

from bus.console.page import page_router
from bus.console.proof import prove_again
from bus.console.render import show, words_of
from bus.console.roles import SUBSCRIBING
from bus.console.visit import Visit, visiting
from bus.delivery import SinkAnswer
from bus.disclosures import ReasonMissing, ShownEvent

router = page_router()

_PATH: Final = "/konsol/peristiwa/{position}"
Visitor = Annotated[Visit, visiting(*SUBSCRIBING)]
ProvenVisitor = Annotated[Visit, prove_again(*SUBSCRIBING, back=_PATH)]
Position = Annotated[int, Path(ge=1, lt=2**63)]
Id = Annotated[str, Path(max_length=100)]


@dataclass(frozen=True, slots=True)
class _Opened:
    """What was opened, and why.

    Attributes:
        event: the event as it was opened; None: its values stay hidden.
        subscription: the subscription whose sink's answers are open.
        error: what is wrong with the reason.
    """

    reason: str = ""
    event: ShownEvent | None = None
    subscription: str = ""
    answers: Sequence[SinkAnswer] = ()
    error: str = ""


@router.get(_PATH)
async def read_event(request: Request, visit: Visitor, position: Position) -> Response:
    """The event with its values hidden."""
    return await _show(request, visit, position, _Opened())


@router.post(f"{_PATH}/buka")
async def open_event(request: Request, visit: ProvenVisitor, position: Position) -> Response:
    """Show the event as the member may see it. The reason is on disk before."""
    reason = visit.form.get("alasan", "")
    try:
        event = await asyncio.to_thread(visit.rooms.openings.open, position, visit.by, reason)
    except ReasonMissing:
        return await _show(request, visit, position, _Opened(reason, error=_tell_wrong(request)))
    return await _show(request, visit, position, _Opened(reason, event))


@router.post(f"{_PATH}/jawaban/{{id}}")
async def open_answers(request: Request, visit: ProvenVisitor, position: Position, id: Id) -> Response:
    """Show what a sink answered. The reason is on disk before; the subscription's owner needs none."""
    rooms, reason = visit.rooms, visit.form.get("alasan", "")
    subscription = await asyncio.to_thread(rooms.subscriptions.get, id, visit.reach)
    try:
        read = partial(rooms.sink_answers.open, subscription, position, visit.by, reason)
        answers = await asyncio.to_thread(read)
    except ReasonMissing:
        return await _show(request, visit, position, _Opened(reason, subscription=id, error=_tell_wrong(request)))
    return await _show(request, visit, position, _Opened(reason, subscription=id, answers=answers))


def _tell_wrong(request: Request) -> str:
    return words_of(request).say("Isi alasan dalam satu baris, paling banyak 500 huruf.")


async def _show(request: Request, visit: Visit, position: int, opened: _Opened) -> Response:
    rooms = visit.rooms
    event = opened.event
    if event is None:
        event = await asyncio.to_thread(rooms.openings.outline, position, visit.by)
    subscriptions = rooms.subscriptions.listed(visit.reach)
    deliveries = await asyncio.to_thread(rooms.deliveries.of_event, event.position, subscriptions)
    return show(
        request,
        "peristiwa.html",
        422 if opened.error else 200,
        event=event,
        text=json.dumps(json.loads(event.text), ensure_ascii=False, indent=2),
        opened=opened,
        deliveries=deliveries,
        owners={one.id: one.participant for one in subscriptions},
        participant=visit.account.participant,
        page=_PATH.format(position=position),
    )
