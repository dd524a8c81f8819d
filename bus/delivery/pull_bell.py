"""The bell: wakes the pulls that wait, each by the deliveries of its own subscription alone.

The relay of the same process rings at once. A look finds what other processes made, and what is due again with time. It is one
statement for all subscriptions for which a pull waits, and runs only while somebody waits.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from bus import clock
from bus.delivery import pull_statements as statements
from bus.problem import Unavailable
from bus.storage import Storage

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 0.25
_LOOK_SHARE: Final = 0.05
"""The most of the time that looks take, however many subscriptions wait."""


class Ear:
    """One pull that waits. Belongs to one event loop."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the pull."""
        self._rung.set()

    def clear(self) -> None:
        """Forget earlier rings. Call it before a look for deliveries: a ring during the look then counts."""
        self._rung.clear()

    async def wait(self, seconds: float) -> bool:
        """Wait for a ring. Returns False if there was none within some seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        return True


class PullBell:
    """The bell of one process. Belongs to one event loop, except `ring`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._ears: dict[int, set[Ear]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def waiting(self) -> Counter[int]:
        """How many pulls wait for each subscription."""
        return Counter({number: len(ears) for number, ears in self._ears.items()})

    @contextmanager
    def listen(self, subscription: int) -> Iterator[Ear]:
        """An ear for the subscription with a number."""
        self._loop = asyncio.get_running_loop()
        ear = Ear()
        self._ears.setdefault(subscription, set()).add(ear)
        try:
            yield ear
        finally:
            ears = self._ears[subscription]
            ears.discard(ear)
            if not ears:
                del self._ears[subscription]

    def ring(self, subscriptions: Collection[int]) -> None:
        """Wake the pulls of some subscriptions. Callable from any thread."""
        loop = self._loop
        # A look at the dictionary from another thread is safe: a pull that begins to wait now looks itself first.
        if loop is not None and not self._ears.keys().isdisjoint(subscriptions):
            loop.call_soon_threadsafe(self._ring, subscriptions)

    async def follow(self) -> None:
        """Look for what is due by time, or was made by another process, until cancelled."""
        while True:
            begun = time.monotonic()
            if self._ears:
                try:
                    self._ring(await asyncio.to_thread(self._find_stirred, list(self._ears)))
                except Unavailable:
                    log.warning("pulls.database_does_not_answer")
            await asyncio.sleep(max(_LOOK_SECONDS, (time.monotonic() - begun) / _LOOK_SHARE))

    def _ring(self, subscriptions: Collection[int]) -> None:
        for number in subscriptions:
            for ear in self._ears.get(number, ()):
                ear.ring()

    def _find_stirred(self, subscriptions: Collection[int]) -> set[int]:
        """Those of some subscriptions that have something due, are not active, or are gone."""
        with self._storage.read() as transaction:
            asked = {"wanted": transaction.numbers(subscriptions), "now": clock.now_micros()}
            quiet = {row[0] for row in transaction.rows(statements.QUIET, asked)}
        return set(subscriptions) - quiet
