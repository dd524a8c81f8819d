"""One contract: its versions, who gets it with how much, its fields with their readers, and examples."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response

from bus import clock, json
from bus.console.fields import MOST, tell_fields
from bus.console.page import page_router
from bus.console.portfolio import Name, Steward, enter, tell_day
from bus.console.receipts import Receipt, read_receipt
from bus.console.render import show, words_of
from bus.console.visit import Visit
from bus.contracts import Access, Contract, Suspension, describe_access, restore_contract

router = page_router()

_CONSUMERS: Final = 20
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer of the contract, with how much it got."""

    access: Access
    suspension: Suspension | None
    receipt: Receipt


@router.get("/konsol/kontrak/{name}")
async def read_contract(
    request: Request, visit: Steward, name: Name, mulai: Annotated[int, Query(ge=0, le=100_000)] = 0
) -> Response:
    """The contract. Its consumers come in the order of the document, some at a time."""
    portfolio = await enter(visit, name)
    values = await asyncio.to_thread(_read, visit, name, mulai)
    decides = await asyncio.to_thread(portfolio.decides_on, name)
    day = partial(tell_day, words_of(request))
    return show(request, "kontrak_satu.html", decides=decides, day=day, when=clock.moment, **values)


def _read(visit: Visit, name: str, start: int) -> dict[str, Any]:
    listed, text = visit.rooms.catalogue.registrar.listing.read_contract(name)
    contract = restore_contract(json.loads(text))
    today = clock.today()
    named = [grant.participant for grant in contract.grants]
    shown = named[start : start + _CONSUMERS]
    consumers = _read_consumers(visit, contract, shown, today)
    fields = tell_fields(contract, [one.access for one in consumers if not one.access.has_ended])
    return {
        "listed": listed,
        "contract": contract,
        "description": contract.document.get("description", ""),
        "consumers": consumers,
        "start": start,
        "count": len(named),
        "following": start + _CONSUMERS if len(named) > start + _CONSUMERS else 0,
        "fields": fields[:MOST],
        "has_more_fields": len(fields) > MOST,
        "examples": [json.dump_pretty(one) for one in contract.examples[:_EXAMPLES]],
        "last_event": _find_last_event(visit, name),
    }


def _read_consumers(visit: Visit, contract: Contract, shown: Sequence[str], today: date) -> list[Consumer]:
    find_suspension = visit.rooms.catalogue.find_suspension
    return [
        Consumer(access, find_suspension(contract.name, who), read_receipt(visit.rooms, contract, who))
        for who in shown
        for access in describe_access(contract, today, who)
    ]


def _find_last_event(visit: Visit, name: str) -> datetime | None:
    number = visit.rooms.catalogue.number_of(name)
    found = visit.rooms.journal.find_newest([] if number is None else [number])
    return clock.moment(found[0].recorded_at) if found else None
