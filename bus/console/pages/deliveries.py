"""Pengiriman: what became of each event that was to go to the member's participant, with attempts and answers."""

import asyncio
import re
from typing import Annotated, Final, Literal

from fastapi import Path, Query, Request, Response

from bus.console.owning import Owner, participant_of
from bus.console.page import page_router
from bus.console.proof import prove_again
from bus.console.render import show
from bus.console.roles import OWNING
from bus.console.visit import Visit
from bus.delivery import DeliveryState

router = page_router()

_PAGE: Final = 50
_PATH: Final = "/konsol/pengiriman"
_PLACE: Final = re.compile(r"[0-9]{1,18}\.[0-9]{1,18}", re.ASCII)
StateName = Literal["", "pending", "delivered", "dead", "discarded"]
Id = Annotated[str, Path(max_length=100)]
Revealer = Annotated[Visit, prove_again(*OWNING, back="/konsol/pengiriman")]
"""The visit of an app owner to whom personal data may be shown: it needs a proof of the last ten minutes."""
Position = Annotated[int, Path(ge=0, lt=2**63)]


@router.get(_PATH)
async def list_deliveries(
    request: Request,
    visit: Owner,
    keadaan: StateName = "",
    langganan: Annotated[str, Query(max_length=100)] = "",
    setelah: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The deliveries by subscription and position."""
    rooms, participant = visit.rooms, participant_of(visit)
    every = await asyncio.to_thread(rooms.subscriptions.listed, participant)
    of = [await asyncio.to_thread(rooms.subscriptions.get, langganan, participant)] if langganan else every
    wanted = DeliveryState[keadaan.upper()] if keadaan else None
    place = _read_place(setelah)
    found = await asyncio.to_thread(rooms.deliveries.listed, of, wanted, place, _PAGE + 1)
    shown, numbers = found[:_PAGE], {one.id: one.number for one in of}
    following = f"{numbers[shown[-1].subscription]}.{shown[-1].position}" if len(found) > _PAGE else ""
    return show(
        request,
        "pengiriman.html",
        page=_PATH,
        subscriptions=every[:_PAGE],
        names={one.id: ", ".join(one.contracts) for one in every},
        deliveries=shown,
        following=following,
        state=keadaan,
        chosen=langganan,
    )


@router.post(f"{_PATH}/{{id}}/{{position}}/jawaban")
async def read_answers(request: Request, visit: Revealer, id: Id, position: Position) -> Response:
    """What the sink answered to the attempts that failed. It may repeat personal data of the event."""
    subscription = await asyncio.to_thread(visit.rooms.subscriptions.get, id, visit.reach)
    answers = await asyncio.to_thread(visit.rooms.sink_answers.open, subscription, position, visit.by)
    return show(
        request, "pengiriman_jawaban.html", page=_PATH, subscription=subscription, position=position, answers=answers
    )


def _read_place(text: str) -> tuple[int, int]:
    if not _PLACE.fullmatch(text):
        return 0, 0
    number, _, position = text.partition(".")
    return int(number), int(position)
