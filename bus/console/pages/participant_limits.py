"""Batas: what a participant may do; the operator gives it values of its own."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Path, Request, Response

from bus.console.page import go_to, page_router
from bus.console.render import show, words_of
from bus.console.roles import OPERATING
from bus.console.visit import Visit, visiting
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
    rows = [(one.value, str(defaults[one.value]), own.get(one.value, "")) for one in Limit]
    return show(request, "batas.html", 422 if wrong else 200, name=name, rows=rows, wrong=wrong or set(), error=error)
