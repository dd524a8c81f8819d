"""Buktikan: a member proves the account again, before secrets or personal data open, and goes on to the page that asked."""

import asyncio
from typing import Annotated

from fastapi import Query, Request, Response

from bus.console.cookies import WANTED, set_cookie
from bus.console.page import go_to, is_inside, page_router
from bus.console.proof import LONGEST, PROVE
from bus.console.render import show, words_of
from bus.console.roles import EVERYBODY
from bus.console.visit import Visit, visiting
from bus.limits import Limited
from bus.staff import SignInRefused

router = page_router()

_HOME = "/konsol"
_LINK_SECONDS = 3600
Visitor = Annotated[Visit, visiting(*EVERYBODY)]


@router.get(PROVE)
async def read_proof(
    request: Request, visit: Visitor, tujuan: Annotated[str, Query(max_length=LONGEST)] = _HOME
) -> Response:
    """The form. Who came by a link of the command line reads how to get another link."""
    return _show(request, visit, tujuan)


@router.post(PROVE)
async def prove(request: Request, visit: Visitor) -> Response:
    """Note the proof in the session, and go on."""
    form, say = visit.form, words_of(request).say
    wanted, staff, name = form.get("tujuan", _HOME), visit.rooms.staff, visit.account.name
    try:
        await staff.sign_in.prove(name, form.get("sandi", ""), form.get("kode", ""), visit.by.address)
    except SignInRefused:
        error = say("Kata sandi atau kode salah. Kode hanya berlaku sekali: tunggu kode berikutnya, lalu coba lagi.")
        return _show(request, visit, wanted, error, 422)
    except Limited:
        error = say("Terlalu banyak percobaan. Tunggu beberapa menit, lalu coba lagi.")
        return _show(request, visit, wanted, error, 429)
    await asyncio.to_thread(staff.sessions.note_proof, visit.session, visit.by.address)
    return go_to(wanted if is_inside(wanted) else _HOME)


def _show(request: Request, visit: Visit, wanted: str, error: str = "", status: int = 200) -> Response:
    wanted = wanted if is_inside(wanted) else _HOME
    response = show(request, "buktikan.html", status, wanted=wanted, error=error, has_password=visit.account.is_set_up)
    # A new link from the command line opens a new session, which goes on from here.
    set_cookie(request, response, WANTED, wanted, _LINK_SECONDS)
    return response
