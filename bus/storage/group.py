"""Group commit: work that arrives during a commit is committed together in the next one."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from time import perf_counter
from typing import Final, Generic, Protocol, TypeVar

import structlog

Work = TypeVar("Work")
Result = TypeVar("Result")
Given = TypeVar("Given", contravariant=True)

log = structlog.get_logger(__name__)

_GATHER_SECONDS: Final = 0.005
"""The longest time to gather a group while the loop is busy."""
_BUSY_SECONDS: Final = 0.0001
"""A turn of the loop that takes longer counts as busy."""
_MOST_UNDER_WAY: Final = 2
"""Groups that the commit's thread holds at once. The second one is ready when the first one ends."""


def _do_nothing() -> None:
    """Without a callback, nothing happens after a commit."""


class Answer(Protocol[Given]):
    """The answer to one piece of work, in the way of an `asyncio.Future`."""

    def done(self) -> bool:
        """Whether the answer was given or cancelled."""
        ...

    def foresee(self, result: Given, /) -> None:
        """Prepare for this result, which becomes final if the commit succeeds. The work is already written."""
        ...

    def set_result(self, result: Given, /) -> None:
        """Answer with the result: the work is committed."""
        ...

    def set_exception(self, exception: Exception, /) -> None:
        """Answer with an error: nothing of the work was stored."""
        ...


Group = list[tuple[Work, Answer[Result]]]
"""Pieces of work that are committed together, each with its answer."""
Handed = tuple[asyncio.AbstractEventLoop, Group[Work, Result]]
"""A group, and the event loop in which its answers are given."""


class _Awaited(asyncio.Future[Result]):
    """An answer that a coroutine awaits. It needs no preparation."""

    def foresee(self, result: Result, /) -> None:
        pass


class GroupCommit(Generic[Work, Result]):
    """Runs `commit` in its own thread, for all waiting work at once. Belongs to one event loop.

    Promise: a piece of work is answered only after its commit. If the commit fails, each answer of the group gets the error.
    The next group goes on, even if an answer raises.
    """

    def __init__(
        self,
        name: str,
        commit: Callable[[Sequence[Work]], Sequence[Result]],
        pause: float = 0.0,
        committed: Callable[[], None] = _do_nothing,
    ) -> None:
        """Start the thread.

        Args:
            name: the thread's name.
            commit: returns one result for each piece of work, in order. It may call `foretell`.
            pause: the least seconds between the beginnings of two commits. It is for work whose answer is not urgent.
            committed: runs in the event loop after each commit, before the answers.
        """
        self._commit = commit
        self._pause = pause
        self._committed = committed
        self._next = 0.0
        self._waiting: Group[Work, Result] = []
        self._is_any_large = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._groups: SimpleQueue[Handed[Work, Result] | None] = SimpleQueue()
        self._handed: Handed[Work, Result]
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many pieces of work wait for a commit to take them."""
        return len(self._waiting)

    def submit(self, work: Work, *, is_large: bool = False) -> asyncio.Future[Result]:
        """Have a piece of work committed with the next group. The future gets its result.

        Args:
            is_large: the work justifies a commit of its own, so the group gathers no longer.
        """
        answer: _Awaited[Result] = _Awaited(loop=asyncio.get_running_loop())
        self.submit_for(work, answer, is_large=is_large)
        return answer

    def submit_for(self, work: Work, answer: Answer[Result], *, is_large: bool = False) -> None:
        """Have a piece of work committed with the next group. `answer` gets its result, in the event loop."""
        self._waiting.append((work, answer))
        self._is_any_large |= is_large
        loop = asyncio.get_running_loop()
        if is_large and self._under_way < _MOST_UNDER_WAY:
            self._hand_over(loop)
        elif self._idle.is_set():
            loop.call_soon(self._gather, loop, loop.time() + _GATHER_SECONDS, 0, perf_counter())
        self._idle.clear()

    def foretell(self, results: Sequence[Result]) -> None:
        """Have the answers prepare for these results, in the event loop, while the disk works.

        `commit` calls this at most once, just before the end of its transaction, with the results that it will return.
        """
        loop, group = self._handed
        loop.call_soon_threadsafe(self._make_ready, group, results)

    def _gather(self, loop: asyncio.AbstractEventLoop, until: float, seen: int, turned: float) -> None:
        """Hand the next group over when a turn of the loop brought no more work and the loop is idle.

        While the loop is busy, a commit would only take its processor time. A larger group shares the cost of one commit.

        Args:
            until: the loop's time at which the group is handed over in any case.
            seen: the number of waiting pieces when the turn began.
            turned: the time of `perf_counter` when the turn began.
        """
        if self._under_way:
            # A commit is under way. Its answers call this again.
            return
        if not self._waiting:
            self._idle.set()
        elif loop.time() < self._next:
            # The added millisecond is there because the loop's timers may fire early.
            loop.call_later(self._next - loop.time() + 0.001, self._gather, loop, until, seen, turned)
        elif loop.time() < until and not self._is_any_large and self._brings_more(seen, turned):
            loop.call_soon(self._gather, loop, until, len(self._waiting), perf_counter())
        else:
            self._hand_over(loop)

    def _brings_more(self, seen: int, turned: float) -> bool:
        """Whether a turn of the loop brought more work, or was busy and may bring more."""
        return len(self._waiting) > seen or perf_counter() - turned > _BUSY_SECONDS

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        self._next = loop.time() + self._pause
        self._under_way += 1
        group, self._waiting, self._is_any_large = self._waiting, [], False
        self._groups.put((loop, group))

    def _run(self) -> None:
        while (handed := self._groups.get()) is not None:
            self._handed = loop, group = handed
            results: Sequence[Result] = ()
            failed: Exception | None = None
            try:
                results = self._commit([work for work, _ in group])
            except Exception as error:  # noqa: BLE001 - each waiting answer gets the error, of whatever kind
                failed = error
            loop.call_soon_threadsafe(self._answer, loop, group, results, failed)

    def _make_ready(self, group: Group[Work, Result], results: Sequence[Result]) -> None:
        for (_, answer), result in zip(group, results, strict=True):
            try:
                answer.foresee(result)
            except Exception as error:
                log.error("group.answer_failed", exc_info=error)

    def _answer(
        self,
        loop: asyncio.AbstractEventLoop,
        group: Group[Work, Result],
        results: Sequence[Result],
        failed: Exception | None,
    ) -> None:
        self._under_way -= 1
        if failed is None:
            self._tell_committed()
        try:
            for index, (_, answer) in enumerate(group):
                if not answer.done():
                    _give_answer(answer, results, index, failed)
        finally:
            self._gather(loop, loop.time() + _GATHER_SECONDS, 0, perf_counter())

    def _tell_committed(self) -> None:
        try:
            self._committed()
        except Exception as error:
            # The work is committed, so its answers still have to be given.
            log.error("group.committed_failed", exc_info=error)

    async def close(self) -> None:
        """Commit the waiting work, then end the thread."""
        await self._idle.wait()
        self._groups.put(None)
        await asyncio.to_thread(self._thread.join)


def _give_answer(answer: Answer[Result], results: Sequence[Result], index: int, failed: Exception | None) -> None:
    try:
        if failed is None:
            answer.set_result(results[index])
        else:
            answer.set_exception(failed)
    except Exception as error:
        log.error("group.answer_failed", exc_info=error)
