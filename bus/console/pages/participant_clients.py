"""Klien: the operator makes participants and their clients, changes scopes, replaces secrets, and shuts clients out."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import Path, Request, Response

from bus.console.form import FormUnreadable
from bus.console.page import go_to, page_router
from bus.console.proof import prove_again
from bus.console.render import show
from bus.console.roles import OPERATING
from bus.console.visit import Visit, visiting
from bus.identity import Client, ClientUnknown, Kind, Scope

router = page_router()

_PARTICIPANT: Final = "/konsol/peserta/{name}"
_CLIENT: Final = f"{_PARTICIPANT}/klien/{{id}}"
SCOPE_FIELD: Final = "hak-"
"""Begins the name of the field of each scope: a form keeps one value of each name."""
_NEAR: Final = 40
"""More than the ids that may differ in their last character alone."""
Visitor = Annotated[Visit, visiting(*OPERATING)]
Prover = Annotated[Visit, prove_again(*OPERATING, back=_PARTICIPANT)]
Name = Annotated[str, Path(max_length=63)]
Id = Annotated[str, Path(max_length=63)]


@router.post("/konsol/peserta")
async def add_participant(visit: Visitor) -> Response:
    """Make an organisation or app known."""
    form = visit.form
    try:
        kind = Kind(form.get("jenis", ""))
    except ValueError:
        raise FormUnreadable("Choose one of the kinds of the form.") from None
    name, title = form.get("nama", "").strip(), form.get("nama-lengkap", "").strip()
    participant = await asyncio.to_thread(visit.rooms.participants.add, name, title, kind, visit.by)
    return go_to(f"/konsol/peserta/{participant.name}")


@router.post(f"{_PARTICIPANT}/klien")
async def add_client(request: Request, visit: Prover, name: Name) -> Response:
    """Make a client, and show its secret once."""
    return await _make(request, visit, name, _read_scopes(visit.form))


@router.post(f"{_CLIENT}/ganti")
async def replace_secret(request: Request, visit: Prover, name: Name, id: Id) -> Response:
    """Make a client with the same scopes, and show its secret once. The earlier client works until somebody shuts it out."""
    client = await asyncio.to_thread(_find, visit, name, id)
    return await _make(request, visit, name, sorted(client.scopes), id)


@router.post(f"{_CLIENT}/hak")
async def change_scopes(visit: Prover, name: Name, id: Id) -> Response:
    """Give a client other scopes."""
    update = partial(visit.rooms.participants.update_client, name, id, _read_scopes(visit.form), by=visit.by)
    await asyncio.to_thread(update)
    visit.rooms.tokens.refresh()
    return go_to(f"/konsol/peserta/{name}")


@router.post(f"{_CLIENT}/cabut")
async def revoke(visit: Visitor, name: Name, id: Id) -> Response:
    """Shut a client out for good."""
    await asyncio.to_thread(visit.rooms.participants.revoke_client, name, id, visit.by)
    visit.rooms.tokens.refresh()
    return go_to(f"/konsol/peserta/{name}")


async def _make(request: Request, visit: Visit, name: str, scopes: list[str], replaced: str = "") -> Response:
    make = partial(visit.rooms.participants.add_client, name, scopes, by=visit.by)
    client, secret = await asyncio.to_thread(make)
    # Known here at once: its first login shall not have to be looked for.
    visit.rooms.tokens.refresh()
    return show(
        request,
        "klien_baru.html",
        page=f"/konsol/peserta/{name}",
        name=name,
        client=client,
        secret=secret,
        replaced=replaced,
        address=visit.rooms.tokens.issuer,
    )


def _find(visit: Visit, name: str, id: str) -> Client:
    for client in visit.rooms.participants.list_clients(name, _NEAR, id[:-1]):
        if client.client_id == id:
            return client
    raise ClientUnknown(f"{name} has no client with this id.")


def _read_scopes(form: Mapping[str, str]) -> list[str]:
    return [scope.value for scope in Scope if f"{SCOPE_FIELD}{scope.value}" in form]
