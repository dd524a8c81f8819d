"""Orang: who received one person's data, for auditors. The search needs a reason, and is itself a disclosure."""

import asyncio
from functools import partial
from typing import Annotated, Final

from fastapi import Request, Response

from bus import clock
from bus.console.disclosure_rows import list_columns, make_row
from bus.console.downloads import ROWS_IN_PDF, send_csv, send_pdf
from bus.console.page import page_router
from bus.console.render import show, words_of
from bus.console.roles import AUDITING
from bus.console.visit import Visit, visiting
from bus.disclosures import Found, Place, ReasonMissing, Wanted
from bus.inquiries import mask_person
from bus.reports import Report

router = page_router()

_PATH: Final = "/konsol/orang"
_PAGE: Final = 50
_LONGEST: Final = 1024
_NAME: Final = "pengungkapan-data-seseorang"
Visitor = Annotated[Visit, visiting(*AUDITING)]


@router.get(_PATH)
async def read_form(request: Request, visit: Visitor) -> Response:
    """The form. The identifier is in no address, so no history and no log has it."""
    return _show(request, "", "")


@router.post(_PATH)
async def find_person(request: Request, visit: Visitor) -> Response:
    """Who received the person's data, on a page or, by the field `bentuk`, in a file."""
    form, say = visit.form, words_of(request).say
    person, reason, shape = (form.get(name, "").strip() for name in ("nik", "alasan", "bentuk"))
    if not person or len(person) > _LONGEST or not person.isprintable():
        return _show(request, person, reason, {"nik": say("Isi NIK atau nomor pengenal lain dari satu orang.")})
    limit = ROWS_IN_PDF + 1 if shape == "pdf" else _PAGE + 1
    search = partial(visit.rooms.looks.find_person, person, _read_place(form.get("setelah", "")), limit, visit.by)
    try:
        found = await asyncio.to_thread(search, reason)
    except ReasonMissing:
        return _show(request, person, reason, {"alasan": say("Isi alasan dalam satu baris, paling banyak 500 huruf.")})
    if shape == "pdf":
        return await send_pdf(_make_report(found, person, reason, visit, request), visit, _NAME)
    if shape == "csv":
        return _send_sheet(request, visit, person)
    return _show(request, person, reason, {}, found, visit)


def _read_place(text: str) -> Place | None:
    numbers = text.split(".")
    if len(numbers) != 2 or not all(one.isascii() and one.isdecimal() and len(one) < 19 for one in numbers):
        return None
    return Place(*map(int, numbers))


def _show(
    request: Request,
    person: str,
    reason: str,
    errors: dict[str, str] | None = None,
    found: list[Found] | None = None,
    visit: Visit | None = None,
) -> Response:
    words = words_of(request)
    rows = [make_row(one, visit.rooms.catalogue, words) for one in found[:_PAGE]] if found and visit else []
    last = found[_PAGE - 1].place if found and len(found) > _PAGE else None
    return show(
        request,
        "orang.html",
        422 if errors else 200,
        person=person,
        reason=reason,
        errors=errors or {},
        is_answer=found is not None,
        rows=rows,
        following=f"{last.at}.{last.id}" if last else "",
    )


def _send_sheet(request: Request, visit: Visit, person: str) -> Response:
    words, rooms = words_of(request), visit.rooms
    return send_csv(
        request,
        lambda last, limit: rooms.disclosures.search(Wanted(person), None if last is None else last.place, limit),
        lambda one: make_row(one, rooms.catalogue, words).cells,
        _NAME,
        [column.name for column in list_columns(words)],
    )


def _make_report(found: list[Found], person: str, reason: str, visit: Visit, request: Request) -> Report:
    words = words_of(request)
    say, rows = words.say, [make_row(one, visit.rooms.catalogue, words).cells for one in found[:ROWS_IN_PDF]]
    facts = [
        (say("Subjek data"), mask_person(person)),
        (say("Alasan pencarian"), reason),
        (say("Dibuat"), f"{words.tell_moment(clock.now())}, {visit.by.label}"),
        (say("Baris catatan pengungkapan"), words.tell_number(len(rows))),
    ]
    cut = say("Masih ada baris lain. Berkas CSV memuat semuanya.") if len(found) > ROWS_IN_PDF else ""
    return Report(say("Penerima data pribadi seseorang"), facts, list_columns(words), rows, cut)
