"""Periods: the day whose traffic a page shows, hour by hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bus import clock
from bus.problem import Refused

_HOUR: Final = timedelta(hours=1)
_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Period:
    """A day, or the last 24 hours.

    Attributes:
        day: the day in Lamongan, as the address writes it; empty: the last 24 hours.
        is_now: whether the present hour is in it.
    """

    day: str
    since: datetime
    is_now: bool

    @property
    def until(self) -> datetime:
        """The end of the last hour."""
        return self.since + _HOURS * _HOUR

    @property
    def hours(self) -> Sequence[datetime]:
        """The beginnings of the hours."""
        return [self.since + index * _HOUR for index in range(_HOURS)]


def choose_period(day: str, now: datetime) -> Period:
    """The period that an address names.

    Raises:
        Refused: the text is no day such as `2026-11-28`.
    """
    if not day:
        hour = now.replace(minute=0, second=0, microsecond=0)
        return Period("", hour - (_HOURS - 1) * _HOUR, is_now=True)
    try:
        local = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=clock.WIB)
        # The end is told in local time too.
        since, until = local.astimezone(now.tzinfo), local + _HOURS * _HOUR
    except (ValueError, OverflowError):
        raise Refused("Part of the address is not as the console writes it.") from None
    return Period(day, since, is_now=since <= now < until)
