"""Izin: the calendar of grants that end, and the grants that are suspended."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request, Response

from bus import clock
from bus.console.page import page_router
from bus.console.portfolio import Steward, portfolio_of, tell_day
from bus.console.render import show, words_of
from bus.console.visit import Visit
from bus.contracts import EndingGrant, Suspension

router = page_router()

_PAGE: Final = 50
_SUSPENDED: Final = 200


@dataclass(frozen=True, slots=True)
class Ending:
    """A grant in the calendar.

    Attributes:
        days: how many days are left after today; below zero: the grant has ended.
    """

    grant: EndingGrant
    days: int
    is_suspended: bool


@router.get("/konsol/izin")
async def list_grants(
    request: Request,
    visit: Steward,
    hari: Literal["30", "90", "365"] = "90",
    setelah: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The grants that end within some days, and those that ended within as many days."""
    values = await asyncio.to_thread(_read, visit, int(hari), setelah)
    return show(request, "izin.html", days=hari, day=partial(tell_day, words_of(request)), **values)


def _read(visit: Visit, days: int, after: str) -> dict[str, Any]:
    today = clock.today()
    portfolio, catalogue = portfolio_of(visit), visit.rooms.catalogue
    found = portfolio.list_ending(today - timedelta(days), today + timedelta(days))
    behind = [one for one in found if _write_place(one) > after]
    shown = behind[:_PAGE]
    suspended = [one for one in catalogue.suspensions.values() if portfolio.holds(one.contract)]
    return {
        "endings": [_tell(visit, one, today) for one in shown],
        "following": _write_place(shown[-1]) if len(behind) > _PAGE else "",
        "suspended": _sort(suspended)[:_SUSPENDED],
        "has_more_suspended": len(suspended) > _SUSPENDED,
    }


def _tell(visit: Visit, grant: EndingGrant, today: date) -> Ending:
    suspension = visit.rooms.catalogue.find_suspension(grant.contract, grant.participant)
    return Ending(grant, (grant.until - today).days, suspension is not None)


def _write_place(one: EndingGrant) -> str:
    """The place of a grant in the calendar: texts in the order of the grants."""
    return f"{one.until.isoformat()} {one.contract} {one.participant}"


def _sort(suspended: Sequence[Suspension]) -> list[Suspension]:
    return sorted(suspended, key=lambda one: (one.since, one.contract, one.participant))
