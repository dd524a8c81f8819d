"""Room for bodies: bounds the bytes of events that the workers of one process hold at once.

Promise: one participant's backlog neither uses up the memory of the process, nor keeps others' events from being loaded. Its
size and its number of subscriptions do not matter.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PIECE_BYTES: Final = 1024 * 1024
"""The most bytes of a run that are loaded at once. One event may be larger."""
ROOM_BYTES: Final = 64 * 1024 * 1024
"""The most bytes of all runs that are loaded at once. A view's copy comes on top."""


class Room:
    """The room of one process. Belongs to one event loop.

    A participant gets more only if at least as much stays free as it then holds. So one participant gets at most half of the
    room, and the next one finds room.

    Attributes:
        held: the bytes of all participants.
    """

    def __init__(self, most_bytes: int = ROOM_BYTES) -> None:
        self._most_bytes = most_bytes
        self._of: Counter[str] = Counter()
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}
        self.held = 0

    @asynccontextmanager
    async def hold(self, participant: str, size: int, seconds: float) -> AsyncIterator[bool]:
        """Hold room for `size` bytes. Yields False, and holds none, if there was none within `seconds`."""
        # A piece that is larger than the room must go too: it counts as half of the room.
        size = min(size, self._most_bytes // 2)
        is_taken = await self._take(participant, size, seconds)
        try:
            yield is_taken
        finally:
            if is_taken:
                self._give(participant, size)

    async def _take(self, participant: str, size: int, seconds: float) -> bool:
        if self.admits(participant, size):
            self._hold(participant, size)
            return True
        awaited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (size, awaited)
        self._waiting.setdefault(participant, deque()).append(waiter)
        try:
            async with asyncio.timeout(seconds):
                await awaited
        except (TimeoutError, asyncio.CancelledError) as ended:
            if awaited.done() and not awaited.cancelled():
                self._give(participant, size)
            else:
                self._forget(participant, waiter)
                # Others who waited behind may have room now.
                self._hand_round()
            if isinstance(ended, TimeoutError):
                return False
            raise
        return True

    def admits(self, participant: str, size: int) -> bool:
        """Whether there is room at once for a participant."""
        return participant not in self._waiting and self._fits(participant, size)

    def _fits(self, participant: str, size: int) -> bool:
        return self._of[participant] + size <= self._most_bytes - self.held - size

    def _hold(self, participant: str, size: int) -> None:
        self._of[participant] += size
        self.held += size

    def _give(self, participant: str, size: int) -> None:
        self._of[participant] -= size
        if not self._of[participant]:
            del self._of[participant]
        self.held -= size
        self._hand_round()

    def _hand_round(self) -> None:
        while any(self._hand_on(one) for one in self._in_turn()):
            pass

    def _in_turn(self) -> list[str]:
        """The participants that wait; the one that holds the least comes first."""
        return sorted(self._waiting, key=lambda participant: self._of[participant])

    def _hand_on(self, participant: str) -> bool:
        """Give room to a participant's first waiter. Returns whether there was enough."""
        size, awaited = self._waiting[participant][0]
        if awaited.done():
            # Cancelled a moment ago; it takes itself out.
            return False
        if not self._fits(participant, size):
            return False
        self._hold(participant, size)
        self._forget(participant, (size, awaited))
        awaited.set_result(None)
        return True

    def _forget(self, participant: str, waiter: tuple[int, asyncio.Future[None]]) -> None:
        waiting = self._waiting[participant]
        waiting.remove(waiter)
        if not waiting:
            del self._waiting[participant]
