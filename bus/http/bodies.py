"""Bounds the memory of bodies under way, for each participant and for all together.

A body holds memory from its first byte until its request is answered, however slowly it comes.
"""

from collections import Counter
from typing import Final

from bus.problem import Refused

_FREE: Final = 64 * 1024
"""Bytes of each body that do not count: the number of connections bounds them."""


class TooMuchUnderWay(Refused):
    """You have too many bytes of unfinished requests under way; finish some, then send this again."""

    status = 429
    slug = "too-much-under-way"
    is_overload = True
    retry_seconds = 1


class BusFull(Refused):
    """All participants together have too many bytes of unfinished requests under way; try again."""

    status = 503
    slug = "too-much-under-way"
    is_overload = True
    retry_seconds = 1


class Bodies:
    """The bytes of bodies that the process holds.

    Args:
        most: bytes of all bodies together.
        most_each: bytes of one participant's bodies, or of one address's if the participant is not known.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._held: Counter[str] = Counter()
        self._sum = 0

    @property
    def held(self) -> int:
        """The counted bytes of all bodies."""
        return self._sum

    def take(self, owner: str, size: int) -> None:
        """Count bytes for an owner.

        Raises:
            TooMuchUnderWay: the owner holds too many; nothing was counted.
            BusFull: all together hold too many; nothing was counted.
        """
        if self._held[owner] + size > self._most_each:
            raise TooMuchUnderWay(f"Have at most {self._most_each} bytes of bodies under way.")
        if self._sum + size > self._most:
            raise BusFull("The bus holds as many unfinished bodies as it can.")
        self._held[owner] += size
        self._sum += size

    def give_back(self, owner: str, size: int) -> None:
        """Stop counting bytes of an owner."""
        self._sum -= size
        self._held[owner] -= size
        if not self._held[owner]:
            del self._held[owner]


class Body:
    """The size of one body, counted as it grows."""

    __slots__ = ("_bodies", "_counted", "_owner", "size")

    def __init__(self, bodies: Bodies, owner: str) -> None:
        self._bodies = bodies
        self._owner = owner
        self._counted = 0
        self.size = 0

    def grow(self, size: int) -> None:
        """Count bytes that came.

        Raises:
            TooMuchUnderWay, BusFull: too many are held already.
        """
        self.size += size
        if self.size > _FREE:
            missing = self.size - self._counted
            self._bodies.take(self._owner, missing)
            self._counted += missing

    def end(self) -> None:
        """The body holds no memory any more."""
        if self._counted:
            self._bodies.give_back(self._owner, self._counted)
            self._counted = 0
