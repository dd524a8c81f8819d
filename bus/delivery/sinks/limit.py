"""A time limit that many tasks share: one timer for all of them."""

import asyncio
from types import TracebackType


class TimeLimit:
    """`with limit:` gives a task so many seconds, after which it is cancelled there and sees a TimeoutError.

    As `asyncio.timeout` does, whose timer and object for each request take 3 µs against 1. One task enters it once at a
    time. Belongs to one event loop.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        # In the order of their ends, since all have the same time; and how often each task was being cancelled before.
        self._running: dict[asyncio.Task[object], tuple[float, int]] = {}
        self._late: dict[asyncio.Task[object], int] = {}
        self._is_timed = False

    def __enter__(self) -> None:
        task = _current()
        end = self._loop.time() + self._seconds
        self._running[task] = (end, task.cancelling())
        if not self._is_timed:
            self._is_timed = True
            self._loop.call_at(end, self._look)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        task = _current()
        if self._running.pop(task, None) is not None:
            return
        before = self._late.pop(task)
        # Unless somebody else cancelled it as well.
        if task.uncancel() <= before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look(self) -> None:
        """Cancel those whose time is over, and look again when the next one's is."""
        now = self._loop.time()
        while self._running:
            task, (end, cancelling) = next(iter(self._running.items()))
            if end > now:
                self._loop.call_at(end, self._look)
                return
            del self._running[task]
            self._late[task] = cancelling
            task.cancel()
        self._is_timed = False


def _current() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a time limit is for tasks")
    return task
