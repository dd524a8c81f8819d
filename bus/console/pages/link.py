"""Tautan: a one-time link sets a password and an authenticator, or opens the console.

Looking at a link does not use it: programs that preview links look too. The form uses it.
"""

import asyncio
from typing import Annotated

import segno
from fastapi import Path, Request, Response
from markupsafe import Markup

from bus.console.cookies import SESSION, VISITOR, WANTED, drop_cookie, read_cookie, set_cookie
from bus.console.page import go_to, is_inside, page_router
from bus.console.render import show, words_of
from bus.console.visit import address_of
from bus.http import TheRooms
from bus.ids import new_secret
from bus.staff import LINK_PATH, Account, CodeRefused, Link, PasswordRefused, Purpose, write_address

router = page_router()

Secret = Annotated[str, Path(max_length=100)]


@router.get(f"{LINK_PATH}{{secret}}")
async def read_link(request: Request, rooms: TheRooms, secret: Secret) -> Response:
    """What the link does, and the form that does it."""
    return _show(request, await asyncio.to_thread(rooms.staff.accounts.read_link, secret))


@router.post(f"{LINK_PATH}{{secret}}")
async def use_link(request: Request, rooms: TheRooms, secret: Secret) -> Response:
    """Use the link, and open a session."""
    form, address, staff = request.state.form, address_of(request), rooms.staff
    link = await asyncio.to_thread(staff.accounts.read_link, secret)
    if link.purpose is Purpose.OPEN:
        return await _enter(request, rooms, await asyncio.to_thread(staff.accounts.open, secret))
    say, password = words_of(request).say, form.get("sandi", "")
    if password != form.get("ulang", ""):
        return _show(request, link, repeat_error=say("Kedua kata sandi tidak sama. Ketik sekali lagi."))
    try:
        account = await staff.sign_in.set_up(secret, password, form.get("kode", ""), address)
    except PasswordRefused:
        error = say("Pilih 12 sampai 128 karakter yang tidak mudah ditebak dan tidak memuat nama akun.")
        return _show(request, link, password_error=error)
    except CodeRefused:
        error = say("Kode tidak cocok. Periksa jam ponsel, lalu ketik kode yang tampil sekarang.")
        return _show(request, link, code_error=error)
    return await _enter(request, rooms, account)


async def _enter(request: Request, rooms: TheRooms, account: Account) -> Response:
    open_session = rooms.staff.sessions.open
    secret = await asyncio.to_thread(open_session, account, address_of(request), request.headers.get("user-agent", ""))
    wanted = read_cookie(request, WANTED)
    response = go_to(wanted if is_inside(wanted) else "/konsol")
    drop_cookie(request, response, WANTED)
    set_cookie(request, response, SESSION, secret)
    drop_cookie(request, response, VISITOR)
    return response


def _show(
    request: Request, link: Link, password_error: str = "", repeat_error: str = "", code_error: str = ""
) -> Response:
    bound = read_cookie(request, SESSION) or read_cookie(request, VISITOR)
    visitor = bound or new_secret()
    wrong = bool(password_error or repeat_error or code_error)
    response = show(
        request,
        "tautan.html",
        422 if wrong else 200,
        link=link,
        opens=link.purpose is Purpose.OPEN,
        code=_draw(link),
        password_error=password_error,
        repeat_error=repeat_error,
        code_error=code_error,
        bound=visitor,
    )
    if not bound:
        set_cookie(request, response, VISITOR, visitor)
    return response


def _draw(link: Link) -> Markup:
    """The authenticator's address as a QR code. Its ground is white in dark pages too, for cameras."""
    if not link.totp_secret:
        return Markup("")
    made = segno.make(write_address(link.totp_secret, link.account.name), error="m")
    return Markup(made.svg_inline(scale=5, dark="#000", light="#fff", border=3))  # noqa: S704 - made here, of no text
