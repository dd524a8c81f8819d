"""Threads for reading: a pool of threads in which each participant has a share."""

import asyncio
import contextvars
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from bus.heavy.turns import Shares, Turns
from bus.problem import Refused

T = TypeVar("T")

_UNBOUNDED: Final = 1_000_000
_LONG_SECONDS: Final = 300.0
"""How long a reader that waited may wait for its turn behind the others. Ten thousand of them take seconds."""

Steps = Generator[None, None, T]
"""Work in slices. It yields between slices, with no transaction or lock held, and returns its result at the end.

If it gets no further turn, the refusal is raised at its `yield`: there it undoes what nobody will get.
"""


class Threads:
    """Runs synchronous work in threads. Belongs to one event loop.

    The first slice of a work uses a turn of `first`, and the later slices use turns of `further`. There are fewer turns of
    `further`, since a slice takes the interpreter's lock away from the event loop.

    Waiting readers that wake together may be thousands. The limits on waiting readers bound them, so none of them is refused:
    a few at a time use turns of `first` and `further`.
    """

    def __init__(self, first: Shares, further: Shares) -> None:
        self._first = Turns(first)
        self._further = Turns(further)
        self._woken = Turns(
            Shares(max(1, first.at_once // 2), max(1, first.each // 2), _UNBOUNDED, _UNBOUNDED, _LONG_SECONDS)
        )
        self._executor = ThreadPoolExecutor(first.at_once + further.at_once, thread_name_prefix="reading")

    async def run(self, work: Callable[[], T], *, who: str) -> T:
        """The work's result; see `Turns.take` for refusals."""
        return await self._run_in_turn(self._first, work, who)

    async def run_steps(self, steps: Steps[T], *, who: str) -> T:
        """The result of work in slices; see `Turns.take` for refusals."""
        is_done, result = await self._run_in_turn(self._first, partial(_run_step, steps), who)
        while not is_done:
            try:
                await self._further.take(who)
            except Refused as refusal:
                await asyncio.shield(self._start(partial(_refuse_step, steps, refusal)))
                raise
            is_done, result = await self._finish_turn(self._further, partial(_run_step, steps), who)
        assert result is not None  # noqa: S101 - done work has a result
        return result[0]

    async def run_woken(self, steps: Steps[T], *, who: str) -> T:
        """The result of work in slices for a reader that waited, behind the work for other readers that waited."""
        async with self._woken.hold(who):
            return await self.run_steps(steps, who=who)

    def close(self) -> None:
        """Let the threads end."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run_in_turn(self, turns: Turns, work: Callable[[], T], who: str) -> T:
        await turns.take(who)
        return await self._finish_turn(turns, work, who)

    async def _finish_turn(self, turns: Turns, work: Callable[[], T], who: str) -> T:
        """The work's result, in a turn that was taken."""
        running = self._start(work)
        # The turn ends with the thread's work, even if the caller was cancelled.
        running.add_done_callback(lambda _: turns.give_back(who))
        return await asyncio.shield(running)

    def _start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        run = partial(contextvars.copy_context().run, work)
        return asyncio.get_running_loop().run_in_executor(self._executor, run)


def _refuse_step(steps: Steps[T], refusal: Refused) -> None:
    """Raise a refusal in the work, at its `yield`."""
    with suppress(StopIteration):
        steps.throw(refusal)


def _run_step(steps: Steps[T]) -> tuple[bool, tuple[T] | None]:
    try:
        next(steps)
    except StopIteration as end:
        return True, (end.value,)
    return False, None
