"""A pool of worker processes: started when they are needed, bounded in time and memory, killed when over."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from bus.heavy import child, message
from bus.heavy.errors import TooHeavy
from bus.heavy.job import Job
from bus.heavy.refusal import unpack
from bus.heavy.turns import Shares, Turns
from bus.telemetry import HEAVY_JOBS

log = structlog.get_logger(__name__)

_PATIENCE: Final = 6
"""A job may take so many times its processor time by the clock: its process is the last to get a busy machine's processor."""
_KEPT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
"""What a worker gets of the environment: no setting of the bus, and so no secret."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one worker may use.

    Attributes:
        seconds: of processor time, for one job.
        memory: bytes.
        jobs: a worker ends after so many.
        idle: a worker ends after so many seconds without a job.
    """

    seconds: float = 10.0
    memory: int = 512 * 1024 * 1024
    jobs: int = 500
    idle: float = 60.0


class WorkFailed(Exception):
    """A job failed in a way that nobody foresaw; the message is the error's type."""


class _Lost(Exception):
    """The worker ended, or was killed, before it answered."""


class Processes:
    """Runs jobs in processes. Belongs to one event loop."""

    def __init__(self, shares: Shares, bounds: Bounds | None = None) -> None:
        self._turns = Turns(shares)
        self._bounds = bounds or Bounds()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()

    async def run(self, job: Job, *parts: bytes, who: str) -> bytes:
        """The job's answer; see `Heavy.run`."""
        async with self._turns.hold(who):
            return await self._run(f"{job.__module__}:{job.__qualname__}", parts)

    async def close(self) -> None:
        """Kill every worker."""
        for worker in list(self._all):
            await self._end(worker)

    async def _run(self, name: str, parts: tuple[bytes, ...]) -> bytes:
        worker = await self._take_worker()
        try:
            async with asyncio.timeout(self._bounds.seconds * _PATIENCE):
                kind, answer = await worker.ask(name, parts)
        except (_Lost, TimeoutError) as error:
            await self._end(worker)
            log.warning("heavy.worker_killed", job=name, error=type(error).__name__, code=worker.code)
            HEAVY_JOBS.labels("killed").inc()
            raise _make_too_heavy() from None
        except BaseException:
            # Nobody waits for the answer any more, and the next job must not get it.
            await self._end(worker)
            raise
        await self._put_back(worker, is_spent=kind == child.HEAVY)
        HEAVY_JOBS.labels(kind.decode()).inc()
        return _open_answer(kind, answer)

    async def _take_worker(self) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            worker.stop_idle_timer()
            if worker.code is None:
                return worker
            await self._end(worker)
        worker = await _Worker.start(self._bounds)
        self._all.add(worker)
        return worker

    async def _put_back(self, worker: "_Worker", *, is_spent: bool) -> None:
        if is_spent or worker.jobs >= self._bounds.jobs or worker not in self._all:
            await self._end(worker)
            return
        self._idle.append(worker)
        worker.start_idle_timer(self._bounds.idle, self._retire)

    def _retire(self, worker: "_Worker") -> None:
        if worker in self._idle:
            self._idle.remove(worker)
            self._all.discard(worker)
            # It ends by itself when its pipe closes.
            worker.close_pipe()

    async def _end(self, worker: "_Worker") -> None:
        self._all.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        worker.stop_idle_timer()
        await worker.kill()


class _Worker:
    """One process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._timer: asyncio.TimerHandle | None = None
        self.jobs = 0

    @classmethod
    async def start(cls, bounds: Bounds) -> "_Worker":
        # `-P` keeps a folder named `bus` in the working directory from being run instead.
        command = [sys.executable, "-P", "-m", child.__name__, str(bounds.memory), str(bounds.seconds)]
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return cls(
            await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment)
        )

    @property
    def code(self) -> int | None:
        """Its exit code (a negative signal's number); None while it lives."""
        return self._process.returncode

    async def ask(self, name: str, parts: tuple[bytes, ...]) -> tuple[bytes, bytes]:
        """What the worker answers: of what kind, and the answer.

        Raises:
            _Lost: it ended.
        """
        self.jobs += 1
        given, answers = self._process.stdin, self._process.stdout
        assert given is not None and answers is not None  # noqa: S101, PT018 - both are pipes
        try:
            given.writelines(message.encode([name.encode(), *parts]))
            await given.drain()
            kind, answer = await message.read(answers)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise _Lost from error
        return kind, answer

    def start_idle_timer(self, seconds: float, retire: Callable[["_Worker"], None]) -> None:
        """Call `retire` if no job comes for so long."""
        self._timer = asyncio.get_running_loop().call_later(seconds, retire, self)

    def stop_idle_timer(self) -> None:
        """A job comes, or the end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close_pipe(self) -> None:
        """Close its pipe."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def kill(self) -> None:
        """End it now."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self.close_pipe()
        await self._process.wait()


def _open_answer(kind: bytes, answer: bytes) -> bytes:
    if kind == child.OK:
        return answer
    if kind == child.REFUSED:
        raise unpack(answer)
    if kind == child.HEAVY:
        raise _make_too_heavy()
    raise WorkFailed(answer.decode())


def _make_too_heavy() -> TooHeavy:
    return TooHeavy("It takes more time or memory than the bus gives one request. Send less, or something simpler.")
