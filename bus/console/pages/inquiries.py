"""Permintaan: data subjects ask "who got my data?". Each request has a number, a beginning, and 3 x 24 hours for its answer."""

import asyncio
from functools import partial
from typing import Annotated, Final, Literal

from fastapi import Path, Query, Request, Response

from bus import clock
from bus.console.channels import tell_channel
from bus.console.downloads import send_pdf
from bus.console.moments import MomentUnreadable, read_moment, tell_left
from bus.console.page import go_to, page_router
from bus.console.person_answer import PersonAnswer, answer_person, make_report
from bus.console.received import tell_fields
from bus.console.render import show, words_of
from bus.console.roles import SERVING
from bus.console.visit import Visit, visiting
from bus.inquiries import Inquiry, InquiryMalformed, NewInquiry, mask_person

router = page_router()

_PATH: Final = "/konsol/permintaan"
_PAGE: Final = 50
Visitor = Annotated[Visit, visiting(*SERVING)]
Number = Annotated[int, Path(ge=1, lt=2**63)]


@router.get(_PATH)
async def list_inquiries(
    request: Request, visit: Visitor, semua: Literal["", "ya"] = "", sebelum: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> Response:
    """The requests that wait, or all of them, newest first; and the form for a new one."""
    return await _show_list(request, visit, {}, {}, only_open=not semua, before=sebelum)


@router.post(_PATH)
async def open_inquiry(request: Request, visit: Visitor) -> Response:
    """Open a request, and show its answer at once: the identifier is typed once, and stands in no address."""
    form, say = visit.form, words_of(request).say
    errors: dict[str, str] = {}
    try:
        received = read_moment(form.get("diterima", ""))
    except MomentUnreadable:
        received, errors["diterima"] = None, say("Tulislah tanggal dan jam, misalnya 2026-11-28T09:14 (WIB).")
    if not errors:
        new = NewInquiry(form.get("nik", "").strip(), form.get("cara", ""), received)
        try:
            made = await asyncio.to_thread(visit.rooms.inquiries.open, new, visit.by)
            return await _show_answer(request, visit, made, new.person)
        except InquiryMalformed as refusal:
            told = {
                "/subject": ("nik", say("Isi NIK atau nomor pengenal lain dari satu orang.")),
                "/reason": ("cara", say("Isi dalam satu baris, paling banyak 500 huruf.")),
                "/received_at": ("diterima", say("Isi waktu dalam setahun terakhir, tidak di masa depan.")),
            }
            errors = dict(told[one.pointer] for one in refusal.errors)
    return await _show_list(request, visit, form, errors)


@router.get(f"{_PATH}/{{number}}")
async def read_inquiry(request: Request, visit: Visitor, number: Number) -> Response:
    """One request."""
    return _show_one(request, await asyncio.to_thread(visit.rooms.inquiries.get, number))


@router.post(f"{_PATH}/{{number}}/jawaban")
async def answer_inquiry(request: Request, visit: Visitor, number: Number) -> Response:
    """The answer to a request again, on a page or in a file. Whose it is has to be typed again: the bus does not keep it."""
    inquiry = await asyncio.to_thread(visit.rooms.inquiries.get, number)
    person = visit.form.get("nik", "").strip()
    if mask_person(person) != inquiry.person:
        wrong = words_of(request).say("Nomor ini bukan dari permintaan ini: empat angka terakhirnya lain.")
        return _show_one(request, inquiry, {"nik": wrong})
    return await _show_answer(request, visit, inquiry, person)


@router.post(f"{_PATH}/{{number}}/tutup")
async def close_inquiry(request: Request, visit: Visitor, number: Number) -> Response:
    """Close a request with a note."""
    try:
        note = visit.form.get("catatan", "")
        await asyncio.to_thread(visit.rooms.inquiries.close, number, note, visit.by)
    except InquiryMalformed:
        wrong = words_of(request).say("Isi dalam satu baris, paling banyak 500 huruf.")
        return _show_one(request, await asyncio.to_thread(visit.rooms.inquiries.get, number), {"catatan": wrong})
    return go_to(f"{_PATH}/{number}")


async def _show_list(
    request: Request,
    visit: Visit,
    typed: object,
    errors: dict[str, str],
    *,
    only_open: bool = True,
    before: int = 0,
) -> Response:
    read = partial(visit.rooms.inquiries.list_page, _PAGE + 1, before or None, only_open=only_open)
    found, words, now = await asyncio.to_thread(read), words_of(request), clock.now()
    return show(
        request,
        "permintaan.html",
        422 if errors else 200,
        inquiries=[(one, _tell_clock(one, request)) for one in found[:_PAGE]],
        following=found[_PAGE - 1].number if len(found) > _PAGE else 0,
        only_open=only_open,
        typed=typed,
        errors=errors,
        now=now,
        words=words,
        page=_PATH,
    )


def _tell_clock(inquiry: Inquiry, request: Request) -> str:
    return tell_left(inquiry.due_at, clock.now(), words_of(request)) if inquiry.is_open else ""


def _show_one(request: Request, inquiry: Inquiry, errors: dict[str, str] | None = None) -> Response:
    return show(
        request,
        "permintaan_satu.html",
        422 if errors else 200,
        inquiry=inquiry,
        left=_tell_clock(inquiry, request),
        is_late=inquiry.is_late(clock.now()),
        errors=errors or {},
        page=f"{_PATH}/{inquiry.number}",
    )


async def _show_answer(request: Request, visit: Visit, inquiry: Inquiry, person: str) -> Response:
    words = words_of(request)
    reason = words.say("permintaan subjek data nomor %(number)s: %(about)s", number=inquiry.number, about=inquiry.about)
    answer: PersonAnswer = await asyncio.to_thread(answer_person, visit.rooms, person, reason[:500], visit.by, words)
    if visit.form.get("bentuk") == "pdf":
        return await send_pdf(make_report(answer, inquiry, words), visit, f"jawaban-permintaan-{inquiry.number}")
    return show(
        request,
        "permintaan_jawaban.html",
        inquiry=inquiry,
        left=_tell_clock(inquiry, request),
        answer=answer,
        person=person,
        fields=partial(tell_fields, everything=words.say("semua isi")),
        channel=partial(tell_channel, words=words),
        page=f"{_PATH}/{inquiry.number}",
    )
