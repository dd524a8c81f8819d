"""Slices: long work that needs the event loop's own thread, in pieces of some milliseconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

from bus.heavy.turns import Shares, Turns

_SLICE_SECONDS: Final = 0.004
"""After so long a piece of work lets the loop do everything else once."""


class Slices:
    """Lets one piece of long work hold the event loop at a time. Belongs to one event loop."""

    def __init__(self, waiting: int = 1024, waiting_each: int = 256) -> None:
        self._turns = Turns(Shares(at_once=1, each=1, waiting=waiting, waiting_each=waiting_each))

    @asynccontextmanager
    async def begin(self, who: str) -> AsyncIterator["Slice"]:
        """A slice of the loop for a participant, while the block runs."""
        async with self._turns.hold(who):
            yield Slice()


class Slice:
    """One piece of long work. Call `breathe` between its steps, each of which takes a millisecond at most."""

    def __init__(self) -> None:
        self._until = perf_counter() + _SLICE_SECONDS

    async def breathe(self) -> None:
        """Let the loop do everything else once, if this piece of work has held it long enough."""
        if perf_counter() >= self._until:
            await asyncio.sleep(0)
            self._until = perf_counter() + _SLICE_SECONDS
