"""Kunci sandi: the passkeys of a member, who adds and removes them."""

import asyncio
from typing import Annotated, Final

from fastapi import Path, Request, Response

from bus.console.cookies import SESSION, read_cookie
from bus.console.page import go_to, page_router
from bus.console.passkeys import ask_creation, get_party
from bus.console.proof import prove_again
from bus.console.render import show
from bus.console.roles import EVERYBODY
from bus.console.visit import Visit

router = page_router()

_PATH: Final = "/konsol/kunci"
Visitor = Annotated[Visit, prove_again(*EVERYBODY, back=_PATH)]


@router.get(_PATH)
async def list_passkeys(request: Request, visit: Visitor) -> Response:
    """The member's own passkeys, and the form that adds one. Who came by a link of the command line has none."""
    account = visit.account
    found = await asyncio.to_thread(visit.rooms.staff.passkeys.list_of, account)
    asked = await ask_creation(request, account, read_cookie(request, SESSION)) if account.is_set_up else ""
    return show(request, "kunci.html", passkeys=found, asked=asked, has_own=account.is_set_up)


@router.post(_PATH)
async def add_passkey(request: Request, visit: Visitor) -> Response:
    """Add what the browser made."""
    party, bound, form = get_party(request), read_cookie(request, SESSION), visit.form
    text, label = form.get("jawaban", ""), form.get("label", "")
    add = visit.rooms.staff.passkeys.add
    await asyncio.to_thread(add, visit.account, text, label, bound, party, visit.by.address)
    return go_to(_PATH)


@router.post(f"{_PATH}/{{id}}/hapus")
async def remove_passkey(visit: Visitor, id: Annotated[str, Path(max_length=2_000)]) -> Response:
    """Remove one of them."""
    await asyncio.to_thread(visit.rooms.staff.passkeys.remove, visit.account, id, visit.by.address)
    return go_to(_PATH)
