"""Slices: long work on the event loop's own thread, done in pieces of some milliseconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

from bus.heavy.turns import Shares, Turns

_SLICE_SECONDS: Final = 0.004
"""After this time, a piece of work gives the loop one turn for all other work."""


class Slices:
    """Lets at most one piece of long work use the event loop at a time. Belongs to one event loop."""

    def __init__(self, waiting: int = 1024, waiting_each: int = 256) -> None:
        self._turns = Turns(Shares(at_once=1, each=1, waiting=waiting, waiting_each=waiting_each))

    @asynccontextmanager
    async def begin(self, who: str) -> AsyncIterator["Slice"]:
        """A slice of the event loop for a participant's work, while the block runs."""
        async with self._turns.hold(who):
            yield Slice()


class Slice:
    """One piece of long work. Call `breathe` between its steps; each step takes at most a millisecond."""

    def __init__(self) -> None:
        self._until = perf_counter() + _SLICE_SECONDS

    async def breathe(self) -> None:
        """Give the loop one turn for all other work, if this piece of work has used its time."""
        if perf_counter() >= self._until:
            await asyncio.sleep(0)
            self._until = perf_counter() + _SLICE_SECONDS
