"""Portfolios in the console: the contracts that a member answers for, the days of grants, and acts on them."""

import asyncio
from collections.abc import Awaitable
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from babel.dates import format_date
from fastapi import Path

from bus import json
from bus.actions import Object, Verb, make_refused_act
from bus.console.roles import STEWARDING
from bus.console.visit import Visit, visiting
from bus.console.words import Words
from bus.contracts import Portfolio
from bus.problem import Refused

T = TypeVar("T")

_DAY: Final = "d MMM y"

Steward = Annotated[Visit, visiting(*STEWARDING)]
"""The visit of the operator, or of a contract owner."""
Name = Annotated[str, Path(max_length=100)]
Version = Annotated[str, Path(max_length=40)]


def portfolio_of(visit: Visit) -> Portfolio:
    """The contracts that the member answers for; of the operator all contracts."""
    return Portfolio(visit.rooms.storage, visit.rooms.catalogue, visit.reach)


async def enter(visit: Visit, name: str) -> Portfolio:
    """The member's portfolio, if it has a contract.

    Raises:
        NoSuchContract: as if the contract did not exist.
    """
    portfolio = portfolio_of(visit)
    await asyncio.to_thread(portfolio.check, name)
    return portfolio


async def carry_out(visit: Visit, verb: Verb, on: str, act: Awaitable[T]) -> T:
    """What an act gives. The action log tells who was refused for lack of authority.

    Args:
        on: the object, such as `kependudukan.penduduk/1.0.0`.
    """
    try:
        return await act
    except Refused as refusal:
        if refusal.lacks_authority:
            visit.rooms.attempts.note(make_refused_act(verb, visit.by, Object(verb.kind, on), refusal.slug))
        raise


def read_checked(answer: bytes) -> dict[str, Any]:
    """What `check_text` answers, with dates as dates."""
    checked: dict[str, Any] = json.loads(answer)
    for grant in checked["grants"]:
        grant["until"] = date.fromisoformat(grant["until"]) if grant["until"] else None
    return checked


def tell_day(words: Words, day: date | None) -> str:
    """A day such as `28 Nov 2026`; a dash for none."""
    return "–" if day is None else format_date(day, _DAY, locale=words.language)
