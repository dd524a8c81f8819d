"""A walk that a leader takes once a day. It goes a step at a time, so that other work goes on between."""

import time
from collections.abc import Callable, Generator
from datetime import datetime
from typing import Final

from bus import clock

DAY: Final = 24 * 3600 * 1_000_000
"""Microseconds."""
_LOOK_SECONDS: Final = 60.0

Walk = Callable[[int], Generator[None, None, bool]]
"""Walks on a day, counted from 1970 in UTC. Yields after each step, and returns whether the day's work is done."""


class Daily:
    """Takes the steps of one walk. A walk that could not do the day's work begins again in a minute."""

    def __init__(
        self,
        walk: Walk,
        now: Callable[[], datetime] = clock.now,
        since_start: Callable[[], float] = time.monotonic,
    ) -> None:
        self._walk = walk
        self._now = now
        self._since_start = since_start
        self._looks_at = 0.0
        self._finished_day = -1
        self._day = -1
        self._running: Generator[None, None, bool] | None = None

    def look(self) -> bool:
        """Take the next step. Returns whether there is more to look at."""
        if self._running is None:
            if self._since_start() < self._looks_at:
                return False
            self._looks_at = self._since_start() + _LOOK_SECONDS
            self._day = clock.micros(self._now()) // DAY
            if self._day == self._finished_day:
                return False
            self._running = self._walk(self._day)
        try:
            next(self._running)
        except StopIteration as ended:
            self._running = None
            if ended.value:
                self._finished_day = self._day
        return self._running is not None
