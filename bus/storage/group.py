"""Group commit: what many callers hand in while a commit is under way is committed together next."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Work = TypeVar("Work")
Result = TypeVar("Result")


class GroupCommit(Generic[Work, Result]):
    """Runs `commit` in a thread of its own, for all the work that is waiting at once.

    Promise: the future of a piece of work is done only after the commit that held it; when the commit fails, each waiting
    future gets its error, and the next group goes on. Belongs to one event loop.
    """

    def __init__(self, name: str, commit: Callable[[Sequence[Work]], Sequence[Result]]) -> None:
        """`commit` gives one result for each piece of work, in order."""
        self._commit = commit
        self._waiting: list[tuple[Work, asyncio.Future[Result]]] = []
        self._committing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, name)

    @property
    def waiting(self) -> int:
        """Pieces of work that no commit has taken yet."""
        return len(self._waiting)

    def submit(self, work: Work) -> asyncio.Future[Result]:
        """Have a piece of work committed with the next group."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((work, answer))
        if self._committing is None:
            self._committing = loop.create_task(self._commit_waiting())
        return answer

    async def _commit_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                results = await loop.run_in_executor(self._thread, self._commit, [work for work, _ in group])
            except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer to each who waits
                for _, answer in group:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), result in zip(group, results, strict=True):
                if not answer.done():
                    answer.set_result(result)
        self._committing = None

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
        if self._committing is not None:
            await self._committing
        self._thread.shutdown()
