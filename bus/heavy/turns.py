"""Turns: who may work now, so that each participant waits behind its own work and not behind another's."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bus.heavy.errors import HeavyWorkWaits, TooMuchAtOnce


@dataclass(frozen=True, slots=True)
class Shares:
    """How much may be done at once, and how much may wait.

    Attributes:
        at_once: turns in all.
        each: turns of one participant.
        waiting: who may wait in all.
        waiting_each: who may wait of one participant.
        patience: seconds that anybody waits at most.
    """

    at_once: int
    each: int
    waiting: int = 256
    waiting_each: int = 32
    patience: float = 30.0


class Turns:
    """Gives turns to participants one after the other. Belongs to one event loop."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._working: Counter[str] = Counter()
        self._in_all = 0
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._waiting = 0

    @asynccontextmanager
    async def hold(self, who: str) -> AsyncIterator[None]:
        """Hold a turn while the block runs; see `take` for what is raised."""
        await self.take(who)
        try:
            yield
        finally:
            self.give_back(who)

    async def take(self, who: str) -> None:
        """Wait for a turn, and take it.

        Raises:
            TooMuchAtOnce: too much of the participant's own work waits.
            HeavyWorkWaits: too much of everybody's work waits, or no turn came in time.
        """
        if self._is_free(who) and who not in self._queues:
            self._begin(who)
            return
        future = self._enqueue(who)
        try:
            async with asyncio.timeout(self._shares.patience):
                await future
        except BaseException as error:
            self._give_up(who, future)
            if isinstance(error, TimeoutError):
                raise _make_refusal() from None
            raise

    def give_back(self, who: str) -> None:
        """End a turn; whoever is next begins."""
        self._in_all -= 1
        self._working[who] -= 1
        if not self._working[who]:
            del self._working[who]
        self._deal()

    def _is_free(self, who: str) -> bool:
        return self._in_all < self._shares.at_once and self._working[who] < self._shares.each

    def _begin(self, who: str) -> None:
        self._in_all += 1
        self._working[who] += 1

    def _enqueue(self, who: str) -> "asyncio.Future[None]":
        queue = self._queues.get(who)
        if queue is not None and len(queue) >= self._shares.waiting_each:
            raise TooMuchAtOnce(f"{len(queue)} of your requests wait already.", headers={"retry-after": "1"})
        if self._waiting >= self._shares.waiting:
            raise _make_refusal()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(who, deque()).append(future)
        self._waiting += 1
        return future

    def _give_up(self, who: str, future: "asyncio.Future[None]") -> None:
        if future.done() and not future.cancelled():
            # The turn came at the same moment.
            self.give_back(who)
            return
        queue = self._queues.get(who)
        if queue is not None and future in queue:
            queue.remove(future)
            self._dequeue(who, queue)

    def _deal(self) -> None:
        """Give free turns away: of those that wait each participant gets one, then each gets another."""
        while self._in_all < self._shares.at_once and (who := self._choose_next()) is not None:
            queue = self._queues[who]
            future = queue.popleft()
            self._queues.move_to_end(who)
            self._dequeue(who, queue)
            if not future.done():
                self._begin(who)
                future.set_result(None)

    def _choose_next(self) -> str | None:
        return next((who for who in self._queues if self._working[who] < self._shares.each), None)

    def _dequeue(self, who: str, queue: "deque[asyncio.Future[None]]") -> None:
        self._waiting -= 1
        if not queue:
            del self._queues[who]


def _make_refusal() -> HeavyWorkWaits:
    return HeavyWorkWaits("Too much heavy work waits on this bus.", headers={"retry-after": "2"})
