"""Fresh runs: what the relay leased a moment ago, kept for a worker of the same process, which need not read it again.

A run is its lease's until that ends, and the worker may begin with it at any time before; so it makes no difference whether it
was read when it was leased or a moment later. The journal never changes.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from bus.delivery.ledger import Lease, Leased
from bus.journal import Entry

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of events in all; what comes beyond is read from the database."""
SECONDS: Final = 1.0
"""After that a run is read again: somebody may have taken a delivery out of it."""

Read = Sequence[tuple[Leased, Entry]]
"""A run's deliveries, each with its event."""


class _Kept(NamedTuple):
    at: float
    bytes: int
    run: Read


class FreshRuns:
    """The fresh runs of one process. Callable from any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes = most_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Lease, _Kept] = {}
        self._bytes = 0

    def put(self, lease: Lease, run: Read) -> None:
        """Keep a run whose lease is committed, where there is room for it."""
        size = sum(len(entry.body) for _, entry in run)
        with self._lock:
            self._drop_stale()
            if self._bytes + size <= self._most_bytes:
                self._kept[lease] = _Kept(self._clock(), size, run)
                self._bytes += size

    def take(self, lease: Lease) -> Read | None:
        """A run, once: whoever asks again has to read what became of it. None: it is not here."""
        with self._lock:
            kept = self._kept.get(lease)
            if kept is None:
                return None
            self._drop(lease)
            return kept.run if self._clock() < kept.at + SECONDS else None

    def untaken(self) -> list[Lease]:
        """The leases whose runs nobody took."""
        with self._lock:
            return list(self._kept)

    def forget(self, leases: Iterable[Lease]) -> None:
        """These leases do not hold any more."""
        with self._lock:
            for lease in leases:
                self._drop(lease)

    def _drop_stale(self) -> None:
        stale = self._clock() - SECONDS
        # In the order of their putting.
        for lease, kept in list(self._kept.items()):
            if kept.at > stale:
                return
            self._drop(lease)

    def _drop(self, lease: Lease) -> None:
        kept = self._kept.pop(lease, None)
        if kept is not None:
            self._bytes -= kept.bytes
