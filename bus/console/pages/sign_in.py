"""Masuk: a member of staff signs in with name, password and the authenticator's code."""

import asyncio
from typing import Annotated

from fastapi import Query, Request, Response

from bus.console.cookies import SESSION, VISITOR, drop_cookie, read_cookie, set_cookie
from bus.console.page import SIGN_IN, go_to, is_inside, page_router
from bus.console.render import show, words_of
from bus.console.visit import address_of, find_session
from bus.http import TheRooms
from bus.ids import new_secret
from bus.limits import Limited
from bus.staff import SignInRefused

router = page_router()

_HOME = "/konsol"
Wanted = Annotated[str, Query(max_length=300)]


@router.get(SIGN_IN)
async def read_sign_in(request: Request, tujuan: Wanted = _HOME) -> Response:
    """The form."""
    if await find_session(request) is not None:
        return go_to(_HOME)
    return _show(request, tujuan)


@router.post(SIGN_IN)
async def sign_in(request: Request, rooms: TheRooms) -> Response:
    """Open a session for who proves an account."""
    form, address, say = request.state.form, address_of(request), words_of(request).say
    wanted = form.get("tujuan", _HOME)
    try:
        account = await rooms.staff.sign_in.prove(
            form.get("nama", "").strip(), form.get("sandi", ""), form.get("kode", ""), address
        )
        browser = request.headers.get("user-agent", "")
        secret = await asyncio.to_thread(rooms.staff.sessions.open, account, address, browser)
    except SignInRefused:
        error = say(
            "Nama, kata sandi atau kode salah. Kode hanya berlaku sekali: tunggu kode berikutnya, lalu coba lagi."
        )
        return _show(request, wanted, form.get("nama", ""), error, 403)
    except Limited:
        return _show(request, wanted, "", say("Terlalu banyak percobaan. Tunggu beberapa menit, lalu coba lagi."), 429)
    response = go_to(wanted if is_inside(wanted) else _HOME)
    set_cookie(request, response, SESSION, secret)
    drop_cookie(request, response, VISITOR)
    return response


def _show(request: Request, wanted: str, name: str = "", error: str = "", status: int = 200) -> Response:
    visitor = read_cookie(request, VISITOR) or new_secret()
    response = show(request, "masuk.html", status, wanted=wanted, name=name, error=error, bound=visitor)
    set_cookie(request, response, VISITOR, visitor)
    return response
