"""What is looked up beside the journal: each record's newest event and the one before any, and which events are about whom.

Kept out of the append, of which these would be the dearest part: each of a group's events has another key and is about another
person, so that each would touch other pages, and the log would carry all of them. Here hundreds of events share a transaction.
"""

import asyncio
import contextlib
import time
from typing import Final

from bus.journal import statements
from bus.journal.tables import STRETCH
from bus.problem import Refused
from bus.storage import Prepared, Storage, Transaction

_FEWEST, _FIRST, _MOST = 50, 200, 2000
"""Events in one transaction: many share its pages."""
_STEP_SECONDS: Final = 0.005
"""What a transaction may take, since appends wait for it: where persons are many, each event has a page of its own."""
_PAUSE_SECONDS: Final = 0.2

_BEGIN: Final = Prepared.in_both("INSERT INTO journal_projected (id, position) VALUES (1, 0) ON CONFLICT DO NOTHING")
_HELD: Final = Prepared.in_both("UPDATE journal_projected SET position = position RETURNING position")
"""The position, with the row locked against whoever projects in another process."""
_MOVE_ALONG: Final = Prepared(
    sqlite="UPDATE journal_projected SET position = min(position + :count, (SELECT coalesce(max(position), 0) FROM journal))"
)
_ABOUT: Final = Prepared.in_both(
    "WITH RECURSIVE stretches (stretch) AS (SELECT 0 UNION ALL SELECT stretch + 1 FROM stretches "  # noqa: S608
    f"WHERE stretch < (SELECT max(position) / {STRETCH} FROM journal_projected)) "
    "SELECT position, contract_id FROM stretches JOIN journal_persons AS p USING (stretch) WHERE person = :person "
    "ORDER BY position"
)


class Projection:
    """Brings the tables beside the journal up to it. Synchronous, save for `follow`: call it from a thread.

    Promise: what was acknowledged before a question is in its answer, since who asks has the tables brought up first. They
    can be made again from the journal.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._most = _FIRST
        self._appended = 0
        # With SQLite the time of its own thread: on a busy machine the waiting for the interpreter lock, which is longer, does
        # not depend on the number of events, and steps would become ever smaller and more.
        self._spent = time.thread_time if storage.is_sqlite else time.monotonic

    def reach(self, position: int) -> None:
        """Have the tables hold the journal at least up to a position of it."""
        if self._reached() < position:
            self._advance_to(position)

    def reach_end(self) -> None:
        """Have the tables hold what the journal holds now."""
        self.reach(self._end())

    def take_along(self, transaction: Transaction, count: int) -> None:
        """Count the events that a transaction appends, and where they are enough for a step, add as many of the next in it.

        With SQLite, where writers exclude each other, large appends waited as long for another thread's steps, which still left
        half of the events behind. Not each append adds its own: the persons of two thousand events stand on little more pages
        than those of five hundred. With PostgreSQL steps go on beside appends.
        """
        if not self._storage.is_sqlite:
            return
        self._appended += count
        if self._appended >= _MOST:
            taken = {"count": self._appended}
            self._appended = 0
            statements.have_triggers(transaction)
            if not transaction.execute(_MOVE_ALONG, taken):
                transaction.execute(_BEGIN)
                transaction.execute(_MOVE_ALONG, taken)

    async def follow(self) -> None:
        """Keep the tables near the journal's end, until cancelled, so that a question finds little left to do."""
        while True:
            # Whoever asks meanwhile is told; the next round tries again.
            with contextlib.suppress(Refused):
                await self._follow_to_end()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow_to_end(self) -> None:
        end = await asyncio.to_thread(self._end)
        reached: int | None = await asyncio.to_thread(self._reached)
        # Each step in a call of its own: a thread goes on when who waits for it is cancelled, and a process that stops waits for
        # its threads, which after a million events would be minutes.
        while reached is not None and reached < end:
            reached = await asyncio.to_thread(self._step)

    def _end(self) -> int:
        with self._storage.read() as transaction:
            return int(transaction.value(statements.LAST))

    def _reached(self) -> int:
        with self._storage.read() as transaction:
            return int(transaction.value(statements.REACHED))

    def _advance_to(self, position: int) -> None:
        while (reached := self._step()) is not None and reached < position:
            pass

    def _step(self) -> int | None:
        """Add the next events; the position that the tables reach now, None when the journal holds no more."""
        # What can be made again from the journal need not be on disk when this returns.
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
            return [(row[0], row[1]) for row in transaction.rows(_ABOUT, {"person": person})]


def next_size(size: int, seconds: float) -> int:
    """How many events the next transaction takes, after one of so many that took so long."""
    if seconds > _STEP_SECONDS:
        return max(_FEWEST, size // 2)
    return min(_MOST, size * 2) if seconds < _STEP_SECONDS / 2 else size


def _advance(transaction: Transaction, most: int) -> int | None:
    """Add at most so many of the next events to the tables; the position that they reach, None when there are no more."""
    after = transaction.value(_HELD)
    if after is None:
        transaction.execute(_BEGIN)
        after = transaction.value(_HELD)
    until = min(int(after) + most, int(transaction.value(statements.LAST)))
    if until <= after:
        return None
    statements.project(transaction, after, until)
    return until
