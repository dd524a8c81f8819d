"""Mulai cepat: the first request, the first event and the first data, with the participant's own names filled in."""

import asyncio
from dataclasses import dataclass
from pprint import pformat
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response

from bus import json
from bus.console.owning import Owner, find_own, participant_of
from bus.console.page import page_router
from bus.console.render import show
from bus.contracts import Contract, Kind

router = page_router()

_WIDTH: Final = 88
_LONGEST: Final = 4_000
"""Characters of an example. A longer one is left out."""


@dataclass(frozen=True, slots=True)
class Example:
    """Data of a contract, as each language writes them.

    Attributes:
        json: an object in JSON, on several lines.
        python: the same as Python writes it.
    """

    json: str
    python: str


@router.get("/konsol/mulai")
async def read_quick_start(
    request: Request, visit: Owner, kirim: Annotated[str, Query(max_length=255)] = ""
) -> Response:
    """The steps."""
    participant = participant_of(visit)
    own = await asyncio.to_thread(find_own, visit.rooms.catalogue, participant)
    sendable = [one for one in own.sent if one.kind is not Kind.QUERY]
    sent = next((one for one in sendable if one.name == kirim), next(iter(sendable), None))
    readable = [one for one in own.granted if one.kind is not Kind.QUERY]
    clients = await asyncio.to_thread(visit.rooms.participants.list_clients, participant, 1)
    return show(
        request,
        "mulai.html",
        page="/konsol/mulai",
        participant=participant,
        address=visit.rooms.tokens.issuer,
        sendable=sendable,
        sent=sent,
        example=None if sent is None else _make_example(sent),
        granted=readable[0] if readable else None,
        has_clients=bool(clients),
    )


def _make_example(contract: Contract) -> Example:
    data: Any = contract.examples[0] if contract.examples else {}
    text = json.dump_pretty(data)
    if len(text) > _LONGEST:
        return Example("{}", "{}")
    return Example(text, pformat(data, width=_WIDTH, sort_dicts=False))
