"""The recorder of attempts: counts what was tried in vain as it happens, and writes it once a second.

Promise: counting never waits for the database, so that no answer takes longer for what it is counted as. A process that is
killed loses the attempts of its last second, and the repetitions of its last minute.
"""

import asyncio
from typing import Final

import structlog

from bus import clock
from bus.actions.attempt import Attempt
from bus.actions.log import ActionLog
from bus.actions.tally import Tally
from bus.problem import Unavailable
from bus.storage import StorageFull
from bus.telemetry import UNEXPECTED

log = structlog.get_logger(__name__)

_FLUSH_SECONDS: Final = 1.0


class Attempts:
    """Counts attempts, from any thread, and writes them to the action log."""

    def __init__(self, actions: ActionLog) -> None:
        self._actions = actions
        self._tally = Tally()

    def note(self, attempt: Attempt) -> None:
        """Count an attempt."""
        self._tally.count(attempt, clock.now_micros())

    def flush(self, *, all: bool = False) -> None:
        """Write what is to be told now; where the database does not take it, it stays for the next time.

        Args:
            all: also the repetitions of this minute, since the process ends.
        """
        taken = self._tally.take(clock.now_micros(), all=all)
        if not taken:
            return
        try:
            self._actions.record(attempt.to_action(count) for attempt, count in taken.items())
        except (Unavailable, StorageFull):
            self._tally.put_back(taken)
            log.warning("actions.attempts_not_written", entries=len(taken))

    async def close(self) -> None:
        """Write all that is left."""
        await asyncio.to_thread(self.flush, all=True)

    async def follow(self) -> None:
        """Flush every second until cancelled."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            try:
                await asyncio.to_thread(self.flush)
            except Exception:
                # The outermost loop: a count is not worth the process.
                UNEXPECTED.labels("actions").inc()
                log.exception("actions.flush_failed")
