"""Questions in flight: an identical question is not asked twice at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Asked(Generic[T]):
    task: asyncio.Task[T]
    waiting: int = 0


class InFlight(Generic[T]):
    """Lets those who ask the same at the same time wait for one answer. Belongs to one event loop."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, _Asked[T]] = {}

    async def share(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to a question. It is asked once, and given up when nobody waits for it any more.

        Args:
            question: names the question, and those who may share its answer.
            ask: asks it.

        Raises:
            Exception: whatever `ask` raises, for each who waits.
        """
        asked = self._asked.get(question)
        if asked is None:
            asked = self._asked[question] = _Asked(asyncio.ensure_future(_run(ask)))
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.task)
        finally:
            asked.waiting -= 1
            # The task of an answer, or of a question that nobody waits for, must not answer a later question.
            if (asked.task.done() or not asked.waiting) and self._asked.get(question) is asked:
                del self._asked[question]
            if not asked.waiting and not asked.task.done():
                asked.task.cancel()


async def _run(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()
