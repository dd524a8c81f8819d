"""Turns: a bounded number of requests at once. The others wait in the order in which they came."""

import asyncio
from collections import deque


class Turns:
    """The turns of one participant at one kind of work. Belongs to one event loop.

    Attributes:
        at_once: how many requests have a turn at the same time.
    """

    __slots__ = ("_under_way", "_waiting", "at_once")

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many requests wait for a turn."""
        return len(self._waiting)

    async def take(self) -> None:
        """Wait for a turn. End the turn with `give_back`."""
        if self._under_way < self.at_once and not self._waiting:
            self._under_way += 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine in self._waiting:
                self._waiting.remove(mine)
            if not mine.cancelled():
                # The turn came at the moment of the cancellation.
                self.give_back()
            raise

    def give_back(self) -> None:
        """End a turn. The request that waits the longest gets the next turn."""
        self._under_way -= 1
        while self._waiting and self._under_way < self.at_once:
            following = self._waiting.popleft()
            if not following.done():
                self._under_way += 1
                following.set_result(None)
