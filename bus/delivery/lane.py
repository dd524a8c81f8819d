"""A lane: what one process knows of one subscription's sink: its circuit, its signer, and how much may be in flight."""

import asyncio
import time
from collections.abc import Callable
from random import Random

from bus.adapter import Outcome
from bus.delivery.circuit import Circuit, CircuitPolicy, State
from bus.delivery.signature import Signer
from bus.delivery.subscriptions import Subscription
from bus.telemetry import CIRCUITS_OPEN


class Lane:
    """One subscription's lane. Belongs to one event loop."""

    def __init__(
        self, concurrency: int, policy: CircuitPolicy, random: Random, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.slots = asyncio.Semaphore(concurrency)
        self._circuit = Circuit(policy)
        self._random = random
        self._clock = clock
        self._moved = asyncio.Event()
        self._signer: tuple[tuple[str, ...], Signer] | None = None

    async def admitted(self, deadline: float) -> bool:
        """Wait until the circuit lets a delivery through; False when it does not before a deadline (monotonic seconds)."""
        while True:
            now = self._clock()
            if now >= deadline:
                return False
            if self._circuit.admits(now):
                self._circuit = self._circuit.let_through(now)
                return True
            moved = self._moved
            try:
                async with asyncio.timeout(min(self._circuit.until, deadline) - now):
                    await moved.wait()
            except TimeoutError:
                continue

    def note(self, outcome: Outcome) -> None:
        """Let the circuit learn from an outcome."""
        before = self._circuit
        self._circuit = before.after(outcome, self._clock(), self._random)
        if self._circuit.state is not before.state:
            CIRCUITS_OPEN.inc((self._circuit.state is not State.CLOSED) - (before.state is not State.CLOSED))
            self._moved.set()
            self._moved = asyncio.Event()

    def signer(self, subscription: Subscription) -> Signer:
        """The signer with the subscription's present secrets."""
        if self._signer is None or self._signer[0] != subscription.secrets:
            self._signer = (subscription.secrets, Signer(subscription.secrets))
        return self._signer[1]
