"""The turn: decides who makes deliveries now. It is the relay, or an append that makes the deliveries of its own events."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

Leader = TypeVar("Leader")

_APPEND_SECONDS: Final = 0.005
"""How long an append waits for a look of the relay that only has the last append to do. If the append did not wait, the next look
would be for its events. Then the next append would find the relay at work again."""


class Turn(Generic[Leader]):
    """One process's turn.

    Promise: relay and append never have the turn at the same time. While the relay waits, no other append gets the turn. While
    this process does not lead, no append has it.

    Attributes:
        is_awaited: the relay waits for the turn.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.is_awaited = False
        self._is_at_end = False
        self._leader: Leader | None = None

    @property
    def leader(self) -> Leader | None:
        """The maker of deliveries in the process that leads; None: this process does not lead."""
        return self._leader

    def lead(self, leader: Leader | None) -> None:
        """Note that this process leads, or not (None). The relay calls it in its turn."""
        self._leader = leader

    def reach_end(self, *, is_at_end: bool) -> None:
        """Note whether the relay's look left nothing to do. The relay calls it in its turn."""
        self._is_at_end = is_at_end

    @contextmanager
    def for_relay(self) -> Iterator[None]:
        """Have the turn, after the append that has it now. After an error this process does not lead."""
        self.is_awaited = True
        with self._lock:
            self.is_awaited = False
            try:
                yield
            except BaseException:
                # A subscription may be live in the database and not in memory. An append would then miss it.
                self._leader = None
                raise

    @contextmanager
    def for_append(self) -> Iterator[Leader | None]:
        """Have the turn and get the leader. None: the relay has or awaits the turn, or this process does not lead."""
        if self.is_awaited or not self._lock.acquire(timeout=_APPEND_SECONDS if self._is_at_end else 0.0):
            yield None
            return
        try:
            yield self._leader
        finally:
            self._lock.release()
