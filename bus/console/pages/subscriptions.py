"""Langganan: the standing orders of the member's participant. The member makes, changes and deletes them."""

import asyncio
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query, Request, Response

from bus import json
from bus.console.owning import Fault, Own, Owner, check_confirmed, find_own, make_fault, participant_of
from bus.console.page import go_to, page_router
from bus.console.proof import prove_again
from bus.console.render import show, words_of
from bus.console.roles import OWNING
from bus.console.visit import Visit
from bus.console.words import Words
from bus.contracts import Kind
from bus.delivery import NewSubscription, Pull, Sink, Webhook
from bus.http import change_settings, subscribe
from bus.problem import FieldError, Invalid, Refused
from bus.status import name_sink

router = page_router()

_PAGE: Final = 50
_PATH: Final = "/konsol/langganan"
_NEW: Final = f"{_PATH}/baru"
_ONE: Final = f"{_PATH}/{{id}}"
_LONGEST_ADDRESS: Final = 2048
_MOST_FILTERS: Final = 50
_POSITION: Final = re.compile("[0-9]{1,15}", re.ASCII)
_WRONG: Final = -1
_Start = int | Literal["beginning"] | None
Id = Annotated[str, Path(max_length=100)]
Revealer = Annotated[Visit, prove_again(*OWNING, back="/konsol/langganan")]
"""The visit of an app owner to whom a secret is shown: it needs a proof of the last ten minutes."""
Result = Literal["", "diubah", "dihapus", "dibuat"]


class FormWrong(Invalid):
    """Some fields of the form are not as the console reads them."""

    slug = "form-wrong"


@router.get(_PATH)
async def list_subscriptions(
    request: Request, visit: Owner, setelah: Annotated[int, Query(ge=0)] = 0, hasil: Result = ""
) -> Response:
    """The subscriptions by number."""
    states = await asyncio.to_thread(visit.rooms.status.read_subscribers, participant_of(visit))
    behind = sorted(
        (one for one in states if one.subscription.number > setelah), key=lambda one: one.subscription.number
    )
    shown = behind[:_PAGE]
    return show(
        request,
        "langganan.html",
        page=_PATH,
        subscribers=shown,
        following=shown[-1].subscription.number if len(behind) > _PAGE else 0,
        name_sink=name_sink,
        news=_tell(words_of(request), hasil),
    )


@router.get(_NEW)
async def read_new(request: Request, visit: Owner, kontrak: Annotated[str, Query(max_length=255)] = "") -> Response:
    """The form for a new subscription."""
    return await _show_new(request, visit, {f"kontrak-{kontrak}": "ya"} if kontrak else {})


@router.post(_NEW)
async def add_subscription(request: Request, visit: Revealer) -> Response:
    """Subscribe, and show the secret that signs webhooks once."""
    form, participant = visit.form, participant_of(visit)
    try:
        new, start = _read_order(form, participant)
        made = await subscribe(visit.rooms, visit.by, new, start)
    except Refused as refusal:
        fault = make_fault(words_of(request), refusal, _places(words_of(request)))
        return await _show_new(request, visit, form, fault)
    if not made.secrets:
        return go_to(f"{_PATH}/{made.id}?hasil=dibuat")
    return _reveal(request, made.id, made.secrets[0])


@router.get(_ONE)
async def read_subscription(request: Request, visit: Owner, id: Id, hasil: Result = "") -> Response:
    """The settings of one subscription."""
    return await _show_one(request, visit, id, hasil=hasil)


@router.post(f"{_ONE}/ubah")
async def change_subscription(request: Request, visit: Owner, id: Id) -> Response:
    """Give a subscription another address or other filters."""
    form = visit.form
    try:
        sink, filters = _read_sink(form) if "alamat" in form else None, _read_filters(form)
        wrong = {"/sink": "alamat" in form and sink is None, "/filters": filters is None}
        if errors := [FieldError(pointer, "cannot be read") for pointer, is_wrong in wrong.items() if is_wrong]:
            raise FormWrong("Some fields cannot be read.", errors=errors)
        await change_settings(visit.rooms, visit.by, id, sink, filters)
    except Refused as refusal:
        fault = make_fault(words_of(request), refusal, _places(words_of(request)))
        return await _show_one(request, visit, id, fault, form)
    return go_to(f"{_PATH}/{id}?hasil=diubah")


@router.post(f"{_ONE}/rahasia")
async def rotate_secret(request: Request, visit: Revealer, id: Id) -> Response:
    """Make a new secret, and show it once. The secret before signs beside it for a day."""
    try:
        subscription = await asyncio.to_thread(visit.rooms.subscriptions.get, id, visit.reach)
        secret = await asyncio.to_thread(visit.rooms.subscriptions.rotate_secret, subscription, visit.by)
    except Refused as refusal:
        return await _show_one(request, visit, id, make_fault(words_of(request), refusal))
    return _reveal(request, id, secret)


@router.post(f"{_ONE}/hapus")
async def delete_subscription(request: Request, visit: Owner, id: Id) -> Response:
    """End a subscription; what waits in it is gone."""
    try:
        check_confirmed(visit)
        subscription = await asyncio.to_thread(visit.rooms.subscriptions.get, id, visit.reach)
        await asyncio.to_thread(visit.rooms.subscriptions.delete, subscription, visit.by)
    except Refused as refusal:
        return await _show_one(request, visit, id, make_fault(words_of(request), refusal))
    return go_to(f"{_PATH}?hasil=dihapus")


async def _show_new(request: Request, visit: Visit, form: Mapping[str, str], fault: Fault | None = None) -> Response:
    own: Own = await asyncio.to_thread(find_own, visit.rooms.catalogue, participant_of(visit))
    offered = [one for one in own.granted if one.kind is not Kind.QUERY]
    status = 422 if fault else 200
    return show(request, "langganan_baru.html", status, page=_NEW, contracts=offered, form=form, fault=fault)


async def _show_one(
    request: Request,
    visit: Visit,
    id: str,
    fault: Fault | None = None,
    form: Mapping[str, str] | None = None,
    hasil: Result = "",
) -> Response:
    subscription = await asyncio.to_thread(visit.rooms.subscriptions.get, id, visit.reach)
    sink = subscription.sink
    written = json.dumps(list(subscription.filters)).decode() if subscription.filters else ""
    address = sink.url if isinstance(sink, Webhook) else ""
    return show(
        request,
        "langganan_satu.html",
        422 if fault else 200,
        page=f"{_PATH}/{id}",
        subscription=subscription,
        sink=name_sink(sink),
        has_webhook=isinstance(sink, Webhook),
        is_pulled=isinstance(sink, Pull),
        form=form or {"alamat": address, "saringan": written},
        fault=fault,
        news=_tell(words_of(request), hasil),
    )


def _reveal(request: Request, id: str, secret: str) -> Response:
    return show(request, "langganan_rahasia.html", page=f"{_PATH}/{id}", id=id, secret=secret)


def _read_order(form: Mapping[str, str], participant: str) -> tuple[NewSubscription, _Start]:
    """What the form asks for.

    Raises:
        FormWrong: names each field that is wrong.
    """
    contracts = [name.removeprefix("kontrak-") for name in form if name.startswith("kontrak-")]
    sink, start, filters = _read_sink(form), _read_start(form), _read_filters(form)
    wrong = {"/contracts": not contracts, "/sink": sink is None, "/from": start == _WRONG, "/filters": filters is None}
    if errors := [FieldError(pointer, "cannot be read") for pointer, is_wrong in wrong.items() if is_wrong]:
        raise FormWrong("Some fields cannot be read.", errors=errors)
    order = form.get("urutan", "").strip() or None
    return NewSubscription(participant, contracts, sink or Pull(), filters or (), order), start


def _read_sink(form: Mapping[str, str]) -> Sink | None:
    """The sink; None: the address cannot be read."""
    if form.get("tujuan") == "ambil":
        return Pull()
    address = form.get("alamat", "").strip()
    is_address = address.lower().startswith(("https://", "http://")) and len(address) <= _LONGEST_ADDRESS
    return Webhook(address) if is_address else None


def _read_start(form: Mapping[str, str]) -> _Start:
    """Where to begin; `_WRONG`: the position cannot be read."""
    if form.get("mulai") == "awal":
        return "beginning"
    if form.get("mulai") != "posisi":
        return None
    text = form.get("posisi", "").strip()
    return int(text) if _POSITION.fullmatch(text) else _WRONG


def _read_filters(form: Mapping[str, str]) -> list[Mapping[str, Any]] | None:
    """The simple filter, and those that the member wrote as JSON; None: the JSON is no list of filters."""
    found: list[Mapping[str, Any]] = []
    if form.get("cara") in ("exact", "prefix", "suffix") and form.get("nilai", "").strip():
        found.append({form["cara"]: {form.get("atribut", "").strip(): form["nilai"].strip()}})
    if text := form.get("saringan", "").strip():
        try:
            written = json.loads(text.encode())
        except ValueError:
            return None
        if not isinstance(written, list) or not all(isinstance(one, dict) for one in written):
            return None
        found += written
    return found if len(found) <= _MOST_FILTERS else None


def _places(words: Words) -> dict[str, tuple[str, str]]:
    say = words.say
    order = say("Tulis penunjuk satu isian yang Anda terima tanpa samaran, misalnya /nik.")
    return {
        "/contracts": ("kontrak", say("Pilih paling sedikit satu kontrak.")),
        "/sink": (
            "alamat",
            say("Tulis alamat https:// yang dapat dicapai bus. Alamat di jaringan dalam perlu izin operator."),
        ),
        "/from": ("posisi", say("Tulis nomor peristiwa, misalnya 1200.")),
        "/filters": ("saringan", say("Tulis daftar saringan CloudEvents yang memakai atribut yang boleh Anda lihat.")),
        "/ordered_by": ("urutan", order),
    }


def _tell(words: Words, result: Result) -> str:
    told = {
        "diubah": words.say("Langganan diubah. Yang menunggu juga dikirim ke alamat baru."),
        "dihapus": words.say("Langganan dihapus."),
        "dibuat": words.say("Langganan dibuat. Program Anda sekarang dapat mengambil datanya."),
    }
    return told.get(result, "")
