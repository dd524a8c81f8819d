"""The tally of pulled events: what readers of feeds and records got, counted in memory and written every few seconds.

Promise: counting waits for no database. A killed process loses the counts of its last seconds, since no transaction
tells what was read.
"""

import asyncio
from collections import Counter
from threading import Lock
from typing import Final

import structlog

from bus import clock
from bus.problem import Unavailable
from bus.rollups.flow import Counts, Flow, Span
from bus.rollups.writing import add_counts, number_flows
from bus.storage import Storage, StorageFull

log = structlog.get_logger(__name__)

_MINUTE: Final = 60_000_000
_FLUSH_SECONDS: Final = 2.0


class PulledTally:
    """Counts pulled events of one process. Any thread may call it, but for `follow` and `close`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = Lock()
        self._counted: Counter[tuple[int, Flow]] = Counter()

    def note(self, contract: str, receiver: str, events: int) -> None:
        """Count events that a reader gets."""
        if events:
            with self._lock:
                self._counted[clock.now_micros() // _MINUTE, Flow(contract, "", receiver)] += events

    def flush(self) -> None:
        """Write the counts. If the database refuses them, they wait for the next flush."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        if not counted:
            return
        minutes = {place: Counts(pulled=events) for place, events in counted.items()}
        hours: dict[tuple[int, Flow], Counts] = {}
        for (minute, flow), counts in minutes.items():
            hours[minute // 60, flow] = hours.get((minute // 60, flow), Counts()) + counts
        try:
            with self._storage.write(durable=False) as transaction:
                numbers = number_flows(transaction, {flow for _, flow in minutes}, {})
                add_counts(transaction, Span.MINUTE, minutes, numbers)
                add_counts(transaction, Span.HOUR, hours, numbers)
        except (Unavailable, StorageFull):
            with self._lock:
                self._counted.update(counted)
            log.warning("traffic.pulled_not_written", rows=len(counted))

    async def follow(self) -> None:
        """Flush every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await asyncio.to_thread(self.flush)

    async def close(self) -> None:
        """Write what is counted."""
        await asyncio.to_thread(self.flush)
