"""Pelanggaran: what one client got between two moments, as a page to print for the notice within 3 x 24 hours (art. 46)."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Annotated, Final

from fastapi import Query, Request, Response

from bus import clock
from bus.console.breach import MOST_EVENTS, Finding, examine_client, find_due
from bus.console.channels import tell_channel
from bus.console.downloads import send_pdf
from bus.console.moments import MomentUnreadable, read_moment, tell_left
from bus.console.page import page_router
from bus.console.received import Receipt, tell_fields
from bus.console.render import show, words_of
from bus.console.roles import AUDITING
from bus.console.visit import Visit, visiting
from bus.console.words import Words
from bus.disclosures import Wanted
from bus.reports import Column, Report

router = page_router()

_PATH: Final = "/konsol/pelanggaran"
Visitor = Annotated[Visit, visiting(*AUDITING)]
Text = Annotated[str, Query(max_length=100)]


@router.get(_PATH)
async def read_breach(
    request: Request,
    visit: Visitor,
    klien: Text = "",
    sejak: Text = "",
    sampai: Text = "",
    diketahui: Text = "",
    bentuk: Text = "",
) -> Response:
    """The finding, once client and both moments are given. The look is in the action log.

    Args:
        diketahui: when the breach became known, which starts the clock.
        bentuk: `pdf` for a file.
    """
    words, typed = words_of(request), {"klien": klien, "sejak": sejak, "sampai": sampai, "diketahui": diketahui}
    asked = any(typed.values())
    moments, errors = _read_moments(typed, words)
    since, until, known = (moments.get(name) for name in ("sejak", "sampai", "diketahui"))
    if asked and not klien.strip():
        errors["klien"] = words.say("Isi nomor klien. Nomor klien ada di halaman Peserta.")
    if since and until and since >= until:
        errors["sampai"] = words.say("Waktu akhir harus sesudah waktu awal.")
    finding = None
    if asked and not errors and since and until:
        finding = await _examine(visit, klien.strip(), since, until, words)
    if finding and bentuk == "pdf":
        return await send_pdf(_make_report(finding, known, visit, words), visit, f"temuan-{finding.since:%Y%m%d}")
    due = find_due(known) if known else None
    return show(
        request,
        "pelanggaran.html",
        422 if errors else 200,
        typed=typed,
        errors=errors,
        finding=finding,
        due=due,
        left=tell_left(due, clock.now(), words) if due else "",
        is_late=due is not None and due < clock.now(),
        fields=partial(tell_fields, everything=words.say("semua isi")),
        channel=partial(tell_channel, words=words),
        most=MOST_EVENTS,
        query=str(request.url.query),
    )


async def _examine(visit: Visit, client_id: str, since: datetime, until: datetime, words: Words) -> Finding:
    wanted = Wanted(client_id=client_id, since=since, until=until)
    await asyncio.to_thread(partial(visit.rooms.looks.note, wanted, visit.by, export=True))
    return await asyncio.to_thread(examine_client, visit.rooms, client_id, since, until, words)


def _read_moments(typed: dict[str, str], words: Words) -> tuple[dict[str, datetime | None], dict[str, str]]:
    """The moments in the fields, and what is wrong with them."""
    moments: dict[str, datetime | None] = {}
    errors: dict[str, str] = {}
    asked = any(typed.values())
    for name in ("sejak", "sampai", "diketahui"):
        try:
            moments[name] = read_moment(typed[name])
        except MomentUnreadable:
            errors[name] = words.say("Tulislah tanggal dan jam, misalnya 2026-11-28T09:14 (WIB).")
            continue
        if asked and moments[name] is None and name != "diketahui":
            errors[name] = words.say("Isi tanggal dan jam.")
    return moments, errors


def _make_report(finding: Finding, known: datetime | None, visit: Visit, words: Words) -> Report:
    say, number = words.say, words.tell_number
    least = "" if finding.is_whole else say("paling sedikit") + " "
    facts = [
        (say("Klien"), finding.client_id),
        (say("Peserta"), finding.participant or say("tidak dikenal")),
        (say("Jangka waktu"), f"{words.tell_moment(finding.since)} - {words.tell_moment(finding.until)}"),
        (say("Subjek data yang datanya diterima klien"), f"{least}{number(finding.persons)}"),
        (say("Pengendali data"), ", ".join(one.title for one in finding.owners) or "–"),
        (say("Batas pemberitahuan (3 x 24 jam)"), words.tell_moment(find_due(known)) if known else "–"),
        (say("Dibuat"), f"{words.tell_moment(clock.now())}, {visit.by.label}"),
    ]
    names = (
        say("Lewat"),
        say("Kontrak data"),
        say("Tujuan pemakaian"),
        say("Dasar hukum"),
        say("Data"),
        say("Pertama"),
    )
    columns = [*(Column(one, 3) for one in names), Column(say("Terakhir"), 3), Column(say("Peristiwa"), 2)]
    rows = [_write_row(one, say("klien ini"), words) for one in finding.received]
    rows += [_write_row(one, say("kiriman kepada peserta"), words) for one in finding.delivered]
    return Report(say("Temuan untuk pemberitahuan pelanggaran (UU 27/2022, pasal 46)"), facts, columns, rows)


def _write_row(one: Receipt, by: str, words: Words) -> list[str]:
    return [
        by,
        one.contract or "–",
        one.purpose,
        one.legal_basis or "–",
        tell_fields(one.fields, words.say("semua isi")) or "–",
        words.tell_moment(one.first_at),
        words.tell_moment(one.last_at),
        words.tell_number(len(one.events)),
    ]
