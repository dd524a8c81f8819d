"""Windows: how many deliveries of each subscription may be in flight.

A delivery is in flight from its lease until its outcome is written. That takes a part of a second, however quick the sink is.
So a fixed window would bound the rate of a quick sink.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_WIDEST: Final = 4
"""How many times as wide as the least one a window gets. What is in flight is made again after a process was killed."""
_MEASURE_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Measure:
    """One subscription's measurement: since when, how many were leased, and the window by the measurement before."""

    since: float
    window: int
    leased: int = 0


class Windows:
    """The windows of all subscriptions: what each leased in the last second, within bounds. Belongs to one thread at a time."""

    def __init__(self, least: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`least`: the window of a slow sink."""
        self._least = least
        self._clock = clock
        self._measures: dict[int, _Measure] = {}

    def find(self, subscription: int) -> int:
        """The most deliveries of a subscription that may be in flight now."""
        measure = self._measures.get(subscription)
        if measure is None:
            return self._least
        seconds = self._clock() - measure.since
        if seconds >= _MEASURE_SECONDS:
            measure.window = max(self._least, min(_WIDEST * self._least, int(measure.leased / seconds)))
            measure.since, measure.leased = measure.since + seconds, 0
            if measure.window == self._least:
                del self._measures[subscription]
        return measure.window

    def note(self, subscription: int, leased: int) -> None:
        """Note that deliveries of a subscription were leased."""
        if leased:
            self._measures.setdefault(subscription, _Measure(self._clock(), self._least)).leased += leased
