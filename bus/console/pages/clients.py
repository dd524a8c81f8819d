"""Klien: the programs of the member's participant. The member makes them, gives scopes and secrets, and revokes them."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import Path, Query, Request, Response

from bus.console.owning import Fault, Owner, check_confirmed, make_fault, participant_of
from bus.console.page import go_to, page_router
from bus.console.proof import prove_again
from bus.console.render import show, words_of
from bus.console.roles import OWNING
from bus.console.visit import Visit
from bus.console.words import Words
from bus.identity import GIVEN_BY_OFFICES, Client, ClientUnknown, Scope
from bus.problem import Refused

router = page_router()

_PAGE: Final = 50
_PATH: Final = "/konsol/klien"
_ONE: Final = f"{_PATH}/{{client_id}}"
Id = Annotated[str, Path(max_length=63)]
Revealer = Annotated[Visit, prove_again(*OWNING, back="/konsol/klien")]
"""The visit of an app owner to whom a secret is shown: it needs a proof of the last ten minutes."""
Result = Literal["", "hak", "dicabut"]


@router.get(_PATH)
async def list_clients(
    request: Request, visit: Owner, setelah: Annotated[str, Query(max_length=63)] = "", hasil: Result = ""
) -> Response:
    """The clients, and the form for a new one."""
    return await _show_list(request, visit, setelah, hasil=hasil)


@router.post(_PATH)
async def add_client(request: Request, visit: Revealer) -> Response:
    """Make a client, and show its secret once."""
    participant, scopes = participant_of(visit), _read_scopes(visit)
    try:
        client, secret = await asyncio.to_thread(_add, visit, participant, scopes)
    except Refused as refusal:
        return await _show_list(request, visit, "", make_fault(words_of(request), refusal, _places(words_of(request))))
    return _reveal(request, client.client_id, secret or "")


@router.get(_ONE)
async def read_client(request: Request, visit: Owner, client_id: Id, hasil: Result = "") -> Response:
    """One client with its scopes."""
    return await _show_one(request, visit, client_id, hasil=hasil)


@router.post(f"{_ONE}/hak")
async def give_scopes(request: Request, visit: Owner, client_id: Id) -> Response:
    """Give a client other scopes. Those that the operator gave stay."""
    try:
        await asyncio.to_thread(_give, visit, client_id, _read_scopes(visit))
    except Refused as refusal:
        fault = make_fault(words_of(request), refusal, _places(words_of(request)))
        return await _show_one(request, visit, client_id, fault)
    return go_to(f"{_PATH}/{client_id}?hasil=hak")


@router.post(f"{_ONE}/rahasia")
async def rotate_secret(request: Request, visit: Revealer, client_id: Id) -> Response:
    """Give a client a new secret, and show it once."""
    try:
        check_confirmed(visit)
        secret = await asyncio.to_thread(_rotate, visit, client_id)
    except Refused as refusal:
        return await _show_one(request, visit, client_id, make_fault(words_of(request), refusal))
    return _reveal(request, client_id, secret)


@router.post(f"{_ONE}/cabut")
async def revoke_client(request: Request, visit: Owner, client_id: Id) -> Response:
    """Shut a client out for good."""
    try:
        check_confirmed(visit)
        await asyncio.to_thread(_revoke, visit, client_id)
    except Refused as refusal:
        return await _show_one(request, visit, client_id, make_fault(words_of(request), refusal))
    return go_to(f"{_PATH}/{client_id}?hasil=dicabut")


async def _show_list(
    request: Request, visit: Visit, after: str, fault: Fault | None = None, hasil: Result = ""
) -> Response:
    listed = visit.rooms.participants.list_clients
    found = await asyncio.to_thread(listed, participant_of(visit), _PAGE + 1, after)
    shown = found[:_PAGE]
    return show(
        request,
        "klien.html",
        422 if fault else 200,
        page=_PATH,
        clients=shown,
        following=shown[-1].client_id if len(found) > _PAGE else "",
        scopes=tell_scopes(words_of(request)),
        chosen=_read_scopes(visit) if fault else ["events.publish", "events.read"],
        fault=fault,
        news=_tell(words_of(request), hasil),
    )


async def _show_one(
    request: Request, visit: Visit, client_id: str, fault: Fault | None = None, hasil: Result = ""
) -> Response:
    client = await asyncio.to_thread(_find, visit, client_id)
    return show(
        request,
        "klien_satu.html",
        422 if fault else 200,
        page=f"{_PATH}/{client_id}",
        client=client,
        scopes=tell_scopes(words_of(request)),
        beyond=sorted(client.scopes - GIVEN_BY_OFFICES),
        fault=fault,
        news=_tell(words_of(request), hasil),
    )


def _reveal(request: Request, client_id: str, secret: str) -> Response:
    return show(request, "klien_rahasia.html", page=_PATH, client_id=client_id, secret=secret)


def tell_scopes(words: Words) -> Sequence[tuple[str, str]]:
    """The scopes that an office gives its clients, each with what it allows."""
    say = words.say
    meanings = {
        Scope.EVENTS_PUBLISH: say("mengirim data menurut kontrak yang menyebut Anda sebagai produsen"),
        Scope.EVENTS_READ: say("mengambil data yang diizinkan kontrak"),
        Scope.SUBSCRIPTIONS_MANAGE: say("mengatur langganan dan pengirimannya"),
        Scope.QUERIES_CALL: say("bertanya langsung, misalnya memeriksa NIK"),
        Scope.CONTRACTS_READ: say("membaca katalog kontrak dan meminta akses"),
    }
    return [(scope.value, meaning) for scope, meaning in meanings.items()]


def _places(words: Words) -> dict[str, tuple[str, str]]:
    return {"/scopes": ("hak", words.say("Pilih paling sedikit satu hak."))}


def _tell(words: Words, result: Result) -> str:
    told = {
        "hak": words.say("Hak diubah. Hak yang diambil hilang seketika; hak baru berlaku pada token berikutnya."),
        "dicabut": words.say("Klien dicabut. Token dan rahasianya tidak berlaku lagi."),
    }
    return told.get(result, "")


def _read_scopes(visit: Visit) -> list[str]:
    return [scope.value for scope in sorted(GIVEN_BY_OFFICES) if f"hak-{scope}" in visit.form]


def _find(visit: Visit, client_id: str) -> Client:
    client = visit.rooms.participants.find_client(client_id)
    if client is None or client.participant != participant_of(visit):
        raise ClientUnknown("Your participant has no such client.")
    return client


def _add(visit: Visit, participant: str, scopes: Sequence[str]) -> tuple[Client, str | None]:
    made = visit.rooms.participants.add_client(participant, scopes, by=visit.by)
    # Known here at once: its first login shall not have to be looked for.
    visit.rooms.tokens.refresh()
    return made


def _give(visit: Visit, client_id: str, scopes: Sequence[str]) -> None:
    kept = _find(visit, client_id).scopes - GIVEN_BY_OFFICES
    visit.rooms.participants.update_client(participant_of(visit), client_id, [*scopes, *kept], by=visit.by)
    visit.rooms.tokens.refresh()


def _rotate(visit: Visit, client_id: str) -> str:
    secret = visit.rooms.participants.rotate_secret(participant_of(visit), client_id, visit.by)
    visit.rooms.tokens.refresh()
    return secret


def _revoke(visit: Visit, client_id: str) -> None:
    visit.rooms.participants.revoke_client(participant_of(visit), client_id, visit.by)
    visit.rooms.tokens.refresh()
