"""Masuk: a member of staff signs in with a passkey, or with name, password and the authenticator's code."""

from typing import Annotated

from fastapi import Query, Request, Response

from bus.console.cookies import VISITOR, set_cookie
from bus.console.entrance import HOME, enter
from bus.console.page import SIGN_IN, go_to, page_router
from bus.console.passkeys import ask_proof, get_party
from bus.console.render import show, words_of
from bus.console.visit import address_of, bound_of, find_session
from bus.http import TheRooms
from bus.ids import new_secret
from bus.limits import Limited
from bus.staff import SignInRefused

router = page_router()

Wanted = Annotated[str, Query(max_length=300)]


@router.get(SIGN_IN)
async def read_sign_in(request: Request, tujuan: Wanted = HOME) -> Response:
    """The forms."""
    if await find_session(request) is not None:
        return go_to(HOME)
    return await _show(request, tujuan)


@router.post(SIGN_IN)
async def sign_in(request: Request, rooms: TheRooms) -> Response:
    """Open a session for who proves an account by name, password and code."""
    form, address, say = request.state.form, address_of(request), words_of(request).say
    wanted = form.get("tujuan", HOME)
    try:
        account = await rooms.staff.sign_in.prove(
            form.get("nama", "").strip(), form.get("sandi", ""), form.get("kode", ""), address
        )
        return await enter(request, rooms, account, wanted)
    except SignInRefused:
        error = say(
            "Nama, kata sandi atau kode salah. Kode hanya berlaku sekali: tunggu kode berikutnya, lalu coba lagi."
        )
        return await _show(request, wanted, form.get("nama", ""), error, 403)
    except Limited:
        error = say("Terlalu banyak percobaan. Tunggu beberapa menit, lalu coba lagi.")
        return await _show(request, wanted, "", error, 429)


@router.post(f"{SIGN_IN}/kunci")
async def sign_in_by_passkey(request: Request, rooms: TheRooms) -> Response:
    """Open a session for who proves an account by a passkey."""
    form, say, party = request.state.form, words_of(request).say, get_party(request)
    wanted = form.get("tujuan", HOME)
    try:
        account = await rooms.staff.sign_in.prove_by_passkey(
            form.get("jawaban", ""), bound_of(request), party, address_of(request)
        )
        return await enter(request, rooms, account, wanted)
    except SignInRefused:
        error = say(
            "Kunci sandi tidak dikenal atau sudah tidak berlaku. Coba sekali lagi, atau masuk dengan kata sandi."
        )
        return await _show(request, wanted, "", error, 403)


async def _show(request: Request, wanted: str, name: str = "", error: str = "", status: int = 200) -> Response:
    # The cookie of a session that has ended is there still. The form is bound to it, as its check will be.
    known = bound_of(request)
    bound = known or new_secret()
    response = show(
        request,
        "masuk.html",
        status,
        page=SIGN_IN,
        wanted=wanted,
        name=name,
        error=error,
        asked=await ask_proof(request, bound),
        has_provider=request.app.state.rooms.staff.sign_in.provider is not None,
        bound=bound,
    )
    if not known:
        set_cookie(request, response, VISITOR, bound)
    return response
