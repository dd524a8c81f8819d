"""Minta akses: the member asks a contract's owner for a grant, and follows what becomes of the request."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import Path, Query, Request, Response

from bus.console.owning import Fault, Owner, make_fault, participant_of
from bus.console.page import go_to, page_router
from bus.console.render import show, words_of
from bus.console.visit import Visit
from bus.console.words import Words
from bus.contracts import (
    LONGEST_AGREEMENT,
    LONGEST_BASIS,
    LONGEST_PURPOSE,
    Contract,
    ListedContract,
    Schema,
    Wish,
    draw_outline,
)
from bus.problem import Refused

router = page_router()

_PAGE: Final = 20
_MOST_FIELDS: Final = 200
_LONGEST_TITLE: Final = 120
_STEP: Final = 100
_MOST_STEPS: Final = 10
"""Steps of a search through the contracts. Beyond them, the next page goes on."""
_PATH: Final = "/konsol/minta-akses"
_ONE: Final = f"{_PATH}/{{name}}"
_TEXTS: Final = {"tujuan": "purpose", "dasar": "legal_basis", "pks": "agreement"}
Name = Annotated[str, Path(max_length=255)]
Result = Literal["", "dikirim", "ditarik"]


@router.get(_PATH)
async def list_requests(
    request: Request,
    visit: Owner,
    sebelum: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    cari: Annotated[str, Query(max_length=255)] = "",
    setelah: Annotated[str, Query(max_length=255)] = "",
    hasil: Result = "",
) -> Response:
    """The participant's requests, and the contracts that it can ask for."""
    participant, registrar = participant_of(visit), visit.rooms.catalogue.registrar
    found = await asyncio.to_thread(registrar.access_requests.list_page, _PAGE + 1, sebelum, participant)
    contracts, following = await asyncio.to_thread(_find_contracts, visit, cari.strip(), setelah)
    own = [one for one in found[:_PAGE] if one.wish.participant == participant]
    return show(
        request,
        "minta_akses.html",
        page=_PATH,
        requests=own,
        older=found[_PAGE - 1].number if len(found) > _PAGE else 0,
        contracts=contracts,
        following=following,
        sought=cari.strip(),
        news=_tell(words_of(request), hasil),
    )


@router.get(_ONE)
async def read_form(request: Request, visit: Owner, name: Name) -> Response:
    """The form of a request for one contract."""
    return await _show_form(request, visit, name, {})


@router.post(_ONE)
async def ask(request: Request, visit: Owner, name: Name) -> Response:
    """Send the request to the contract's owner."""
    try:
        await asyncio.to_thread(_ask, visit, name)
    except Refused as refusal:
        fault = make_fault(words_of(request), refusal, _places(words_of(request)))
        return await _show_form(request, visit, name, visit.form, fault)
    return go_to(f"{_PATH}?hasil=dikirim")


@router.post("/konsol/permintaan-akses/{id}/tarik")
async def withdraw(visit: Owner, id: Annotated[str, Path(max_length=63)]) -> Response:
    """Take a request back."""
    await asyncio.to_thread(visit.rooms.catalogue.registrar.access_requests.withdraw, id, visit.by)
    return go_to(f"{_PATH}?hasil=ditarik")


async def _show_form(
    request: Request, visit: Visit, name: str, form: Mapping[str, str], fault: Fault | None = None
) -> Response:
    contract = (await asyncio.to_thread(visit.rooms.catalogue.newest, name)).contract
    return show(
        request,
        "minta_akses_satu.html",
        422 if fault else 200,
        page=f"{_PATH}/{name}",
        contract=contract,
        fields=_list_fields(contract),
        form=form,
        fault=fault,
    )


def _ask(visit: Visit, name: str) -> None:
    form, contract = visit.form, visit.rooms.catalogue.newest(name).contract
    try:
        until = date.fromisoformat(form.get("sampai", "").strip())
    except ValueError:
        # The past is refused together with all that is wrong elsewhere.
        until = date.min
    texts = {member: form.get(field, "") for field, member in _TEXTS.items()}
    offered = [pointer for pointer, _ in _list_fields(contract)]
    fields = tuple(pointer for pointer in offered if f"isian-{pointer}" in form) if offered else None
    wish = Wish(name, participant_of(visit), fields=fields, until=until, **texts)
    visit.rooms.catalogue.registrar.access_requests.ask(wish, contract, visit.by)


def _find_contracts(visit: Visit, sought: str, after: str) -> tuple[list[ListedContract], str]:
    """The contracts in force whose name or title has a text, by name, and where the next page begins; empty: nowhere."""
    listing, text = visit.rooms.catalogue.registrar.listing, sought.casefold()
    found: list[ListedContract] = []
    for _ in range(_MOST_STEPS):
        page = listing.page(_STEP, after)
        for one in page.contracts:
            if one.current is not None and text in f"{one.name} {one.heading.title}".casefold():
                found.append(one)
            if len(found) > _PAGE:
                return found[:_PAGE], found[_PAGE - 1].name
        if not page.has_more:
            return found, ""
        after = page.contracts[-1].name
    return found, after


def _list_fields(contract: Contract) -> list[tuple[str, str]]:
    """The fields that can be asked for, each with its title or the beginning of its description."""
    outline = [one for one in draw_outline(contract.shown) if one.is_leaf][:_MOST_FIELDS]
    return [(one.pointer, _find_title(one.schemas)[:_LONGEST_TITLE]) for one in outline]


def _find_title(schemas: Sequence[Schema]) -> str:
    told = (str(schema[member]) for member in ("title", "description") for schema in schemas if member in schema)
    return next(told, "")


def _places(words: Words) -> dict[str, tuple[str, str]]:
    return {
        "/purpose": ("tujuan", words.say("Tulis satu baris, paling banyak %(most)s huruf.", most=LONGEST_PURPOSE)),
        "/legal_basis": ("dasar", words.say("Tulis satu baris, paling banyak %(most)s huruf.", most=LONGEST_BASIS)),
        "/agreement": ("pks", words.say("Tulis satu baris, paling banyak %(most)s huruf.", most=LONGEST_AGREEMENT)),
        "/fields": ("isian", words.say("Pilih paling sedikit satu isian.")),
        "/until": ("sampai", words.say("Pilih tanggal hari ini atau sesudahnya.")),
    }


def _tell(words: Words, result: Result) -> str:
    told = {
        "dikirim": words.say("Permintaan dikirim kepada pemilik kontrak. Keputusannya tampil di bawah."),
        "ditarik": words.say("Permintaan ditarik."),
    }
    return told.get(result, "")
