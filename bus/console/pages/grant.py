"""One grant: which fields a consumer gets and why, how much it got, and the suspension of the grant."""

import asyncio
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Request, Response

from bus import clock, json
from bus.actions import Verb
from bus.console.explanations import explain
from bus.console.page import go_to, page_router
from bus.console.portfolio import Name, Steward, carry_out, enter, tell_day
from bus.console.receipts import read_receipt
from bus.console.render import show, words_of
from bus.console.visit import Visit
from bus.contracts import NoSuchGrant, Waiting, describe_access
from bus.problem import Refused

router = page_router()

_PATH: Final = "/konsol/kontrak/{name}/izin/{participant}"
Participant = Annotated[str, Path(max_length=63)]
Result = Literal["", "ditangguhkan", "dilanjutkan"]


@router.get(_PATH)
async def read_grant(
    request: Request, visit: Steward, name: Name, participant: Participant, hasil: Result = ""
) -> Response:
    """The grant, in each version in force."""
    return await _show(request, visit, name, participant, result=hasil)


@router.post(f"{_PATH}/tangguhkan")
async def suspend(request: Request, visit: Steward, name: Name, participant: Participant) -> Response:
    """Stop what the participant gets, with a reason that it reads."""
    reason = visit.form.get("alasan", "")
    waiting = Waiting.DROP if visit.form.get("antrean") == "buang" else Waiting.KEEP
    act = partial(visit.rooms.grants.suspend, name, participant, reason, waiting, visit.by)
    await enter(visit, name)
    try:
        await carry_out(visit, Verb.GRANT_SUSPEND, f"{name}/{participant}", asyncio.to_thread(act))
    except Refused as refusal:
        return await _show(request, visit, name, participant, refusal=refusal, reason=reason)
    return go_to(f"/konsol/kontrak/{name}/izin/{participant}?hasil=ditangguhkan")


@router.post(f"{_PATH}/lanjutkan")
async def resume(request: Request, visit: Steward, name: Name, participant: Participant) -> Response:
    """Let the grant show data again."""
    await enter(visit, name)
    act = asyncio.to_thread(visit.rooms.grants.resume, name, participant, visit.by)
    try:
        await carry_out(visit, Verb.GRANT_RESUME, f"{name}/{participant}", act)
    except Refused as refusal:
        return await _show(request, visit, name, participant, refusal=refusal)
    return go_to(f"/konsol/kontrak/{name}/izin/{participant}?hasil=dilanjutkan")


async def _show(
    request: Request,
    visit: Visit,
    name: str,
    participant: str,
    result: Result = "",
    refusal: Refused | None = None,
    reason: str = "",
) -> Response:
    await enter(visit, name)
    values = await asyncio.to_thread(_read, visit, name, participant)
    words = words_of(request)
    return show(
        request,
        "kontrak_izin.html",
        refusal.status if refusal else 200,
        page=f"/konsol/kontrak/{name}/izin/{participant}",
        participant=participant,
        news=_tell(request, result),
        refusal=refusal,
        explanation=explain(refusal, words) if refusal else "",
        reason=reason,
        day=partial(tell_day, words),
        write=json.dump_pretty,
        **values,
    )


def _read(visit: Visit, name: str, participant: str) -> dict[str, Any]:
    catalogue, today = visit.rooms.catalogue, clock.today()
    versions = catalogue.in_force(name)
    granted = [
        (one.contract.version, access)
        for one in reversed(versions)
        for access in describe_access(one.contract, today, participant)
    ]
    if not granted:
        raise NoSuchGrant(f"No version of {name} in force has a grant of {participant}.")
    suspension = catalogue.find_suspension(name, participant)
    contract = versions[-1].contract
    is_owner = visit.reach == contract.owner
    return {
        "contract": contract,
        "granted": granted,
        "suspension": suspension,
        "is_owner": is_owner,
        "may_change": visit.reach is None or (is_owner and not (suspension and suspension.is_operators)),
        "receipt": read_receipt(visit.rooms, contract, participant),
    }


def _tell(request: Request, result: Result) -> str:
    say = words_of(request).say
    told = {
        "ditangguhkan": say("Izin ditangguhkan. Penerima tidak lagi mendapat data ini, dan membaca alasan Anda."),
        "dilanjutkan": say("Izin berlaku lagi. Yang menunggu dikirim dalam beberapa detik."),
    }
    return told.get(result, "")
