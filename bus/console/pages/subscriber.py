"""One penerima: its state, its newest deliveries with what its sink answered, and what its owner may do."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final, Literal

from fastapi import Path, Query, Request, Response

from bus.console.failures import explain_failure
from bus.console.page import go_to, page_router
from bus.console.render import show, words_of
from bus.console.roles import SUBSCRIBING
from bus.console.visit import Visit, visiting
from bus.delivery import Deliveries, DeliveryState, Subscription, SubscriptionState, Webhook
from bus.http import Rooms, try_sink
from bus.status import name_sink

router = page_router()

_PAGE: Final = 20
_PATH: Final = "/konsol/penerima/{id}"
Visitor = Annotated[Visit, visiting(*SUBSCRIBING)]
Id = Annotated[str, Path(max_length=100)]
Position = Annotated[int, Path(ge=0, lt=2**63)]
StateName = Literal["", "pending", "delivered", "dead", "discarded"]
Result = Literal["", "dijeda", "dilanjutkan", "dikirim-ulang", "dicoba-lagi", "dibuang"]


@router.get(_PATH)
async def read_subscriber(
    request: Request,
    visit: Visitor,
    id: Id,
    keadaan: StateName = "",
    setelah: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    hasil: Result = "",
) -> Response:
    """The subscription."""
    return await _show(request, visit, id, keadaan, setelah, notice=_tell(request, hasil))


@router.post(f"{_PATH}/jeda")
async def pause(visit: Visitor, id: Id) -> Response:
    """Let deliveries wait."""
    await asyncio.to_thread(_set_state, visit, id, SubscriptionState.PAUSED)
    return go_to(f"/konsol/penerima/{id}?hasil=dijeda")


@router.post(f"{_PATH}/lanjut")
async def resume(visit: Visitor, id: Id) -> Response:
    """Let deliveries go again."""
    await asyncio.to_thread(_set_state, visit, id, SubscriptionState.ACTIVE)
    return go_to(f"/konsol/penerima/{id}?hasil=dilanjutkan")


@router.post(f"{_PATH}/kirim-ulang")
async def redrive(visit: Visitor, id: Id) -> Response:
    """Make every dead delivery due again, and with `segera` also what waits for its next attempt."""
    await asyncio.to_thread(_redrive, visit, id, hastens="segera" in visit.form)
    return go_to(f"/konsol/penerima/{id}?hasil=dikirim-ulang")


@router.post(f"{_PATH}/uji")
async def test_sink(request: Request, visit: Visitor, id: Id) -> Response:
    """Send an example event to the webhook now, and show what it said."""
    trial = await try_sink(visit.rooms, visit.by, id)
    say, outcome = words_of(request).say, trial.outcome
    milliseconds = int(trial.seconds * 1000)
    if outcome.failure is None:
        notice = say(
            "Peristiwa uji diterima dalam %(ms)s milidetik (HTTP %(status)s).", ms=milliseconds, status=outcome.status
        )
    else:
        notice = say("Peristiwa uji tidak diterima: %(detail)s", detail=outcome.detail)
    return await _show(request, visit, id, notice=notice, is_bad=outcome.failure is not None)


@router.post(f"{_PATH}/pengiriman/{{position}}/coba-lagi")
async def retry(visit: Visitor, id: Id, position: Position) -> Response:
    """Make one delivery due now."""
    await asyncio.to_thread(_act_on, visit, id, position, visit.rooms.deliveries.retry)
    return go_to(f"/konsol/penerima/{id}?hasil=dicoba-lagi")


@router.post(f"{_PATH}/pengiriman/{{position}}/buang")
async def discard(visit: Visitor, id: Id, position: Position) -> Response:
    """Give one delivery up."""
    await asyncio.to_thread(_act_on, visit, id, position, visit.rooms.deliveries.discard)
    return go_to(f"/konsol/penerima/{id}?hasil=dibuang")


async def _show(
    request: Request,
    visit: Visit,
    id: str,
    state: StateName = "",
    after: int = 0,
    notice: str = "",
    *,
    is_bad: bool = False,
) -> Response:
    subscription = await asyncio.to_thread(visit.rooms.subscriptions.get, id, visit.reach)
    wanted = DeliveryState[state.upper()] if state else None
    deliveries: Deliveries = visit.rooms.deliveries
    tally = await asyncio.to_thread(deliveries.tally, subscription)
    place = (subscription.number, after)
    found = await asyncio.to_thread(partial(deliveries.listed, [subscription], wanted, place, _PAGE + 1))
    shown = found[:_PAGE]
    return show(
        request,
        "penerima_satu.html",
        page=f"/konsol/penerima/{id}",
        subscription=subscription,
        sink=name_sink(subscription.sink),
        has_webhook=isinstance(subscription.sink, Webhook),
        tally=tally,
        why=explain_failure(subscription.sink, tally.health, words_of(request)),
        deliveries=shown,
        following=shown[-1].position if len(found) > _PAGE else 0,
        state=state,
        news=notice,
        is_bad=is_bad,
    )


def _tell(request: Request, result: Result) -> str:
    say = words_of(request).say
    told = {
        "dijeda": say("Pengiriman dijeda. Peristiwa baru menunggu sampai Anda melanjutkannya."),
        "dilanjutkan": say("Pengiriman dilanjutkan. Yang menunggu dikirim lebih dahulu."),
        "dikirim-ulang": say("Semua yang gagal dijadwalkan ulang. Hasilnya tampak dalam beberapa detik."),
        "dicoba-lagi": say("Pengiriman ini dicoba lagi sekarang."),
        "dibuang": say("Pengiriman ini dibuang. Yang menunggu di belakangnya berjalan lagi."),
    }
    return told.get(result, "")


def _set_state(visit: Visit, id: str, state: SubscriptionState) -> None:
    rooms: Rooms = visit.rooms
    rooms.subscriptions.set_state(rooms.subscriptions.get(id, visit.reach), state, visit.by)


def _redrive(visit: Visit, id: str, *, hastens: bool) -> None:
    rooms: Rooms = visit.rooms
    subscription = rooms.subscriptions.get(id, visit.reach)
    rooms.deliveries.redrive(subscription, visit.by)
    if hastens:
        rooms.deliveries.hasten(subscription, visit.by)


def _act_on(visit: Visit, id: str, position: int, act: Callable[..., None]) -> None:
    subscription: Subscription = visit.rooms.subscriptions.get(id, visit.reach)
    act(subscription, position, visit.by)
