"""Tables beside the journal: each record's newest event, the event before each event, and the events about each person.

The append of single events does not write them: they would be its most expensive part. Each event of a group has another key and
another person, so each would change other pages of the database. Here hundreds of events share a transaction, or a batch's own.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from bus.journal import statements
from bus.journal.tables import STRETCH
from bus.problem import Refused
from bus.storage import Storage, Transaction

_FEWEST, _FIRST, _MOST = 50, 200, 2000
"""Events in one transaction: the fewest, the first number, the most. Many events share changed pages."""
_STEP_SECONDS: Final = 0.005
"""How long a transaction may take, since appends wait for it. With many persons, each event changes a page of its own."""
_PAUSE_SECONDS: Final = 0.2


class Projection:
    """Brings the tables beside the journal up to date. Synchronous, except `follow`: call it from a thread.

    Promise: an answer covers every event that was acknowledged before the question. The reader first calls `reach` or
    `reach_end`. The tables can be made again from the journal.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._most = _FIRST
        self._appended = 0
        # With SQLite, only this thread's own time counts. On a busy machine it waits longer for the interpreter lock. That wait
        # does not depend on the number of events, so it would make steps ever smaller and more.
        self._spent = time.thread_time if storage.is_sqlite else time.monotonic

    def reach(self, position: int) -> None:
        """Bring the tables up to a position of the journal, at least."""
        if self._read_reached() < position:
            self._advance_to(position)

    def reach_end(self) -> int:
        """Bring the tables up to the journal's present end, and return that position."""
        end = self._read_end()
        self.reach(end)
        return end

    def take_along(self, transaction: Transaction, count: int) -> None:
        """Count the events that a transaction appends. Once they are enough for a step, add as many of the next events in it.

        SQLite has one writer at a time, so large appends would wait for another thread's steps. A step takes the events of
        several appends. They change few more pages than one append does. With PostgreSQL, steps run beside appends.
        """
        if not self._storage.is_sqlite:
            return
        self._appended += count
        if self._appended >= _MOST:
            taken = {"count": self._appended}
            self._appended = 0
            statements.have_triggers(transaction)
            if not transaction.execute(statements.MOVE_PROJECTION_ALONG, taken):
                transaction.execute(statements.BEGIN_PROJECTION)
                transaction.execute(statements.MOVE_PROJECTION_ALONG, taken)

    async def follow(self) -> None:
        """Keep the tables near the journal's end, until cancelled. A question then has little left to wait for."""
        while True:
            # A reader that asks meanwhile gets the error itself. The next round tries again.
            with contextlib.suppress(Refused):
                await self._follow_to_end()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow_to_end(self) -> None:
        end = await asyncio.to_thread(self._read_end)
        reached: int | None = await asyncio.to_thread(self._read_reached)
        # Each step is a call of its own. A thread cannot be cancelled, and a process that stops waits for its threads. One call
        # for a million events would make it wait for minutes.
        while reached is not None and reached < end:
            reached = await asyncio.to_thread(self._take_step)

    def _read_end(self) -> int:
        with self._storage.read() as transaction:
            return int(transaction.value(statements.LAST))

    def _read_reached(self) -> int:
        with self._storage.read() as transaction:
            return int(transaction.value(statements.REACHED))

    def _advance_to(self, position: int) -> None:
        while (reached := self._take_step()) is not None and reached < position:
            pass

    def _take_step(self) -> int | None:
        """Add the next events. Returns the position that the tables reach now; None if the journal holds no more."""
        # The tables can be made again from the journal, so they need not be on disk when this returns.
        with self._storage.write(durable=False) as transaction:
            begun = self._spent()
            reached = _advance(transaction, self._most)
        self._most = next_size(self._most, self._spent() - begun)
        return reached


class Persons:
    """Which events are about which person. Synchronous: call it from a thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._projection = Projection(storage)

    def events_about(self, person: str) -> list[tuple[int, int]]:
        """(position, contract id) of every event about a person, oldest first."""
        self._projection.reach_end()
        with self._storage.read() as transaction:
            return [(row[0], row[1]) for row in transaction.rows(statements.ABOUT_PERSON, {"person": person})]

    def find_persons(self, positions: Iterable[int]) -> set[str]:
        """The persons that the events at some positions are about."""
        self._projection.reach_end()
        found: set[str] = set()
        with self._storage.read() as transaction:
            for stretch, some in groupby(sorted(positions), key=lambda position: position // STRETCH):
                asked = {"stretch": stretch, "positions": transaction.numbers(some)}
                found.update(row[0] for row in transaction.rows(statements.PERSONS_AT, asked))
        return found


def next_size(size: int, seconds: float) -> int:
    """How many events the next transaction takes, after one of `size` events that took `seconds`."""
    if seconds > _STEP_SECONDS:
        return max(_FEWEST, size // 2)
    return min(_MOST, size * 2) if seconds < _STEP_SECONDS / 2 else size


def _advance(transaction: Transaction, most: int) -> int | None:
    """Add at most `most` of the next events. Returns the position that the tables reach; None if there are no more."""
    after = transaction.value(statements.HOLD_PROJECTION)
    if after is None:
        transaction.execute(statements.BEGIN_PROJECTION)
        after = transaction.value(statements.HOLD_PROJECTION)
    until = min(int(after) + most, int(transaction.value(statements.LAST)))
    if until <= after:
        return None
    statements.project(transaction, after, until)
    return until
