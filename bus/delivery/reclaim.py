"""Reclaim: makes the leased deliveries of a dead process due long before their leases end."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from bus.delivery.heartbeat import Pulse, read_beats
from bus.delivery.leases import Leases
from bus.storage import Storage

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 1.0


class Reclaim:
    """Makes the leased deliveries of dead processes due at once. Belongs to the relay's thread.

    If relay and workers are one process, nothing can be in flight when it starts. Beside a broker, workers may live when a
    relay starts. The deliveries that a worker claimed are due once its heartbeat has stopped.
    """

    def __init__(self, storage: Storage, *, is_alone: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """`is_alone`: runs never leave the process of the relay."""
        self._storage = storage
        self._leases = Leases(storage)
        self._clock = clock
        self._pulse = Pulse(clock)
        self._looks_at = 0.0
        self._is_alone = is_alone
        self._is_start = is_alone

    def stand_by(self) -> None:
        """Note that another process leads. It and its workers may live after its leadership ends."""
        self._is_start = False

    def begin(self) -> bool:
        """Begin: this process leads now. Returns whether something became due."""
        if not self._is_start:
            return False
        released = self._leases.release_all()
        self._is_start = False
        if released:
            log.info("leases.reclaimed_at_start", deliveries=released)
        return released > 0

    def look(self) -> bool:
        """Look for leases of dead processes, about once a second. Returns whether something became due."""
        if self._clock() < self._looks_at:
            return False
        self._looks_at = self._clock() + _LOOK_SECONDS
        self._leases.forget_ended()
        if self._is_alone:
            return False
        released = 0
        for process in self._pulse.stopped(self._leases.find_holders(), read_beats(self._storage)):
            count = self._leases.release_held(process)
            if count:
                log.warning("leases.reclaimed", process=process, deliveries=count)
            released += count
        return released > 0
