"""Buktikan: a member proves the account again, before secrets or personal data open, and goes on to the page that asked."""

from typing import Annotated

from fastapi import Query, Request, Response

from bus.console.cookies import WANTED, set_cookie
from bus.console.entrance import HOME, go_on
from bus.console.page import is_inside, page_router
from bus.console.passkeys import ask_proof, get_party
from bus.console.proof import LONGEST, PROVE, write_proof_address
from bus.console.render import show, words_of
from bus.console.roles import EVERYBODY
from bus.console.visit import Visit, bound_of, visiting
from bus.limits import Limited
from bus.staff import SignInRefused

router = page_router()

_LINK_SECONDS = 3600
Visitor = Annotated[Visit, visiting(*EVERYBODY)]


@router.get(PROVE)
async def read_proof(
    request: Request, visit: Visitor, tujuan: Annotated[str, Query(max_length=LONGEST)] = HOME
) -> Response:
    """The form. Who came by a link of the command line reads how to get another link."""
    return await _show(request, visit, tujuan)


@router.post(PROVE)
async def prove(request: Request, visit: Visitor) -> Response:
    """Note the proof in the session, and go on."""
    form, say = visit.form, words_of(request).say
    wanted, staff, name = form.get("tujuan", HOME), visit.rooms.staff, visit.account.name
    try:
        await staff.sign_in.prove(name, form.get("sandi", ""), form.get("kode", ""), visit.by.address)
    except SignInRefused:
        error = say("Kata sandi atau kode salah. Kode hanya berlaku sekali: tunggu kode berikutnya, lalu coba lagi.")
        return await _show(request, visit, wanted, error, 422)
    except Limited:
        error = say("Terlalu banyak percobaan. Tunggu beberapa menit, lalu coba lagi.")
        return await _show(request, visit, wanted, error, 429)
    return await go_on(request, visit.rooms, visit.session, wanted)


@router.post(f"{PROVE}/kunci")
async def prove_by_passkey(request: Request, visit: Visitor) -> Response:
    """Note the proof by a passkey of the member's own in the session, and go on."""
    form, staff, wanted = visit.form, visit.rooms.staff, visit.form.get("tujuan", HOME)
    party, bound, address = get_party(request), bound_of(request), visit.by.address
    try:
        account = await staff.sign_in.prove_by_passkey(form.get("jawaban", ""), bound, party, address)
        if account.name != visit.account.name:
            raise SignInRefused("The passkey is another account's.")
    except SignInRefused:
        return await _show(
            request, visit, wanted, words_of(request).say("Kunci sandi tidak diterima. Coba sekali lagi."), 422
        )
    return await go_on(request, visit.rooms, visit.session, wanted)


async def _show(request: Request, visit: Visit, wanted: str, error: str = "", status: int = 200) -> Response:
    wanted, account = wanted if is_inside(wanted) else HOME, visit.account
    response = show(
        request,
        "buktikan.html",
        status,
        page=write_proof_address(wanted),
        wanted=wanted,
        error=error,
        asked=await ask_proof(request, bound_of(request), account),
        has_password=account.has_password,
        has_own=account.is_set_up,
        is_provided=account.is_provided and visit.rooms.staff.sign_in.provider is not None,
    )
    # A new link from the command line opens a new session, which goes on from here.
    set_cookie(request, response, WANTED, wanted, _LINK_SECONDS)
    return response
