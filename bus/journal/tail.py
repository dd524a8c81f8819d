"""The journal's end: long-polls and streams wait here for the next event of their contract, without a thread each.

Promise: an event wakes only those who wait for its contract. What the others cost does not grow with the number of events.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from bus.journal.read import JournalReader
from bus.problem import Unavailable

log = structlog.get_logger(__name__)

_STEP: Final = 1000
"""Events whose contracts are read at once."""


class Tail:
    """The newest event of each contract, followed while somebody waits.

    It reads the journal, so it finds this process's appends and those of others alike. Belongs to one event loop.
    """

    def __init__(self, reader: JournalReader, interval: float = 0.03) -> None:
        """`interval`: seconds between two looks for what other processes append."""
        self._reader = reader
        self._interval = interval
        # `_latest` is complete for the events after `_since` up to `_followed`.
        self._since = self._followed = 0
        self._latest: dict[int, int] = {}
        self._waiting: dict[int, set[asyncio.Future[None]]] = {}
        self._waiters = 0
        self._is_wanted = asyncio.Event()
        self._is_nudged = asyncio.Event()

    @property
    def position(self) -> int:
        """The position up to which the journal was followed."""
        return self._followed

    @property
    def waiters(self) -> int:
        """How many callers wait."""
        return self._waiters

    def advance(self, position: int) -> None:
        """Have the journal looked at now, since it reaches `position`. Nothing happens while nobody waits."""
        if self._waiters and position > self._followed:
            self._is_nudged.set()

    async def beyond(self, contract_id: int, position: int, seconds: float) -> bool:
        """Wait for an event of a contract after a position. Returns False if there was none within `seconds`.

        Returns True also if nobody followed the journal from that position on: the caller has to look.
        """
        self._begin(position)
        self._waiters += 1
        try:
            async with asyncio.timeout(seconds):
                while not self._is_beyond(contract_id, position):
                    await self._wait(contract_id)
        except TimeoutError:
            return False
        finally:
            self._waiters -= 1
        return True

    def _begin(self, position: int) -> None:
        """Follow the journal from a position on, if nobody waits for anything before it."""
        if self._waiters == 0 and position > self._followed:
            self._since = self._followed = position
            self._latest.clear()
        self._is_wanted.set()

    def _is_beyond(self, contract_id: int, position: int) -> bool:
        return position < self._since or self._latest.get(contract_id, 0) > position

    async def _wait(self, contract_id: int) -> None:
        waiting = self._waiting.setdefault(contract_id, set())
        woken = asyncio.get_running_loop().create_future()
        waiting.add(woken)
        try:
            await woken
        finally:
            waiting.discard(woken)
            if not waiting and self._waiting.get(contract_id) is waiting:
                del self._waiting[contract_id]

    async def follow(self) -> None:
        """Look for what is appended, until cancelled."""
        while True:
            if not self._waiters:
                self._is_wanted.clear()
                await self._is_wanted.wait()
            # Before the look: an append during the look may be too late for it.
            self._is_nudged.clear()
            try:
                found = await asyncio.to_thread(self._reader.contracts_after, self._followed, _STEP)
            except Unavailable:
                log.warning("journal.database_does_not_answer")
                await asyncio.sleep(0.5)
                continue
            self._take(found)
            if len(found) < _STEP:
                with suppress(TimeoutError):
                    # Not `wait_for`: it loses a cancellation that arrives together with the event (Python 3.11).
                    async with asyncio.timeout(self._interval):
                        await self._is_nudged.wait()

    def _take(self, found: Sequence[tuple[int, int]]) -> None:
        """Note events, each with position and contract, and wake who waits for their contracts."""
        if not found:
            return
        latest = {contract_id: position for position, contract_id in found}
        self._latest |= latest
        self._followed = max(self._followed, found[-1][0])
        for contract_id in latest:
            for woken in self._waiting.pop(contract_id, ()):
                if not woken.done():
                    woken.set_result(None)
