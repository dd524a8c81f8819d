"""Group commit: what many callers hand in while a commit is under way is committed together next."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Final, Generic, Protocol, TypeVar

import structlog

Work = TypeVar("Work")
Result = TypeVar("Result")
Given = TypeVar("Given", contravariant=True)

log = structlog.get_logger(__name__)

_GATHER_SECONDS: Final = 0.005
"""The longest that a group is gathered while more and more comes."""
_MOST_UNDER_WAY: Final = 2
"""Groups that the commit's thread has at once: the next one is there when it ends with one."""


class Answer(Protocol[Given]):
    """Whoever waits for the commit of a piece of work; an `asyncio.Future` is one."""

    def done(self) -> bool:
        """Whether nobody waits any more."""
        ...

    def set_result(self, result: Given, /) -> None:
        """The work is committed."""
        ...

    def set_exception(self, exception: Exception, /) -> None:
        """It is not, and nothing of it was stored."""
        ...


class GroupCommit(Generic[Work, Result]):
    """Runs `commit` in a thread of its own, for all the work that is waiting at once.

    Promise: a piece of work is answered only after the commit that held it; when the commit fails, each who waits gets its
    error, and the next group goes on, whatever an answer does. Belongs to one event loop.
    """

    def __init__(self, name: str, commit: Callable[[Sequence[Work]], Sequence[Result]], pause: float = 0.0) -> None:
        """`commit` gives one result for each piece of work, in order.

        `pause`: the least seconds between the beginnings of two commits, for work that hardly anybody waits for. What comes
        alone is committed at once.
        """
        self._commit = commit
        self._pause = pause
        self._next = 0.0
        self._waiting: list[tuple[Work, Answer[Result]]] = []
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._groups: SimpleQueue[tuple[asyncio.AbstractEventLoop, list[tuple[Work, Answer[Result]]]] | None] = (
            SimpleQueue()
        )
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
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.submit_for(work, answer, is_large=is_large)
        return answer

    def submit_for(self, work: Work, answer: Answer[Result], *, is_large: bool = False) -> None:
        """The same for an answer of the caller's, which is told in the event loop."""
        self._waiting.append((work, answer))
        loop = asyncio.get_running_loop()
        if is_large and self._under_way < _MOST_UNDER_WAY:
            self._hand_over(loop)
        elif self._idle.is_set():
            loop.call_soon(self._gather, loop, loop.time() + _GATHER_SECONDS, 0)
        self._idle.clear()

    def _gather(self, loop: asyncio.AbstractEventLoop, until: float, seen: int) -> None:
        """Hand the next group over once a turn of the loop has brought no more of it.

        While the loop is busy taking requests in, a commit would only take processor time from them; the more of them share
        it, the less it costs each.
        """
        if self._under_way:
            # Handed over since: it goes on after that commit.
            return
        if self._waiting and loop.time() < self._next:
            # The loop's timers may fire a little early.
            loop.call_later(self._next - loop.time() + 0.001, self._gather, loop, until, seen)
        elif len(self._waiting) > seen and loop.time() < until:
            loop.call_soon(self._gather, loop, until, len(self._waiting))
        elif self._waiting:
            self._hand_over(loop)
        else:
            self._idle.set()

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        self._next = loop.time() + self._pause
        self._under_way += 1
        group, self._waiting = self._waiting, []
        self._groups.put((loop, group))

    def _run(self) -> None:
        while (handed := self._groups.get()) is not None:
            loop, group = handed
            results: Sequence[Result] = ()
            failed: Exception | None = None
            try:
                results = self._commit([work for work, _ in group])
            except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer to each who waits
                failed = error
            loop.call_soon_threadsafe(self._answer, loop, group, results, failed)

    def _answer(
        self,
        loop: asyncio.AbstractEventLoop,
        group: Sequence[tuple[Work, Answer[Result]]],
        results: Sequence[Result],
        failed: Exception | None,
    ) -> None:
        self._under_way -= 1
        try:
            for index, (_, answer) in enumerate(group):
                if not answer.done():
                    _tell(answer, results, index, failed)
        finally:
            self._gather(loop, loop.time() + _GATHER_SECONDS, 0)

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
        await self._idle.wait()
        self._groups.put(None)
        await asyncio.to_thread(self._thread.join)


def _tell(answer: Answer[Result], results: Sequence[Result], index: int, failed: Exception | None) -> None:
    try:
        if failed is None:
            answer.set_result(results[index])
        else:
            answer.set_exception(failed)
    except Exception as error:
        log.error("group.answer_failed", exc_info=error)
