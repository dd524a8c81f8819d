"""Group commit: what many callers hand in while a commit is under way is committed together next."""

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
"""The longest that a group is gathered while the loop has other things to do."""
_BUSY_SECONDS: Final = 0.0001
"""A turn of the loop that takes longer had more to do than to come round."""
_MOST_UNDER_WAY: Final = 2
"""Groups that the commit's thread has at once: the next one is there when it ends with one."""


def _do_nothing() -> None:
    """Nobody asked to be told."""


class Answer(Protocol[Given]):
    """Whoever waits for the commit of a piece of work."""

    def done(self) -> bool:
        """Whether nobody waits any more."""
        ...

    def foresee(self, result: Given, /) -> None:
        """The work is written and will have this result if its commit succeeds: time to make ready what is said then."""
        ...

    def set_result(self, result: Given, /) -> None:
        """The work is committed."""
        ...

    def set_exception(self, exception: Exception, /) -> None:
        """It is not, and nothing of it was stored."""
        ...


Group = list[tuple[Work, Answer[Result]]]
"""Pieces of work that are committed together, each with who waits for it."""
Handed = tuple[asyncio.AbstractEventLoop, Group[Work, Result]]
"""A group, and where who waits is told."""


class _Awaited(asyncio.Future[Result]):
    """An answer that is awaited, for which nothing can be made ready."""

    def foresee(self, result: Result, /) -> None:
        pass


class GroupCommit(Generic[Work, Result]):
    """Runs `commit` in a thread of its own, for all the work that is waiting at once.

    Promise: a piece of work is answered only after the commit that held it; when the commit fails, each who waits gets its
    error, and the next group goes on, whatever an answer does. Belongs to one event loop.
    """

    def __init__(
        self,
        name: str,
        commit: Callable[[Sequence[Work]], Sequence[Result]],
        pause: float = 0.0,
        committed: Callable[[], None] = _do_nothing,
    ) -> None:
        """`commit` gives one result for each piece of work, in order. It may call `foretell`.

        `pause`: the least seconds between the beginnings of two commits, for work that hardly anybody waits for. What comes
        alone is committed at once.

        `committed`: called in the event loop after each commit, before the answers.
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
        """Pieces of work that no commit has taken yet."""
        return len(self._waiting)

    def submit(self, work: Work, *, is_large: bool = False) -> asyncio.Future[Result]:
        """Have a piece of work committed with the next group.

        Args:
            is_large: it is worth a commit of its own, so that nothing more is waited for.
        """
        answer: _Awaited[Result] = _Awaited(loop=asyncio.get_running_loop())
        self.submit_for(work, answer, is_large=is_large)
        return answer

    def submit_for(self, work: Work, answer: Answer[Result], *, is_large: bool = False) -> None:
        """The same for an answer of the caller's, which is told in the event loop."""
        self._waiting.append((work, answer))
        self._is_any_large |= is_large
        loop = asyncio.get_running_loop()
        if is_large and self._under_way < _MOST_UNDER_WAY:
            self._hand_over(loop)
        elif self._idle.is_set():
            loop.call_soon(self._gather, loop, loop.time() + _GATHER_SECONDS, 0, perf_counter())
        self._idle.clear()

    def foretell(self, results: Sequence[Result]) -> None:
        """Have answers made ready in the event loop while the disk is waited for; `commit` calls it with what it will give.

        Call it at most once a commit, when nothing but the end of the transaction is missing.
        """
        loop, group = self._handed
        loop.call_soon_threadsafe(self._make_ready, group, results)

    def _gather(self, loop: asyncio.AbstractEventLoop, until: float, seen: int, turned: float) -> None:
        """Hand the next group over once the loop has come round without more of it, and with nothing else to do.

        While the loop is busy a commit would only take processor time from what it does; the more share it, the less it costs
        each.

        Args:
            until: when it is handed over all the same.
            seen: how much was waiting when the turn began.
            turned: when that was.
        """
        if self._under_way:
            # Handed over since: it goes on after that commit.
            return
        if not self._waiting:
            self._idle.set()
        elif loop.time() < self._next:
            # The loop's timers may fire a little early.
            loop.call_later(self._next - loop.time() + 0.001, self._gather, loop, until, seen, turned)
        elif loop.time() < until and not self._is_any_large and self._brings_more(seen, turned):
            loop.call_soon(self._gather, loop, until, len(self._waiting), perf_counter())
        else:
            self._hand_over(loop)

    def _brings_more(self, seen: int, turned: float) -> bool:
        """Whether a turn of the loop brought more, or had something to do that may."""
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
            except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer to each who waits
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
            # What was committed is answered all the same.
            log.error("group.committed_failed", exc_info=error)

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
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
