"""Time limits of requests: one timer serves all requests of a sink, since each has the same time.

A timer for each request would cost more than signing it.
"""

import asyncio
from typing import Final

_LOOKS: Final = 50
"""Looks within the time of one request: a request may take so much longer than its limit."""


class TimeLimits:
    """Ends requests that take too long. Belongs to one event loop."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: how long each request may take."""
        self._seconds = seconds
        self._begun: dict[asyncio.Timeout, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, limit: asyncio.Timeout) -> None:
        """Have a request end in time. `limit` was entered, and has no end of its own. Call `remove` before it is left."""
        loop = asyncio.get_running_loop()
        self._begun[limit] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / _LOOKS, self._look)

    def remove(self, limit: asyncio.Timeout) -> None:
        """Let a request go: it is over."""
        self._begun.pop(limit, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        begun_before = loop.time() - self._seconds
        # In the order in which they began.
        overdue = [limit for limit, begun in self._begun.items() if begun <= begun_before]
        for limit in overdue:
            del self._begun[limit]
            if not limit.expired():
                limit.reschedule(loop.time())
        self._timer = loop.call_later(self._seconds / _LOOKS, self._look) if self._begun else None
