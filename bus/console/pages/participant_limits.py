"""Batas: what a participant may do; the operator gives it values of its own."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Path, Request, Response

from bus.console.page import go_to, page_router
from bus.console.render import show, words_of
from bus.console.roles import OPERATING
from bus.console.visit import Visit, visiting
from bus.console.words import Words
from bus.limits import Limit, LimitsRefused

router = page_router()

_PATH: Final = "/konsol/peserta/{name}/batas"
Visitor = Annotated[Visit, visiting(*OPERATING)]
Name = Annotated[str, Path(max_length=63)]


@router.get(_PATH)
async def read_limits(request: Request, visit: Visitor, name: Name) -> Response:
    """Every limit: the participant's own value, and the default."""
    await asyncio.to_thread(visit.rooms.participants.get, name)
    own = await asyncio.to_thread(visit.rooms.limits.register.read, name)
    return _show(request, visit, name, {limit: str(value) for limit, value in own.items()})


@router.post(_PATH)
async def put_limits(request: Request, visit: Visitor, name: Name) -> Response:
    """Replace the participant's own limits. An empty field means the default."""
    given = {limit.value: visit.form.get(limit.value, "").strip() for limit in Limit}
    own = {limit: int(text) if text.isdecimal() else text for limit, text in given.items() if text}
    await asyncio.to_thread(visit.rooms.participants.get, name)
    try:
        await asyncio.to_thread(visit.rooms.limits.register.put, name, own, visit.by)
    except LimitsRefused as refusal:
        wrong = {error.pointer.rpartition("/")[2] for error in refusal.errors}
        return _show(request, visit, name, given, wrong)
    await asyncio.to_thread(visit.rooms.limits.refresh)
    return go_to(f"/konsol/peserta/{name}/batas")


def _show(request: Request, visit: Visit, name: str, own: Mapping[str, str], wrong: set[str] | None = None) -> Response:
    say = words_of(request).say
    defaults = visit.rooms.limits.register.defaults.model_dump()
    error = say("Isilah angka, atau laju seperti 600/60s; kosongkan untuk nilai umum.")
    meanings = _explain(words_of(request))
    rows = [(one.value, meanings[one], str(defaults[one.value]), own.get(one.value, "")) for one in Limit]
    return show(request, "batas.html", 422 if wrong else 200, name=name, rows=rows, wrong=wrong or set(), error=error)


def _explain(words: Words) -> Mapping[Limit, str]:
    """What each limit counts."""
    say = words.say
    return {
        Limit.PUBLISH: say("peristiwa yang dikirim; setiap 32 KiB isi dihitung satu lagi"),
        Limit.READ: say("permintaan yang membaca"),
        Limit.MANAGE: say("permintaan yang mengubah sesuatu"),
        Limit.QUERIES: say("pertanyaan kepada instansi"),
        Limit.TOKENS: say("token yang dibuat atau dicabut"),
        Limit.CLIENT_TOKENS: say("token yang dibuat atau dicabut, setiap klien"),
        Limit.SINK_TESTS: say("uji coba webhook"),
        Limit.REQUESTS: say("permintaan yang berjalan bersamaan"),
        Limit.QUESTIONS: say("pertanyaan kepada instansi yang berjalan bersamaan"),
        Limit.WAITING_READERS: say("pembaca yang menunggu bersamaan"),
        Limit.AGENCY_DAY: say("pertanyaan kepada satu instansi dalam sehari"),
        Limit.SUBSCRIPTIONS: say("langganan"),
        Limit.FILTER_NODES: say("bagian penyaring satu langganan"),
        Limit.FILTER_BYTES: say("bita penyaring satu langganan"),
        Limit.DRAFTS: say("rancangan kontrak"),
        Limit.CONTRACTS: say("versi kontrak"),
        Limit.CONTRACT_BYTES: say("bita semua kontrak"),
    }
