"""Coba data: the member tries data out against a contract. Nothing is stored or sent."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Query, Request, Response

from bus import json
from bus.console.owning import Fault, Owner, find_own, make_fault, participant_of
from bus.console.page import page_router
from bus.console.render import show, words_of
from bus.console.rules import tell_rules
from bus.console.visit import Visit
from bus.contracts import Contract, Kind
from bus.http import try_document
from bus.problem import FieldError, Refused

router = page_router()

_PATH: Final = "/konsol/coba-data"


@router.get(_PATH)
async def read_form(request: Request, visit: Owner, kontrak: Annotated[str, Query(max_length=255)] = "") -> Response:
    """The form, with the contract's own example."""
    return await _show(request, visit, kontrak, None)


@router.post(_PATH)
async def try_data(request: Request, visit: Owner) -> Response:
    """Say whether an event with the data would be accepted."""
    name, text = visit.form.get("kontrak", "").strip(), visit.form.get("data", "")
    try:
        errors = await try_document(visit.rooms, name, None, text.encode(), participant_of(visit))
    except Refused as refusal:
        return await _show(request, visit, name, text, make_fault(words_of(request), refusal))
    return await _show(request, visit, name, text, errors=errors)


async def _show(
    request: Request,
    visit: Visit,
    name: str,
    text: str | None,
    fault: Fault | None = None,
    errors: Sequence[FieldError] | None = None,
) -> Response:
    own = await asyncio.to_thread(find_own, visit.rooms.catalogue, participant_of(visit))
    offered = {one.name: one for one in (*own.sent, *own.granted)}
    chosen = name or next(iter(offered), "")
    example = _write_example(offered[chosen]) if chosen in offered else ""
    return show(
        request,
        "coba_data.html",
        422 if fault else 200,
        page=_PATH,
        offered=list(offered.values()),
        chosen=chosen,
        text=example if text is None else text,
        fault=fault,
        errors=errors,
        rules=tell_rules(words_of(request)),
    )


def _write_example(contract: Contract) -> str:
    if not contract.examples:
        return "{\n}"
    example = contract.examples[0]
    return json.dump_pretty(example["request"] if contract.kind is Kind.QUERY else example)
