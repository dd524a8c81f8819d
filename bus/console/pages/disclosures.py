"""Pengungkapan: who got which personal data, by participant, client, contract, purpose, way and time. Nothing can be changed."""

import asyncio
from functools import partial
from typing import Annotated, Final

from fastapi import Depends, Query, Request, Response

from bus import clock
from bus.console.channels import tell_channel
from bus.console.disclosure_filter import DisclosureFilter
from bus.console.disclosure_rows import list_columns, make_row
from bus.console.downloads import ROWS_IN_PDF, Form, send_csv, send_pdf
from bus.console.page import page_router
from bus.console.render import show, words_of
from bus.console.roles import AUDITING
from bus.console.visit import Visit, visiting
from bus.disclosures import Channel, Found, Place
from bus.problem import Refused
from bus.reports import Report

router = page_router()

_PAGE: Final = 50
_NAME: Final = "pengungkapan-data"
Visitor = Annotated[Visit, visiting(*AUDITING)]
Filter = Annotated[DisclosureFilter, Depends()]
Number = Annotated[int, Query(ge=0, lt=2**63)]


class FilterWrong(Refused):
    """The filter of this file cannot be read; go back to the page, and mend the fields that it marks."""

    status = 422
    slug = "filter-wrong"


@router.get("/konsol/pengungkapan")
async def list_disclosures(
    request: Request, visit: Visitor, asked: Filter, waktu: Number = 0, nomor: Number = 0
) -> Response:
    """The newest rows of the log. The look is in the action log.

    Args:
        waktu, nomor: the place of the last row of the page before.
    """
    words, catalogue = words_of(request), visit.rooms.catalogue
    errors = asked.find_errors(catalogue, words)
    found: list[Found] = []
    if not errors:
        after = Place(waktu, nomor) if waktu else None
        search = partial(visit.rooms.looks.search, asked.make_wanted(catalogue), after, _PAGE + 1, visit.by)
        found = await asyncio.to_thread(search)
    return show(
        request,
        "pengungkapan.html",
        422 if errors else 200,
        asked=asked,
        errors=errors,
        channels=[(one.value, tell_channel(one, words)) for one in Channel],
        rows=[make_row(one, catalogue, words) for one in found[:_PAGE]],
        following=found[_PAGE - 1].place if len(found) > _PAGE else None,
    )


@router.get("/konsol/pengungkapan/unduh/{form}")
async def download(request: Request, visit: Visitor, asked: Filter, form: Form) -> Response:
    """What the filter finds, as a file."""
    words, rooms = words_of(request), visit.rooms
    if asked.find_errors(rooms.catalogue, words):
        raise FilterWrong("The filter cannot be read.")
    wanted = asked.make_wanted(rooms.catalogue)
    await asyncio.to_thread(partial(rooms.looks.note, wanted, visit.by, export=True))
    if form == "csv":
        names = [column.name for column in list_columns(words)]
        return send_csv(
            request,
            lambda last, limit: rooms.disclosures.search(wanted, None if last is None else last.place, limit),
            lambda one: make_row(one, rooms.catalogue, words).cells,
            _NAME,
            names,
        )
    found = await asyncio.to_thread(rooms.disclosures.search, wanted, None, ROWS_IN_PDF + 1)
    return await send_pdf(_make_report(found, asked, visit, request), visit, _NAME)


def _make_report(found: list[Found], asked: DisclosureFilter, visit: Visit, request: Request) -> Report:
    words = words_of(request)
    say, rows = words.say, [make_row(one, visit.rooms.catalogue, words).cells for one in found[:ROWS_IN_PDF]]
    facts = [
        (say("Pencarian"), asked.describe(words)),
        (say("Dibuat"), f"{words.tell_moment(clock.now())}, {visit.by.label}"),
        (say("Baris catatan pengungkapan"), words.tell_number(len(rows))),
    ]
    cut = say("Masih ada baris lain. Berkas CSV memuat semuanya.") if len(found) > ROWS_IN_PDF else ""
    return Report(say("Catatan pengungkapan data pribadi"), facts, list_columns(words), rows, cut)
