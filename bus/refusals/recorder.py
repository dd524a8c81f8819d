"""The recorder: it counts refusals in memory, and writes the counts once a second.

Promise: counting never waits for the database. However many events are refused, there is at most one small transaction a second.
A killed process loses the counts of its last second.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog

from bus import clock
from bus.contracts import Catalogue
from bus.identity import Principal
from bus.problem import Refused, Unavailable
from bus.refusals.log import RefusalLog
from bus.refusals.recent import RecentRefusals
from bus.refusals.refusal import Refusal, make_refusals, round_to_hour
from bus.refusals.tally import Tally
from bus.storage import StorageFull
from bus.telemetry import REFUSED, UNEXPECTED

log = structlog.get_logger(__name__)

_FLUSH_SECONDS: Final = 1.0
_FLUSHES_TO_FORGETTING: Final = 60
_FAILURES: Final = 500
"""From this status on, the bus is at fault and not the sender."""


class Recorder:
    """Counts refusals. Belongs to one event loop."""

    def __init__(self, refusal_log: RefusalLog, catalogue: Catalogue) -> None:
        self._log = refusal_log
        self._catalogue = catalogue
        self._tally = Tally()
        self._recent = RecentRefusals()
        self._forgotten = 0
        self._forgets_on = clock.now().date()

    def note(self, refused: Refused, sender: Principal | None, event: Any = None) -> Sequence[Refusal]:
        """Count a refusal, if it says something about the sent event.

        Args:
            refused: the refusal.
            sender: who sent the event; None: not known.
            event: the parsed CloudEvent; None: the text was not parsed.

        Returns:
            The refusals that were counted, without anything that the sender chose. Empty: nothing was counted.
        """
        if sender is None or refused.is_overload or refused.status >= _FAILURES:
            REFUSED.labels("other", refused.slug).inc()
            return ()
        at = clock.micros(clock.now())
        refusals = make_refusals(refused, sender, event, self._catalogue, round_to_hour(at))
        REFUSED.labels(refusals[0].contract or "other", refused.slug).inc()
        self._tally.count(refusals, at)
        self._recent.note(refused, refusals, event, at)
        return refusals

    async def flush(self) -> None:
        """Write the counts. If the database refuses them, they wait for the next flush."""
        counted, events = self._tally.take(), self._recent.take()
        if not counted and not events:
            return
        try:
            await asyncio.to_thread(self._log.add, counted, events)
        except (Unavailable, StorageFull):
            self._tally.put_back(counted)
            self._recent.put_back(events)
            log.warning("refusals.not_written", rows=len(counted))

    async def follow(self) -> None:
        """Flush every second, and delete old rows every minute, until cancelled."""
        flushes = 0
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            flushes += 1
            try:
                await self.flush()
                if flushes % _FLUSHES_TO_FORGETTING == 0:
                    self._tell_daily(await asyncio.to_thread(self._log.forget, clock.now()))
            except (Unavailable, StorageFull):
                log.warning("refusals.not_forgotten")
            except Exception:
                # The outermost loop: a lost count must not end the process.
                UNEXPECTED.labels("refusals").inc()
                log.exception("refusals.flush_failed")

    def _tell_daily(self, forgotten: int) -> None:
        """Log once a day (UTC) how many rows were deleted, when the day is over."""
        today = clock.now().date()
        if today != self._forgets_on:
            if self._forgotten:
                log.info("refusals.forgotten", rows=self._forgotten)
            self._forgets_on, self._forgotten = today, 0
        self._forgotten += forgotten
