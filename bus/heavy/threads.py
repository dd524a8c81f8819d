"""Threads for reading: a pool of their own, in which each participant has a share."""

import asyncio
import contextvars
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from bus.heavy.turns import Shares, Turns

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Work in slices: it yields where others may have a turn, and returns its result. It holds nothing open where it yields."""


class Threads:
    """Runs synchronous work in threads. Belongs to one event loop.

    What is done in slices begins in a turn of `first`, and goes on in turns of `further`, which are fewer: a slice takes the
    interpreter's lock away from the event loop.
    """

    def __init__(self, first: Shares, further: Shares) -> None:
        self._first = Turns(first)
        self._further = Turns(further)
        self._executor = ThreadPoolExecutor(first.at_once + further.at_once, thread_name_prefix="reading")

    async def run(self, work: Callable[[], T], *, who: str) -> T:
        """What the work gives; see `Turns.take` for what is raised beside."""
        return await self._run_in_turn(self._first, work, who)

    async def run_steps(self, steps: Steps[T], *, who: str) -> T:
        """What the steps give in the end."""
        is_done, result = await self._run_in_turn(self._first, partial(_run_step, steps), who)
        while not is_done:
            is_done, result = await self._run_in_turn(self._further, partial(_run_step, steps), who)
        assert result is not None  # noqa: S101 - what is done has a result
        return result[0]

    def close(self) -> None:
        """Let the threads end."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run_in_turn(self, turns: Turns, work: Callable[[], T], who: str) -> T:
        await turns.take(who)
        running = asyncio.get_running_loop().run_in_executor(
            self._executor, partial(contextvars.copy_context().run, work)
        )
        # The turn ends with the thread's work, also where nobody waits for it any more.
        running.add_done_callback(lambda _: turns.give_back(who))
        return await asyncio.shield(running)


def _run_step(steps: Steps[T]) -> tuple[bool, tuple[T] | None]:
    try:
        next(steps)
    except StopIteration as end:
        return True, (end.value,)
    return False, None
