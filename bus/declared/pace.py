"""The pace: keeps what an agency allows, so that it need not refuse the bus."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from time import monotonic

from bus.clock import now as read_now
from bus.declared.document import Limits
from bus.kit import WIB, AgencyFault, Failure, QuotaExhausted, Refused, local_date


class DayUsedUp(AgencyFault):
    """The agency allows no more requests today; `retry_after` says how long until midnight in WIB."""

    def to_refusal(self) -> Refused:
        """The refusal of a query."""
        seconds = math.ceil(self.retry_after or 0)
        return QuotaExhausted(f"{self.detail}; ask again after midnight WIB", headers={"Retry-After": str(seconds)})


class Pace:
    """Spreads the requests of one adapter, and counts them by the day in WIB. Belongs to one event loop.

    Args:
        agency: the agency's name in faults.
        limits: what the agency allows.
        clock: seconds that never run backwards.
        now: the current time.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        agency: str,
        limits: Limits,
        *,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = read_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._agency = agency
        self._places = asyncio.Semaphore(limits.at_once)
        self._gap = 1 / limits.requests_per_second if limits.requests_per_second else 0.0
        self._daily = limits.requests_per_day
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._next = 0.0
        self._day: date | None = None
        self._count = 0

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold a place while the block sends one request.

        Raises:
            DayUsedUp: no request is left today.
        """
        async with self._places:
            self._count_today()
            await self._sleep(self._take_time())
            yield

    def _take_time(self) -> float:
        """Seconds until this request's time."""
        at = max(self._clock(), self._next)
        self._next = at + self._gap
        return at - self._clock() if self._gap else 0.0

    def _count_today(self) -> None:
        if self._daily is None:
            return
        at = self._now()
        today = local_date(at)
        if today != self._day:
            self._day, self._count = today, 0
        if self._count >= self._daily:
            midnight = datetime.combine(today + timedelta(days=1), time(), WIB)
            detail = f"today's requests to {self._agency} are used up"
            raise DayUsedUp(Failure.TRANSIENT, detail, retry_after=(midnight - at).total_seconds() + 1)
        self._count += 1
