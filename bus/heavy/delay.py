"""The event loop's delay: a watchdog measures how late the loop runs due work."""

import asyncio
from typing import Final

import structlog

from bus.telemetry import LOOP_DELAY

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 0.05
_LATE_SECONDS: Final = 0.25
"""From this delay on, the log warns the operator."""
_TELL_SECONDS: Final = 10.0
"""The least seconds between two warnings in the log."""


class LoopDelay:
    """Measures the delay of one event loop."""

    def __init__(self, look: float = _LOOK_SECONDS, late: float = _LATE_SECONDS, tell: float = _TELL_SECONDS) -> None:
        self._look = look
        self._late = late
        self._tell = tell
        self._told_at = float("-inf")
        self._worst = 0.0

    async def follow(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._look
            await asyncio.sleep(self._look)
            self._note(loop.time(), max(0.0, loop.time() - due))

    def _note(self, now: float, delay: float) -> None:
        LOOP_DELAY.observe(delay)
        self._worst = max(self._worst, delay)
        if self._worst >= self._late and now >= self._told_at + self._tell:
            log.warning(
                "loop.held", seconds=round(self._worst, 3), do="see which requests came at that time; docs/operators.md"
            )
            self._told_at, self._worst = now, 0.0
