"""Pegawai: the accounts of staff; the operator adds them, gives new links, ends sessions and shuts accounts out."""

import asyncio
from functools import partial
from typing import Annotated, Final

from fastapi import Path, Query, Request, Response

from bus.console.page import go_to, page_router
from bus.console.proof import prove_again
from bus.console.render import show, words_of
from bus.console.roles import OPERATING
from bus.console.visit import Visit, visiting
from bus.problem import Conflict, Invalid, NotFound
from bus.staff import LINK_PATH, OF_PARTICIPANT, Role

router = page_router()

_PATH: Final = "/konsol/pegawai"
_PAGE: Final = 50
Visitor = Annotated[Visit, visiting(*OPERATING)]
Prover = Annotated[Visit, prove_again(*OPERATING, back=_PATH)]
Name = Annotated[str, Path(max_length=63)]
After = Annotated[str, Query(max_length=63)]


@router.get(_PATH)
async def list_staff(request: Request, visit: Visitor, setelah: After = "") -> Response:
    """The accounts by name."""
    return await _show(request, visit, setelah)


@router.post(_PATH)
async def add_staff(request: Request, visit: Prover) -> Response:
    """Add an account, and show its link once."""
    form, accounts = visit.form, visit.rooms.staff.accounts
    name, participant = form.get("nama", "").strip(), form.get("peserta", "").strip() or None
    try:
        role = Role(form.get("peran", ""))
        secret = await asyncio.to_thread(accounts.add, name, role, participant, visit.by)
    except (ValueError, Invalid, Conflict, NotFound):
        error = words_of(request).say(
            "Akun tidak dibuat. Nama memakai 2 sampai 63 huruf kecil, angka dan tanda hubung, dan belum dipakai. "
            "Pemilik aplikasi dan pemilik kontrak memerlukan nama peserta yang ada; peran lain tidak."
        )
        return await _show(request, visit, error=error, entered=form)
    return await _show(request, visit, link=_write(visit, secret), name=name)


@router.post(f"{_PATH}/{{name}}/tautan")
async def make_link(request: Request, visit: Prover, name: Name) -> Response:
    """Make a new link for an account, and show it once."""
    secret = await asyncio.to_thread(visit.rooms.staff.accounts.make_link, name, visit.by)
    return await _show(request, visit, link=_write(visit, secret), name=name)


@router.post(f"{_PATH}/{{name}}/akhiri")
async def end_sessions(visit: Visitor, name: Name) -> Response:
    """End all sessions of an account."""
    await asyncio.to_thread(visit.rooms.staff.accounts.end_sessions, name, visit.by)
    return go_to(_PATH)


@router.post(f"{_PATH}/{{name}}/tutup")
async def disable(visit: Prover, name: Name) -> Response:
    """Shut an account out for good."""
    await asyncio.to_thread(visit.rooms.staff.accounts.disable, name, visit.by)
    return go_to(_PATH)


def _write(visit: Visit, secret: str) -> str:
    return f"{visit.rooms.tokens.issuer}{LINK_PATH}{secret}"


async def _show(
    request: Request,
    visit: Visit,
    after: str = "",
    *,
    link: str = "",
    name: str = "",
    error: str = "",
    entered: object = None,
) -> Response:
    found = await asyncio.to_thread(partial(visit.rooms.staff.accounts.list_page, _PAGE + 1, after))
    shown = found[:_PAGE]
    return show(
        request,
        "pegawai.html",
        422 if error else 200,
        page=_PATH,
        accounts=shown,
        following=shown[-1].name if len(found) > _PAGE else "",
        roles=list(Role),
        of_participant=OF_PARTICIPANT,
        link=link,
        whose=name,
        minutes=visit.rooms.settings.staff_link_minutes,
        error=error,
        entered=entered or {},
    )
