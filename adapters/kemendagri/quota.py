"""Counts the registry's daily quota, so that the bus makes no call that the registry would refuse."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from bus.kit import WIB, QuotaExhausted, local_date


class Quota:
    """The number of calls that are left today, by the date in WIB.

    Args:
        daily: calls that the agreement allows in a day.
        now: the current time.
    """

    def __init__(self, daily: int, now: Callable[[], datetime]) -> None:
        self._daily = daily
        self._now = now
        self._date: date | None = None
        self._left = daily

    def take(self) -> None:
        """Count one call.

        Raises:
            QuotaExhausted: no call is left today; `Retry-After` has the seconds until midnight WIB.
        """
        self._begin_day()
        if self._left <= 0:
            raise self._make_refusal()
        self._left -= 1

    def believe_registry(self, left: int) -> None:
        """Take over the registry's own count (`quotaLimiter`) if it is lower, as after a restart of the bus."""
        self._begin_day()
        self._left = min(self._left, left)

    def _begin_day(self) -> None:
        today = local_date(self._now())
        if today != self._date:
            self._date, self._left = today, self._daily

    def _make_refusal(self) -> QuotaExhausted:
        now = self._now()
        midnight = datetime.combine(local_date(now) + timedelta(days=1), time(), WIB)
        seconds = int((midnight - now).total_seconds()) + 1
        return QuotaExhausted(
            "Today's quota at Dukcapil is used up; ask again after midnight WIB.", headers={"Retry-After": str(seconds)}
        )
