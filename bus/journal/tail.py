"""The journal's end: long-polls and the relay wait here for what comes next, without a thread each."""

import asyncio

import structlog

from bus.journal.read import JournalReader
from bus.problem import Unavailable

log = structlog.get_logger(__name__)


class Tail:
    """The newest position that this process knows of.

    This process's own appends are known at once. Appends of other processes are found by polling, only while somebody waits.
    Belongs to one event loop.
    """

    def __init__(self, reader: JournalReader, interval: float = 0.03) -> None:
        self._reader = reader
        self._interval = interval
        self._position = 0
        self._waiters = 0
        self._moved = asyncio.Event()

    @property
    def position(self) -> int:
        """The newest position known."""
        return self._position

    @property
    def waiters(self) -> int:
        """How many callers wait for it to move."""
        return self._waiters

    def advance(self, position: int) -> None:
        """Note that the journal reaches `position`, and wake all waiters."""
        if position > self._position:
            self._position = position
            self._moved.set()
            self._moved = asyncio.Event()

    async def beyond(self, position: int, seconds: float) -> bool:
        """Wait until the journal reaches past a position. Returns False if that did not happen within `seconds`."""
        self._waiters += 1
        try:
            async with asyncio.timeout(seconds):
                while self._position <= position:
                    await self._moved.wait()
        except TimeoutError:
            return False
        finally:
            self._waiters -= 1
        return True

    async def follow(self) -> None:
        """Look for what other processes append, until cancelled."""
        while True:
            if self._waiters:
                try:
                    self.advance(await asyncio.to_thread(self._reader.last_position))
                except Unavailable:
                    log.warning("journal.database_does_not_answer")
                    await asyncio.sleep(0.5)
            await asyncio.sleep(self._interval)
