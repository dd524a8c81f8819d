"""One version of a contract: what is wrong with it, what it breaks, what it shows to whom, and the steps of its life."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any, Final, Literal

from fastapi import Request, Response

from bus import clock, json
from bus.actions import Verb
from bus.console.explanations import explain
from bus.console.page import go_to, page_router
from bus.console.portfolio import Name, Steward, Version, carry_out, enter, read_checked, tell_day
from bus.console.render import show, words_of
from bus.console.visit import Visit
from bus.contracts import RegisteredVersion, Tags, write_asyncapi, write_document
from bus.http import approve_version, check_text
from bus.problem import Invalid, Refused

router = page_router()

_PATH: Final = "/konsol/kontrak/{name}/versi/{version}"
_YAML: Final = "application/yaml; charset=utf-8"
Result = Literal["", "disimpan", "diterima", "diusulkan", "disetujui", "usang", "pensiun"]
Act = Callable[[Tags], Awaitable[RegisteredVersion]]


class RetirementUnconfirmed(Invalid):
    """Confirm that the version is to be retired for good."""

    slug = "retirement-unconfirmed"


class DayInvalid(Invalid):
    """A day is written as 2026-12-31."""

    slug = "day-invalid"


@router.get(_PATH)
async def read_version(request: Request, visit: Steward, name: Name, version: Version, hasil: Result = "") -> Response:
    """The version."""
    return await _show(request, visit, name, version, notice=_tell(request, hasil))


@router.get(f"{_PATH}/dokumen.yaml")
async def read_document(visit: Steward, name: Name, version: Version) -> Response:
    """The version's document."""
    registered = await _read(visit, name, version)
    text = await visit.rooms.heavy.run(write_document, registered.text, who=visit.by.participant)
    return _give_file(text, f"{name}-{version}.yaml")


@router.get(f"{_PATH}/asyncapi.yaml")
async def read_asyncapi(visit: Steward, name: Name, version: Version) -> Response:
    """How to publish and receive under the version."""
    registered, rooms = await _read(visit, name, version), visit.rooms
    issuer = rooms.tokens.issuer.encode()
    text = await rooms.heavy.run(write_asyncapi, registered.text, issuer, b"yaml", who=visit.by.participant)
    return _give_file(text, f"{name}-{version}.asyncapi.yaml")


@router.post(f"{_PATH}/usulkan")
async def propose(request: Request, visit: Steward, name: Name, version: Version) -> Response:
    """Propose a draft to those who approve in its domain."""
    move = visit.rooms.catalogue.registrar.propose
    act = partial(asyncio.to_thread, move, name, version, visit.by)
    return await _act(request, visit, name, version, Verb.CONTRACT_PROPOSE, act, "diusulkan")


@router.post(f"{_PATH}/setujui")
async def approve(request: Request, visit: Steward, name: Name, version: Version) -> Response:
    """Put the version in force. With `dilihat` the member says that it saw what the version newly grants."""
    act = partial(
        approve_version,
        visit.rooms,
        name,
        version,
        visit.by,
        accept_undecided="terima" in visit.form,
        grants_seen="dilihat" in visit.form,
    )
    return await _act(request, visit, name, version, Verb.CONTRACT_ACTIVATE, act, "disetujui")


@router.post(f"{_PATH}/beri-kata")
async def consent(request: Request, visit: Steward, name: Name, version: Version) -> Response:
    """Give the word of an adapter's owner."""
    await enter(visit, name)
    act = asyncio.to_thread(visit.rooms.catalogue.registrar.consent, name, version, visit.by, _read_tags(visit))
    try:
        await carry_out(visit, Verb.CONTRACT_CONSENT, f"{name}/{version}", act)
    except Refused as refusal:
        return await _show_refused(request, visit, name, version, refusal)
    # After its word, the adapter's owner may have no more to do with the contract.
    return go_to("/konsol/usulan?hasil=kata")


@router.post(f"{_PATH}/usangkan")
async def deprecate(request: Request, visit: Steward, name: Name, version: Version) -> Response:
    """Mark the version as superseded, with the day after which it is meant to be retired."""
    move = visit.rooms.catalogue.registrar.deprecate

    def act(tags: Tags) -> Awaitable[RegisteredVersion]:
        sunset = _read_day(visit.form.get("sampai", ""))
        return asyncio.to_thread(move, name, version, visit.by, tags, sunset=sunset)

    return await _act(request, visit, name, version, Verb.CONTRACT_DEPRECATE, act, "usang")


@router.post(f"{_PATH}/pensiunkan")
async def retire(request: Request, visit: Steward, name: Name, version: Version) -> Response:
    """Take the version out of force for good."""
    move = visit.rooms.catalogue.registrar.retire

    def act(tags: Tags) -> Awaitable[RegisteredVersion]:
        if "yakin" not in visit.form:
            raise RetirementUnconfirmed("Confirm that the version is to be retired for good.")
        return asyncio.to_thread(move, name, version, visit.by, tags)

    return await _act(request, visit, name, version, Verb.CONTRACT_RETIRE, act, "pensiun")


async def _act(
    request: Request, visit: Visit, name: str, version: str, verb: Verb, act: Act, result: Result
) -> Response:
    """Do an act on the version. A refusal comes back with the page, so that the reason stands beside what it is about."""
    await enter(visit, name)
    try:
        await carry_out(visit, verb, f"{name}/{version}", _run(act, visit))
    except Refused as refusal:
        return await _show_refused(request, visit, name, version, refusal)
    return go_to(f"/konsol/kontrak/{name}/versi/{version}?hasil={result}")


async def _run(act: Act, visit: Visit) -> RegisteredVersion:
    return await act(_read_tags(visit))


def _read_tags(visit: Visit) -> Tags:
    """The state that the member saw. Another state is not changed."""
    return frozenset({visit.form.get("tanda", "")})


def _read_day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise DayInvalid("Write the day as 2026-12-31.") from None


async def _read(visit: Visit, name: str, version: str) -> RegisteredVersion:
    await enter(visit, name)
    return await asyncio.to_thread(visit.rooms.catalogue.registrar.read_version, name, version)


async def _show_refused(request: Request, visit: Visit, name: str, version: str, refusal: Refused) -> Response:
    # A version that is not there has no page to come back to.
    await _read(visit, name, version)
    return await _show(request, visit, name, version, refusal=refusal)


async def _show(
    request: Request, visit: Visit, name: str, version: str, notice: str = "", refusal: Refused | None = None
) -> Response:
    registered = await _read(visit, name, version)
    checked = await _check(visit, registered) if registered.is_free else None
    known = await asyncio.to_thread(_read_around, visit, registered)
    words = words_of(request)
    return show(
        request,
        "kontrak_versi.html",
        refusal.status if refusal else 200,
        page=f"/konsol/kontrak/{name}/versi/{version}",
        registered=registered,
        checked=checked,
        news=notice,
        refusal=refusal,
        explanation=explain(refusal, words) if refusal else "",
        when=clock.moment,
        day=partial(tell_day, words),
        write=json.dump_pretty,
        is_operator=visit.reach is None,
        **known,
    )


async def _check(visit: Visit, registered: RegisteredVersion) -> dict[str, Any]:
    """What the check says of a version that may still change."""
    is_operator = visit.reach is None
    answer = await check_text(visit.rooms, registered.text, visit.by.participant, is_operator=is_operator)
    return read_checked(answer)


def _read_around(visit: Visit, registered: RegisteredVersion) -> dict[str, Any]:
    """Who decides on the version, who owns it, and what it is compared with."""
    registrar, name = visit.rooms.catalogue.registrar, registered.name
    heading = registrar.listing.get_heading(registered)
    (listed,) = registrar.listing.read_named([name])
    owner = registrar.read_domain(name.partition(".")[0]).owner
    waiting = next(
        (one for one in registrar.proposals.read() if (one.contract, one.version) == (name, registered.version)), None
    )
    missing = waiting.adapter_owners if waiting else ()
    return {
        "heading": heading,
        "decider": owner,
        "decides": visit.reach in (None, owner),
        "owns": visit.reach in (None, heading.owner),
        "missing_words": missing,
        "is_asked": visit.reach in missing,
        "others": [one.version for one in listed.versions if one.version != registered.version],
    }


def _give_file(text: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, headers=headers, media_type=_YAML)


def _tell(request: Request, result: Result) -> str:
    say = words_of(request).say
    told = {
        "disimpan": say("Rancangan disimpan. Baca temuan di bawah, lalu usulkan atau perbaiki."),
        "diterima": say("Izin yang diminta kini ada dalam rancangan ini. Periksa isian dan samarannya, lalu usulkan."),
        "diusulkan": say("Versi diusulkan. Orang lain yang berwenang sekarang dapat menyetujuinya."),
        "disetujui": say("Versi disetujui dan berlaku mulai sekarang."),
        "usang": say("Versi ditandai usang. Pengirimnya diberi tahu setiap kali mengirim."),
        "pensiun": say("Versi dipensiunkan. Tidak ada lagi data yang masuk dengan versi ini."),
    }
    return told.get(result, "")
