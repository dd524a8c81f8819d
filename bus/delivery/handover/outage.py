"""An outage of the broker, told once and then ever more rarely."""

import time
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

_FIRST_SECONDS: Final = 10.0
_LONGEST_SECONDS: Final = 600.0


class Outage:
    """Tells the log that the broker cannot be reached, and when it can be reached again. Belongs to one thread at a time.

    Whoever needs the broker tries it several times a second. A line for each try would hide all other lines.
    """

    def __init__(self, role: str, now: Callable[[], float] = time.monotonic) -> None:
        """`role` is who needs the broker; `now` gives seconds."""
        self._role = role
        self._now = now
        self._begun: float | None = None
        self._next = self._pause = 0.0

    def note(self, error: BaseException) -> None:
        """Note that the broker was not reached. The first time is told, and later times after growing pauses."""
        now = self._now()
        if self._begun is None:
            self._begun, self._next, self._pause = now, now, _FIRST_SECONDS
        if now < self._next:
            return
        log.warning(
            "broker.unreachable", role=self._role, error=type(error).__name__, since_seconds=round(now - self._begun)
        )
        self._next, self._pause = now + self._pause, min(2 * self._pause, _LONGEST_SECONDS)

    def end(self) -> None:
        """Note that the broker was reached."""
        if self._begun is not None:
            log.info("broker.reached", role=self._role, after_seconds=round(self._now() - self._begun))
            self._begun = None
