"""Catatan tindakan: who changed or steered what, who tried to, and which sign-ins failed. As a page, and as a file."""

import asyncio
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

from bus import clock
from bus.actions import Found, Result, Verb, Wanted
from bus.console.downloads import ROWS_IN_PDF, Form, send_csv, send_pdf
from bus.console.moments import MomentUnreadable, read_moment
from bus.console.page import page_router
from bus.console.render import show, words_of
from bus.console.roles import AUDITING
from bus.console.visit import Visit, visiting
from bus.console.words import Words
from bus.reports import Column, Report

router = page_router()

_PAGE: Final = 50
_NAME: Final = "catatan-tindakan"
_Text = Annotated[str, Query(max_length=255)]
Visitor = Annotated[Visit, visiting(*AUDITING)]


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """The fields of the form, as they were typed. An empty field means any value."""

    siapa: _Text = ""
    objek: _Text = ""
    jenis: _Text = ""
    sejak: _Text = ""
    sampai: _Text = ""

    @property
    def address(self) -> str:
        """The filter as the query of an address."""
        return urlencode({name: value for name, value in asdict(self).items() if value})

    def find_errors(self, words: Words) -> dict[str, str]:
        """What is wrong, by the name of the field."""
        found = {}
        if self.jenis and self.jenis not in {one.value for one in Verb}:
            found["jenis"] = words.say("Pilih salah satu dari daftar.")
        for name, text in (("sejak", self.sejak), ("sampai", self.sampai)):
            try:
                read_moment(text)
            except MomentUnreadable:
                found[name] = words.say("Tulislah tanggal dan jam, misalnya 2026-11-28T09:14 (WIB).")
        return found

    def make_wanted(self) -> Wanted:
        """The search. Call it if there are no errors."""
        return Wanted(
            who=_clean(self.siapa) or None,
            what=Verb(self.jenis) if self.jenis else None,
            object=_clean(self.objek) or None,
            since=read_moment(self.sejak),
            until=read_moment(self.sampai),
        )


Filter = Annotated[ActionFilter, Depends()]


@router.get("/konsol/tindakan")
async def list_actions(
    request: Request, visit: Visitor, asked: Filter, sebelum: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> Response:
    """The newest entries. The look is an entry too."""
    errors, found = asked.find_errors(words_of(request)), list[Found]()
    if not errors:
        search = partial(visit.rooms.actions.search, asked.make_wanted(), sebelum or None, _PAGE + 1, visit.by)
        found = await asyncio.to_thread(search)
    shown = found[:_PAGE]
    return show(
        request,
        "tindakan.html",
        422 if errors else 200,
        actions=shown,
        asked=asked,
        errors=errors,
        verbs=[(one, one) for one in sorted(verb.value for verb in Verb)],
        following=shown[-1].id if len(found) > _PAGE else 0,
    )


@router.get("/konsol/tindakan/unduh/{form}")
async def download(request: Request, visit: Visitor, asked: Filter, form: Form) -> Response:
    """What the filter finds, as a file. Each read is an entry."""
    words, log = words_of(request), visit.rooms.actions
    wanted = Wanted() if asked.find_errors(words) else asked.make_wanted()
    if form == "csv":
        return send_csv(
            request,
            lambda last, limit: log.search(wanted, None if last is None else last.id, limit, visit.by),
            lambda one: _write_row(one, words),
            _NAME,
            [column.name for column in _list_columns(words)],
        )
    found = await asyncio.to_thread(log.search, wanted, None, ROWS_IN_PDF + 1, visit.by)
    rows = [_write_row(one, words) for one in found[:ROWS_IN_PDF]]
    facts = [
        (words.say("Pencarian"), asked.address or words.say("semua")),
        (words.say("Dibuat"), f"{words.tell_moment(clock.now())}, {visit.by.label}"),
        (words.say("Baris catatan tindakan"), words.tell_number(len(rows))),
    ]
    cut = words.say("Masih ada baris lain. Berkas CSV memuat semuanya.") if len(found) > ROWS_IN_PDF else ""
    return await send_pdf(Report(words.say("Catatan tindakan"), facts, _list_columns(words), rows, cut), visit, _NAME)


def _list_columns(words: Words) -> list[Column]:
    say = words.say
    names = (say("Waktu"), say("Oleh"), say("Tindakan"), say("Terhadap"), say("Hasil"), say("Kali"), say("Dari"))
    return [Column(name, weight) for name, weight in zip(names, (3, 4, 3, 5, 2, 1, 3), strict=True)]


def _write_row(found: Found, words: Words) -> list[str]:
    action, say = found.action, words.say
    return [
        words.tell_moment(found.at),
        action.by.label or say("tidak dikenal"),
        action.what.value,
        f"{action.on.kind} {action.on.id}",
        say("Dilakukan") if action.result is Result.DONE else say("Ditolak"),
        words.tell_number(action.count),
        f"{action.by.channel.value} {action.by.address}",
    ]


def _clean(text: str) -> str:
    return "".join(one for one in text if one.isprintable()).strip()
