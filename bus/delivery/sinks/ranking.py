"""A ranking: counts by key, and knows a key with the highest count at any time.

Promise: every operation takes constant time, however many keys there are.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Ranking(Generic[K]):
    """Counts that change by one. A key whose count is zero is dropped."""

    def __init__(self) -> None:
        self._counts: dict[K, int] = {}
        self._by_count: dict[int, OrderedDict[K, None]] = {}
        self._highest = 0

    def __len__(self) -> int:
        """How many keys have a count."""
        return len(self._counts)

    def count(self, key: K) -> int:
        """The count of a key."""
        return self._counts.get(key, 0)

    def add(self, key: K) -> None:
        """Count one more of a key."""
        self._move(key, self.count(key) + 1)

    def remove(self, key: K) -> None:
        """Count one less of a key that has a count."""
        self._move(key, self.count(key) - 1)

    def highest(self) -> K | None:
        """A key with the highest count; of several, the key that has had it longest. None: no key has a count."""
        return next(iter(self._by_count[self._highest])) if self._highest else None

    def _move(self, key: K, count: int) -> None:
        before = self._counts.pop(key, 0)
        if before:
            equals = self._by_count[before]
            del equals[key]
            if not equals:
                del self._by_count[before]
        if count:
            self._counts[key] = count
            self._by_count.setdefault(count, OrderedDict())[key] = None
        # A count moves by one: whoever left the top alone stands right below it.
        if count > self._highest or self._highest not in self._by_count:
            self._highest = count
