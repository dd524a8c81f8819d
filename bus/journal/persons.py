"""Which events are about which person: an index beside the journal, brought up to its end before it is asked.

Kept out of the append, of which it would be the dearest part: each of a group's events is about another person, so that each
would touch another page of the index, and the log would carry all of them. Here thousands of events share a transaction.
"""

import asyncio
import contextlib
from typing import Final

import sqlalchemy as sa

from bus.journal.tables import JOURNAL, PERSONS, PERSONS_INDEXED
from bus.problem import Unavailable
from bus.storage import Storage

_STEP: Final = 2_000
"""Events in one transaction: few enough that an append does not notice that it waits for it."""
_PAUSE_SECONDS: Final = 1.0

_BEGIN: Final = "INSERT INTO journal_persons_indexed (id, position) VALUES (1, 0) ON CONFLICT DO NOTHING"
_INDEXED = sa.select(PERSONS_INDEXED.c.position)
_UNTIL: Final[sa.Select[tuple[int | None]]] = sa.select(sa.func.max(sa.column("position"))).select_from(
    sa.select(JOURNAL.c.position)
    .where(JOURNAL.c.position > sa.bindparam("after"))
    .order_by(JOURNAL.c.position)
    .limit(_STEP)
    .subquery()
)
_ADD = sa.insert(PERSONS).from_select(
    ["person", "position", "contract_id"],
    sa.select(JOURNAL.c.person, JOURNAL.c.position, JOURNAL.c.contract_id).where(
        JOURNAL.c.position > sa.bindparam("after"),
        JOURNAL.c.position <= sa.bindparam("until"),
        JOURNAL.c.person.is_not(None),
    ),
)
_ABOUT = (
    sa.select(PERSONS.c.position, PERSONS.c.contract_id)
    .where(PERSONS.c.person == sa.bindparam("person"))
    .order_by(PERSONS.c.position)
)


class Persons:
    """The index. Synchronous, save for `follow`: call it from a thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def events_about(self, person: str) -> list[tuple[int, int]]:
        """(position, contract id) of every event about a person, oldest first."""
        self.catch_up()
        with self._storage.read() as connection:
            return [(row.position, row.contract_id) for row in connection.execute(_ABOUT, {"person": person})]

    def catch_up(self) -> None:
        """Bring the index up to the journal's present end."""
        while self._step():
            pass

    async def follow(self) -> None:
        """Keep the index near the journal's end, until cancelled, so that a question finds little left to do."""
        while True:
            # Whoever asks meanwhile is told; the next round tries again.
            with contextlib.suppress(Unavailable):
                await asyncio.to_thread(self.catch_up)
            await asyncio.sleep(_PAUSE_SECONDS)

    def _step(self) -> bool:
        with self._storage.read() as connection:
            after = connection.execute(_INDEXED).scalar() or 0
            if connection.execute(_UNTIL, {"after": after}).scalar() is None:
                return False
        # What can be made again from the journal need not be on disk when this returns.
        with self._storage.write(durable=False) as connection:
            connection.exec_driver_sql(_BEGIN)
            after = connection.execute(_INDEXED.with_for_update()).scalar_one()
            until = connection.execute(_UNTIL, {"after": after}).scalar()
            if until is not None:
                connection.execute(_ADD, {"after": after, "until": until})
                connection.execute(sa.update(PERSONS_INDEXED).values(position=until))
        return until is not None
