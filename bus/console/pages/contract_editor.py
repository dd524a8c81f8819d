"""The editor of a draft: its text, and what lint and compatibility say of it while somebody types."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote_plus

from fastapi import Query, Request, Response

from bus import json
from bus.actions import Verb
from bus.console.explanations import explain
from bus.console.page import go_to, page_router
from bus.console.portfolio import Name, Steward, Version, carry_out, enter, read_checked, tell_day
from bus.console.render import show, words_of
from bus.console.visit import Visit
from bus.contracts import (
    NoSuchContract,
    RegisteredVersion,
    TransitionRefused,
    VersionTaken,
    read_document,
    write_document,
)
from bus.http import check_text, register_draft, replace_draft
from bus.problem import Refused

router = page_router()

_NEW: Final = "/konsol/kontrak/baru"
_LONGEST: Final = 120 * 1024
"""Bytes of a document in a form. The edge takes little more (128 KiB)."""
_BEGINNING: Final = """\
contract: domain.nama-data
version: 1.0.0
kind: record
title: Judul data
owner: {owner}
classification: internal
key: /nomor
compatibility: backward
producers:
- {owner}
consumers: []
schema:
  type: object
  additionalProperties: false
  required:
  - nomor
  properties:
    nomor:
      type: string
      maxLength: 20
      description: Nomor data
examples:
- nomor: A-1
"""


class DocumentTooLong(Refused):
    """The document is too long for the editor; change it with `bus contract apply`, or over HTTP."""

    status = 413
    slug = "document-too-long"


@dataclass(frozen=True, slots=True)
class Draft:
    """What the editor holds.

    Attributes:
        name, version: the draft that is replaced; empty: a new one.
        tag: the state of that draft that the member saw.
    """

    text: str
    name: str = ""
    version: str = ""
    tag: str = ""


@router.get(_NEW)
async def begin(
    request: Request,
    visit: Steward,
    dari: Annotated[str, Query(max_length=100)] = "",
    versi: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """A new draft, empty or from a version, with the next number."""
    if not dari:
        return await _show(request, visit, Draft(_BEGINNING.format(owner=visit.reach or "nama-peserta")))
    await enter(visit, dari)
    source, number, document = await asyncio.to_thread(_raise_version, visit, dari, versi)
    text = await _write(visit, document)
    return await _show(request, visit, Draft(text), source=source, number=number)


@router.get("/konsol/kontrak/{name}/versi/{version}/sunting")
async def edit(request: Request, visit: Steward, name: Name, version: Version) -> Response:
    """A draft, or a proposed version, which becomes a draft again when it is saved."""
    await enter(visit, name)
    registered = await asyncio.to_thread(visit.rooms.catalogue.registrar.read_version, name, version)
    if not registered.is_free:
        raise TransitionRefused(f"The version is {registered.state.value}; register another version.")
    text = await _write(visit, registered.text)
    return await _show(request, visit, Draft(text, name, version, registered.tag))


@router.post("/konsol/kontrak/periksa")
async def check(request: Request, visit: Steward) -> Response:
    """Check the text. Nothing is stored."""
    return await _show(request, visit, _read_draft(visit))


@router.post(_NEW)
async def save(request: Request, visit: Steward) -> Response:
    """Register the text as a draft, or replace the draft that it came from."""
    draft = _read_draft(visit)
    try:
        place = f"{draft.name}/{draft.version}" if draft.name else "(new)"
        saved = await carry_out(visit, Verb.CONTRACT_DRAFT, place, _save(visit, draft))
    except Refused as refusal:
        return await _show(request, visit, draft, refusal=refusal)
    return go_to(f"/konsol/kontrak/{saved.name}/versi/{saved.version}?hasil=disimpan")


async def _save(visit: Visit, draft: Draft) -> RegisteredVersion:
    rooms, text = visit.rooms, draft.text.encode()
    if draft.name:
        await enter(visit, draft.name)
        return await replace_draft(rooms, text, (draft.name, draft.version), visit.by, frozenset({draft.tag}))
    document = json.loads(await rooms.heavy.run(read_document, text, who=visit.by.participant))
    await asyncio.to_thread(_check_new, visit, document["contract"], document["version"])
    return await register_draft(rooms, text, visit.by)


async def _write(visit: Visit, document: bytes) -> str:
    """The document as a text to edit."""
    text = (await visit.rooms.heavy.run(write_document, document, who=visit.by.participant)).decode()
    if len(quote_plus(text)) > _LONGEST:
        raise DocumentTooLong("The document is too long for the editor.")
    return text


def _check_new(visit: Visit, name: str, version: str) -> None:
    """Refuse a new draft in the place of a version that the member did not open."""
    try:
        visit.rooms.catalogue.registrar.read_version(name, version)
    except NoSuchContract:
        return
    raise VersionTaken(f"{name} {version} is registered already; open it to change it, or raise the version.")


def _read_draft(visit: Visit) -> Draft:
    form = visit.form
    if not f"{form.get('nama', '')}{form.get('versi', '')}".isprintable():
        # PostgreSQL takes a NUL in no text.
        raise NoSuchContract("No contract has such a name.")
    text = form.get("dokumen", "").replace("\r\n", "\n")
    return Draft(text, form.get("nama", ""), form.get("versi", ""), form.get("tanda", ""))


async def _show(
    request: Request,
    visit: Visit,
    draft: Draft,
    refusal: Refused | None = None,
    source: str = "",
    number: str = "",
) -> Response:
    checked, unreadable = await _check(visit, draft)
    lint = checked["lint"] if checked else ()
    page = f"/konsol/kontrak/{draft.name}/versi/{draft.version}/sunting" if draft.name else _NEW
    return show(
        request,
        "kontrak_sunting.html",
        refusal.status if refusal else 200,
        page=page,
        draft=draft,
        checked=checked,
        unreadable=unreadable,
        wrong=sum(one["severity"] == "error" for one in lint) + bool(unreadable),
        doubtful=sum(one["severity"] != "error" for one in lint),
        refusal=refusal,
        explanation=explain(refusal, words_of(request)) if refusal else "",
        source=source,
        number=number,
        write=json.dump_pretty,
        day=partial(tell_day, words_of(request)),
    )


async def _check(visit: Visit, draft: Draft) -> tuple[dict[str, Any] | None, Refused | None]:
    """What the check says of the text, or why it cannot be read."""
    try:
        answer = await check_text(
            visit.rooms, draft.text.encode(), visit.by.participant, is_operator=visit.reach is None
        )
    except Refused as refusal:
        if refusal.is_overload:
            raise
        return None, refusal
    return read_checked(answer), None


def _raise_version(visit: Visit, name: str, version: str) -> tuple[str, str, bytes]:
    """A version's name and number, the next free number, and its document under that number.

    The next number is a minor step beyond the highest version. Without a version, the newest in force is taken.
    """
    registrar = visit.rooms.catalogue.registrar
    listed, _ = registrar.listing.read_contract(name)
    highest = listed.versions[-1]
    chosen = version or (listed.current or highest).version
    major, minor, _ = highest.version.split(".")
    number = f"{major}.{int(minor) + 1}.0"
    document = json.loads(registrar.read_version(name, chosen).text)
    return f"{name} {chosen}", number, json.dumps(document | {"version": number})
