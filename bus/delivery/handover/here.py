"""Handover within one process: the relay gives the worker the loaded run itself.

The journal never changes, so events from the time of the lease are the events that the worker would read.
"""

import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from bus.delivery.handover.run import Loaded, Received
from bus.delivery.ledger import Lease

MOST_BYTES: Final = 8 * 1024 * 1024
"""Bytes of events that no worker has taken yet. A worker reads further runs from the database."""
FRESH_SECONDS: Final = 1.0
"""Age of a loaded run. An older run is read from the database: somebody may have removed a delivery from it."""


class Here:
    """The handover of one process. Callable from any thread.

    Start the receivers first: a run without a listener stays leased until its lease ends.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = _Store(most_bytes, clock)
        self._receivers: tuple[_Receiver, ...] = ()
        self._changing = threading.Lock()

    def send(self, lease: Lease, loaded: Loaded | None) -> bool:
        """Hand a run over, in the caller's thread. It never fails."""
        for receiver in self._receivers:
            if receiver.listens_to(lease.subscription):
                receiver.receive(self._store.keep(lease, loaded))
                break
        return True

    def make_receiver(
        self, subscriptions: Callable[[], Collection[int]], received: Callable[[Received], None]
    ) -> "_Receiver":
        """The receiver of a worker, not started yet."""
        return _Receiver(self, subscriptions, received)

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def add(self, receiver: "_Receiver") -> None:
        """Give a receiver the runs that come from now on."""
        with self._changing:
            self._receivers += (receiver,)

    def remove(self, receiver: "_Receiver") -> None:
        """Give a receiver no more runs."""
        with self._changing:
            self._receivers = tuple(one for one in self._receivers if one is not receiver)


class _Receiver:
    def __init__(
        self, here: Here, subscriptions: Callable[[], Collection[int]], received: Callable[[Received], None]
    ) -> None:
        self._here = here
        self._subscriptions = subscriptions
        self.receive = received
        self.connected = False

    def listens_to(self, subscription: int) -> bool:
        """Whether this receiver's worker makes runs of a subscription."""
        return subscription in self._subscriptions()

    def start(self) -> None:
        """Begin to receive."""
        self._here.add(self)
        self.connected = True

    def stop(self) -> None:
        """End receiving."""
        self.connected = False
        self._here.remove(self)


class _Store:
    """The loaded runs that no worker has taken yet, bounded in bytes and time."""

    def __init__(self, most_bytes: int, clock: Callable[[], float]) -> None:
        self._most_bytes = most_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Lease, tuple[float, int, Loaded]] = {}
        self._bytes = 0

    def keep(self, lease: Lease, loaded: Loaded | None) -> Received:
        """Keep a run for its worker, with its events if there is room for them."""
        if loaded is not None:
            size = sum(len(entry.body) for _, entry in loaded)
            with self._lock:
                if self._bytes + size <= self._most_bytes and lease not in self._kept:
                    self._kept[lease] = (self._clock(), size, loaded)
                    self._bytes += size
        return Received(lease, lambda: self._take(lease), lambda: self._drop(lease))

    def _take(self, lease: Lease) -> Loaded | None:
        kept = self._pop(lease)
        if kept is None:
            return None
        at, _, loaded = kept
        return loaded if self._clock() < at + FRESH_SECONDS else None

    def _drop(self, lease: Lease) -> None:
        self._pop(lease)

    def _pop(self, lease: Lease) -> tuple[float, int, Loaded] | None:
        with self._lock:
            kept = self._kept.pop(lease, None)
            if kept is not None:
                self._bytes -= kept[1]
        return kept
