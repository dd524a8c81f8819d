"""The difference of two versions: what breaks whom, with examples; which fields changed; what is newly shown to whom."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import Query, Request, Response

from bus import json
from bus.console.fields import MOST, compare_fields, list_changed_members
from bus.console.page import page_router
from bus.console.portfolio import Name, Steward, enter, read_checked, tell_day
from bus.console.render import show, words_of
from bus.contracts import RegisteredVersion
from bus.http import check_text

router = page_router()

_Version = Annotated[str, Query(max_length=40)]


@router.get("/konsol/kontrak/{name}/banding")
async def compare(request: Request, visit: Steward, name: Name, lama: _Version = "", baru: _Version = "") -> Response:
    """The difference. Without a choice, the two newest versions are compared."""
    await enter(visit, name)
    registrar = visit.rooms.catalogue.registrar
    (listed,) = await asyncio.to_thread(registrar.listing.read_named, [name])
    numbers = [one.version for one in listed.versions]
    new = baru or numbers[-1]
    old = lama or next((one for one in reversed(numbers) if one != new), new)
    pair = [await asyncio.to_thread(registrar.read_version, name, one) for one in (old, new)]
    answer = await check_text(visit.rooms, _ask(*pair), visit.by.participant, is_operator=visit.reach is None)
    changes, members = await asyncio.to_thread(_compare, *pair)
    return show(
        request,
        "kontrak_banding.html",
        page=f"/konsol/kontrak/{name}/banding",
        name=name,
        numbers=numbers,
        old=old,
        new=new,
        checked=read_checked(answer),
        day=partial(tell_day, words_of(request)),
        changes=changes[:MOST],
        has_more=len(changes) > MOST,
        members=members,
        write=json.dump_pretty,
    )


def _ask(old: RegisteredVersion, new: RegisteredVersion) -> bytes:
    # Both are JSON already, and may be large.
    return b'{"document":' + new.text + b',"against":[' + old.text + b"]}"


def _compare(old: RegisteredVersion, new: RegisteredVersion) -> tuple[list[object], list[str]]:
    return list(compare_fields(old.contract, new.contract)), list_changed_members(old.contract, new.contract)
