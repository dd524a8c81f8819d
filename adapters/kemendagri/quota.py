"""The registry's daily quota, counted on our side: a call that the registry would refuse is refused before it is made."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from bus.kit import WIB, QuotaExhausted, local_date


class Quota:
    """How many calls are left on the WIB date of today.

    Args:
        daily: calls that the agreement allows in a day.
        now: this moment.
    """

    def __init__(self, daily: int, now: Callable[[], datetime]) -> None:
        self._daily = daily
        self._now = now
        self._date: date | None = None
        self._left = daily

    def take(self) -> None:
        """Count one call.

        Raises:
            QuotaExhausted: none is left today; `Retry-After` says when the next day begins.
        """
        self._begin_day()
        if self._left <= 0:
            raise self._make_refusal()
        self._left -= 1

    def believe_registry(self, left: int) -> None:
        """Believe the registry's own count (`quotaLimiter`) where it is lower, as after a restart of the bus."""
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
            "today's quota at Dukcapil is used up; it is renewed at midnight WIB", headers={"Retry-After": str(seconds)}
        )
