"""Tautan: a one-time link sets a passkey, or a password and an authenticator, or opens the console.

Looking at a link does not use it: programs that preview links look too. The form uses it.
"""

import asyncio
from typing import Annotated

import segno
from fastapi import Path, Request, Response
from markupsafe import Markup

from bus.console.cookies import VISITOR, WANTED, read_cookie, set_cookie
from bus.console.entrance import HOME, enter
from bus.console.page import page_router
from bus.console.passkeys import ask_creation, get_party
from bus.console.render import show, words_of
from bus.console.visit import address_of, bound_of
from bus.http import TheRooms
from bus.ids import new_secret
from bus.staff import LINK_PATH, CodeRefused, Link, PasskeyRefused, PasswordRefused, Purpose, write_address

router = page_router()

Secret = Annotated[str, Path(max_length=100)]


@router.get(f"{LINK_PATH}{{secret}}")
async def read_link(request: Request, rooms: TheRooms, secret: Secret) -> Response:
    """What the link does, and the form that does it."""
    return await _show(request, await asyncio.to_thread(rooms.staff.accounts.read_link, secret), secret)


@router.post(f"{LINK_PATH}{{secret}}")
async def use_link(request: Request, rooms: TheRooms, secret: Secret) -> Response:
    """Use the link, and open a session."""
    form, address, staff = request.state.form, address_of(request), rooms.staff
    link = await asyncio.to_thread(staff.accounts.read_link, secret)
    if link.purpose is Purpose.OPEN:
        account = await asyncio.to_thread(staff.accounts.open, secret)
        return await enter(request, rooms, account, read_cookie(request, WANTED))
    say, password = words_of(request).say, form.get("sandi", "")
    if password != form.get("ulang", ""):
        return await _show(request, link, secret, repeat_error=say("Kedua kata sandi tidak sama. Ketik sekali lagi."))
    try:
        account = await staff.sign_in.set_up(secret, password, form.get("kode", ""), address)
    except PasswordRefused:
        error = say("Pilih 12 sampai 128 karakter yang tidak mudah ditebak dan tidak memuat nama akun.")
        return await _show(request, link, secret, password_error=error)
    except CodeRefused:
        error = say("Kode tidak cocok. Periksa jam ponsel, lalu ketik kode yang tampil sekarang.")
        return await _show(request, link, secret, code_error=error)
    return await enter(request, rooms, account, HOME)


@router.post(f"{LINK_PATH}{{secret}}/kunci")
async def use_link_by_passkey(request: Request, rooms: TheRooms, secret: Secret) -> Response:
    """Use the link with a passkey that the browser made, and open a session."""
    form, address, party = request.state.form, address_of(request), get_party(request)
    text, label = form.get("jawaban", ""), form.get("label", "")
    try:
        account = await asyncio.to_thread(
            rooms.staff.passkeys.set_up, secret, text, label, bound_of(request), party, address
        )
    except PasskeyRefused:
        link = await asyncio.to_thread(rooms.staff.accounts.read_link, secret)
        error = words_of(request).say("Kunci sandi tidak diterima. Coba sekali lagi.")
        return await _show(request, link, secret, passkey_error=error)
    return await enter(request, rooms, account, HOME)


async def _show(
    request: Request,
    link: Link,
    secret: str,
    *,
    password_error: str = "",
    repeat_error: str = "",
    code_error: str = "",
    passkey_error: str = "",
) -> Response:
    bound = bound_of(request)
    visitor = bound or new_secret()
    opens = link.purpose is Purpose.OPEN
    wrong = bool(password_error or repeat_error or code_error or passkey_error)
    asked = "" if opens else await ask_creation(request, link.account, visitor)
    response = show(
        request,
        "tautan.html",
        422 if wrong else 200,
        link=link,
        opens=opens,
        page=f"{LINK_PATH}{secret}",
        asked=asked,
        passkey_error=passkey_error,
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
