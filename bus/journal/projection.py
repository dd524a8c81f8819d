"""What is looked up beside the journal: each record's newest event and the one before any, and which events are about whom.

Kept out of the append, of which these would be the dearest part: each of a group's events has another key and is about another
person, so that each would touch other pages, and the log would carry all of them. Here hundreds of events share a transaction.
"""

import asyncio
import contextlib
import time
from typing import Final

from sqlalchemy.engine import Connection

from bus.journal.tables import STRETCH
from bus.problem import Refused
from bus.storage import Storage, execute

_FEWEST, _FIRST, _MOST = 50, 200, 2000
"""Events in one transaction: many share its pages."""
_STEP_SECONDS: Final = 0.005
"""What a transaction may take, since appends wait for it: where persons are many, each event has a page of its own."""
_PAUSE_SECONDS: Final = 0.2

_LAST: Final = "SELECT coalesce(max(position), 0) FROM journal"
_REACHED: Final = "SELECT coalesce(max(position), 0) FROM journal_projected"
_BEGIN: Final = "INSERT INTO journal_projected (id, position) VALUES (1, 0) ON CONFLICT DO NOTHING"
_HELD: Final = "UPDATE journal_projected SET position = position RETURNING position"
"""The position, with the row locked against whoever projects in another process."""
_PERSONS: Final = (
    f"INSERT INTO journal_persons (stretch, person, position, contract_id) SELECT position / {STRETCH}, person, position, "  # noqa: S608
    "contract_id FROM journal WHERE position > :after AND position <= :until AND person IS NOT NULL"
)
_PRECEDING: Final = (
    "INSERT INTO journal_preceding (position, preceding) SELECT position, preceding FROM ("
    "SELECT j.position, coalesce(lag(j.position) OVER (PARTITION BY j.contract_id, j.key ORDER BY j.position), r.position) "
    "AS preceding FROM journal j LEFT JOIN records r ON r.contract_id = j.contract_id AND r.key = j.key "
    "WHERE j.position > :after AND j.position <= :until AND j.key IS NOT NULL) AS linked "
    "WHERE preceding IS NOT NULL ORDER BY position"
)
_RECORDS: Final = (
    "INSERT INTO records (contract_id, key, position) SELECT contract_id, key, max(position) FROM journal "
    "WHERE position > :after AND position <= :until AND key IS NOT NULL GROUP BY contract_id, key "
    "ON CONFLICT (contract_id, key) DO UPDATE SET position = excluded.position"
)
_RECORDS_ONE_BY_ONE: Final = (
    "INSERT INTO records (contract_id, key, position) SELECT contract_id, key, position FROM journal "
    "WHERE position > :after AND position <= :until AND key IS NOT NULL ORDER BY position "
    "ON CONFLICT (contract_id, key) DO UPDATE SET position = excluded.position"
)
ADD: Final = {
    # Preceding events before the records move on to this stretch's events.
    "postgresql": (_PERSONS, _PRECEDING, _RECORDS),
    # A record may move several times in one statement, and what it leaves is noted as it does: without sorting the events and
    # looking each record up twice, a stretch takes three fifths of the time.
    "sqlite": (_PERSONS, _RECORDS_ONE_BY_ONE),
}
"""What adds the events behind one position up to another."""
_MOVED: Final = "; ".join(ADD["sqlite"]).replace(":after", "old.position").replace(":until", "new.position")
_TRIGGERS: Final = (
    "CREATE TEMP TRIGGER IF NOT EXISTS note_preceding AFTER UPDATE ON records BEGIN "
    "INSERT INTO journal_preceding (position, preceding) VALUES (new.position, old.position); END",
    f"CREATE TEMP TRIGGER IF NOT EXISTS project AFTER UPDATE ON journal_projected BEGIN {_MOVED}; END",
)
"""With these SQLite adds events in the statement that moves the position: after each statement more, a batch's commit would wait
for the interpreter behind the event loop."""
_MOVE: Final = "UPDATE journal_projected SET position = :until"
_MOVE_ALONG: Final = (
    "UPDATE journal_projected SET position = min(position + :count, (SELECT coalesce(max(position), 0) FROM journal))"
)
_ABOUT: Final = (
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

    def take_along(self, connection: Connection, count: int) -> None:
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
            _have_triggers(connection)
            if not execute(connection, _MOVE_ALONG, taken).rowcount:
                execute(connection, _BEGIN)
                execute(connection, _MOVE_ALONG, taken)

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
        with self._storage.read() as connection:
            return int(execute(connection, _LAST).fetchone()[0])

    def _reached(self) -> int:
        with self._storage.read() as connection:
            return int(execute(connection, _REACHED).fetchone()[0])

    def _advance_to(self, position: int) -> None:
        while (reached := self._step()) is not None and reached < position:
            pass

    def _step(self) -> int | None:
        """Add the next events; the position that the tables reach now, None when the journal holds no more."""
        # What can be made again from the journal need not be on disk when this returns.
        with self._storage.write(durable=False) as connection:
            begun = self._spent()
            reached = _advance(connection, self._most)
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
        with self._storage.read() as connection:
            return [(row[0], row[1]) for row in execute(connection, _ABOUT, {"person": person})]


def next_size(size: int, seconds: float) -> int:
    """How many events the next transaction takes, after one of so many that took so long."""
    if seconds > _STEP_SECONDS:
        return max(_FEWEST, size // 2)
    return min(_MOST, size * 2) if seconds < _STEP_SECONDS / 2 else size


def _advance(connection: Connection, most: int) -> int | None:
    """Add at most so many of the next events to the tables; the position that they reach, None when there are no more."""
    held = execute(connection, _HELD).fetchone()
    if held is None:
        execute(connection, _BEGIN)
        held = execute(connection, _HELD).fetchone()
    after = int(held[0])
    until = min(after + most, int(execute(connection, _LAST).fetchone()[0]))
    if until <= after:
        return None
    if connection.dialect.name == "sqlite":
        _have_triggers(connection)
    else:
        for statement in ADD["postgresql"]:
            execute(connection, statement, {"after": after, "until": until})
    execute(connection, _MOVE, {"until": until})
    return until


def _have_triggers(connection: Connection) -> None:
    # Each time, since a transaction that is taken back takes them along.
    for trigger in _TRIGGERS:
        execute(connection, trigger)
