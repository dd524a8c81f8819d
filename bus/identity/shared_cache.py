"""A cache in which every client has a share: what one of them fills pushes out nothing of the others'."""

import threading
from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_ENTRY_BYTES: Final = 700
"""About what an entry takes beside its key."""


class SharedCache(Generic[T]):
    """Values by key, bounded in bytes and for each owner. Threads may add at the same time.

    Attributes:
        values: to look up in; add with `put` alone.
    """

    def __init__(self, most_bytes: int, most_each: int) -> None:
        self.values: dict[bytes, T] = {}
        self._most_bytes = most_bytes
        self._most_each = most_each
        self._bytes = 0
        self._keys: dict[str, deque[bytes]] = {}
        self._adding = threading.Lock()

    def put(self, owner: str, key: bytes, value: T) -> None:
        """Keep a value; what its owner kept first may have to go, or what the owner with the most entries kept first."""
        with self._adding:
            if key not in self.values:
                self._keys.setdefault(owner, deque()).append(key)
                self._bytes += _count_bytes(key)
            self.values[key] = value
            if len(self._keys[owner]) > self._most_each:
                self._drop(owner)
            while self._bytes > self._most_bytes:
                self._drop(max(self._keys, key=lambda name: len(self._keys[name])))

    def _drop(self, owner: str) -> None:
        keys = self._keys[owner]
        key = keys.popleft()
        if not keys:
            del self._keys[owner]
        del self.values[key]
        self._bytes -= _count_bytes(key)


def _count_bytes(key: bytes) -> int:
    return len(key) + _ENTRY_BYTES
