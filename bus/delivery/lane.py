"""A lane: one process's state of one subscription's sink: its circuit, its signer, and how much may be in flight."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, cast

from bus.clock import now_micros
from bus.delivery.circuit import Circuit, CircuitPolicy, State
from bus.delivery.health import CircuitReport
from bus.delivery.run import OwedDelivery, list_candidates
from bus.delivery.signature import Signer
from bus.delivery.subscription import Subscription
from bus.kit import Outcome
from bus.telemetry import CIRCUITS_OPEN

_SLOW_SECONDS: Final = 2.0
"""A sink whose answers take longer gets fewer requests at once."""

Job = Callable[[], Awaitable[None]]
"""Sends something, usually a chain of deliveries."""


@dataclass(slots=True)
class _Work:
    """The jobs of one run: those that nobody has begun, the number not done, and who waits for them."""

    waiting: deque[Job]
    left: int
    done: asyncio.Future[None]


class Lane:
    """One subscription's lane. Belongs to one event loop.

    There are as many senders as requests may be in flight. They take job after job, of one run after another. So a run's last
    jobs and the next run's first jobs are under way together. A task and a lock for each delivery would cost more.
    """

    def __init__(
        self,
        concurrency: int,
        policy: CircuitPolicy,
        random: Random,
        clock: Callable[[], float] = time.monotonic,
        hastened_at: int = 0,
    ) -> None:
        self._concurrency = concurrency
        self._width = concurrency
        self._works: deque[_Work] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._circuit = Circuit(policy)
        self._random = random
        self._clock = clock
        self._moved = asyncio.Event()
        self._waiting = 0
        self._signer: tuple[tuple[str, ...], Signer] | None = None
        self._hastened_at = hastened_at

    async def make(self, jobs: Iterable[Job]) -> None:
        """Do jobs, begun in their order, after the jobs that wait already. Returns when all of them are done.

        Raises:
            Exception: what one job raised; jobs that nobody has begun are then dropped.
        """
        loop = asyncio.get_running_loop()
        waiting = deque(jobs)
        if not waiting:
            return
        work = _Work(waiting, len(waiting), loop.create_future())
        self._works.append(work)
        self._add_senders(len(waiting))
        try:
            await work.done
        finally:
            work.waiting.clear()

    def _add_senders(self, jobs: int) -> None:
        for _ in range(min(jobs, self._width - len(self._senders))):
            self._senders.add(asyncio.get_running_loop().create_task(self._send()))

    async def _send(self) -> None:
        try:
            while self._works and len(self._senders) <= self._width:
                work = self._works[0]
                if work.waiting:
                    await _run_job(work.waiting.popleft(), work)
                else:
                    self._works.popleft()
        finally:
            # At once: new jobs must not count on this sender.
            self._senders.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def stop(self) -> None:
        """Cancel the jobs under way."""
        for sender in self._senders:
            sender.cancel()

    @property
    def is_flowing(self) -> bool:
        """Whether the circuit is closed, so that deliveries go."""
        return self._circuit.state is State.CLOSED

    @property
    def admits(self) -> bool:
        """Whether the circuit lets a delivery through now."""
        return self._circuit.admits(self._clock())

    def let_through(self) -> None:
        """Note that one delivery goes now. Unless the circuit is closed, it is the probe."""
        self._circuit = self._circuit.let_through(self._clock())

    def report(self) -> CircuitReport:
        """The circuit, as other processes are told."""
        left = max(0.0, self._circuit.until - self._clock())
        return CircuitReport(self.is_flowing, now_micros() + int(left * 1_000_000))

    def hasten(self, at: int) -> None:
        """Let the sink be tried now, if this is a newer word that it was mended. `at` is `Subscription.hastened_at`."""
        if at <= self._hastened_at:
            return
        self._hastened_at = at
        self._circuit = self._circuit.hastened(self._clock())
        self._wake()

    @property
    def is_awaited(self) -> bool:
        """Whether a run waits until the circuit lets a delivery through."""
        return self._waiting > 0

    def pick_probe(self, owed: Sequence[OwedDelivery]) -> OwedDelivery:
        """One delivery of a run that may go as the probe, as `list_candidates` says, each as likely as the others.

        The oldest one each time would hold up all others for as long as the sink does not take it.
        """
        return self._random.choice(list_candidates(owed))

    def compute_pause(self) -> float:
        """Seconds after which a run that does not wait may ask again. The pause, or the probe, may be over then."""
        left = max(self._circuit.until - self._clock(), 0.0)
        if self._circuit.state is State.HALF_OPEN:
            left = min(left, self._circuit.policy.first)
        return left + self._random.uniform(0.0, 1.0)

    async def wait_until_admits(self, deadline: float) -> bool:
        """Wait until the circuit lets a delivery through; False when it does not before a deadline (monotonic seconds)."""
        self._waiting += 1
        try:
            return await self._wait(deadline)
        finally:
            self._waiting -= 1

    async def _wait(self, deadline: float) -> bool:
        while True:
            now = self._clock()
            if now >= deadline:
                return False
            if self._circuit.admits(now):
                return True
            moved = self._moved
            try:
                async with asyncio.timeout(min(self._circuit.until, deadline) - now):
                    await moved.wait()
            except TimeoutError:
                continue

    def note(self, outcome: Outcome, seconds: float = 0.0, *, is_first: bool = True) -> None:
        """Let the circuit learn from an outcome, and send as much at once as the sink's time for it allows.

        Args:
            is_first: the event was never tried before.
        """
        self._width = compute_width(self._width, seconds, self._concurrency)
        if self._width > len(self._senders) and self._works:
            self._add_senders(sum(len(work.waiting) for work in self._works))
        before = self._circuit
        self._circuit = before.after(outcome, self._clock(), self._random, is_first=is_first)
        if self._circuit.state is not before.state:
            CIRCUITS_OPEN.inc((self._circuit.state is not State.CLOSED) - (before.state is not State.CLOSED))
            self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def get_signer(self, subscription: Subscription) -> Signer:
        """The signer with the subscription's present secrets."""
        if self._signer is None or self._signer[0] != subscription.secrets:
            self._signer = (subscription.secrets, Signer(subscription.secrets))
        return self._signer[1]


def compute_width(width: int, seconds: float, most: int) -> int:
    """How many requests may be in flight after one took `seconds`. A slow answer lowers the number; others raise it by one."""
    allowed = most if seconds <= _SLOW_SECONDS else max(1, int(most * _SLOW_SECONDS / seconds))
    return min(allowed, width + 1)


async def _run_job(job: Job, work: _Work) -> None:
    try:
        await job()
    except Exception as error:  # noqa: BLE001 - it is for the run, which waits
        if not work.done.done():
            work.done.set_exception(error)
    work.left -= 1
    if work.left == 0 and not work.done.done():
        work.done.set_result(None)
