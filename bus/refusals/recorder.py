"""The recorder: counts what is refused as it happens, and writes the counts once a second.

Promise: counting never waits for the database, and no number of refused events makes more than one small transaction a second.
A process that is killed loses the counts of its last second.
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
from bus.refusals.refusal import Refusal, make_refusals, round_to_hour
from bus.refusals.tally import Tally
from bus.storage import StorageFull
from bus.telemetry import REFUSED, UNEXPECTED

log = structlog.get_logger(__name__)

_FLUSH_SECONDS: Final = 1.0
_FLUSHES_TO_FORGETTING: Final = 60
_FAILURES: Final = 500
"""The status from which on the bus is at fault, not the sender."""


class Recorder:
    """Counts refusals. Belongs to one event loop."""

    def __init__(self, refusal_log: RefusalLog, catalogue: Catalogue) -> None:
        self._log = refusal_log
        self._catalogue = catalogue
        self._tally = Tally()

    def note(self, refused: Refused, sender: Principal | None, event: Any = None) -> Sequence[Refusal]:
        """Count a refusal that tells something of what was sent; as what, without anything that the sender chose.

        Args:
            sender: None: nobody knows.
            event: the parsed CloudEvent; None: it did not come to that.
        """
        if sender is None or refused.is_overload or refused.status >= _FAILURES:
            REFUSED.labels("other", refused.slug).inc()
            return ()
        at = clock.micros(clock.now())
        refusals = make_refusals(refused, sender, event, self._catalogue, round_to_hour(at))
        REFUSED.labels(refusals[0].contract or "other", refused.slug).inc()
        self._tally.count(refusals, at)
        return refusals

    async def flush(self) -> None:
        """Write what was counted; where the database does not take it, it stays for the next time."""
        counted = self._tally.take()
        if not counted:
            return
        try:
            await asyncio.to_thread(self._log.add, counted)
        except (Unavailable, StorageFull):
            self._tally.put_back(counted)
            log.warning("refusals.not_written", rows=len(counted))

    async def follow(self) -> None:
        """Flush every second, and forget what is old, until cancelled."""
        flushes = 0
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            flushes += 1
            try:
                await self.flush()
                if flushes % _FLUSHES_TO_FORGETTING == 0:
                    await asyncio.to_thread(self._log.forget, clock.now())
            except (Unavailable, StorageFull):
                log.warning("refusals.not_forgotten")
            except Exception:
                # The outermost loop: a count is not worth the process.
                UNEXPECTED.labels("refusals").inc()
                log.exception("refusals.flush_failed")
