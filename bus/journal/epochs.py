"""Epochs: a restore begins a new epoch, since positions behind the restored state are given to other events.

Promise: a place that was given out in one epoch is never taken for another epoch's place. A place's number and the `sequence` of
an event are `epoch * POSITIONS + position`. So they grow over restores, and numbers of the first epoch are plain positions.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bus import clock
from bus.journal.statements import LAST
from bus.journal.tables import EPOCHS
from bus.storage import Storage, Transaction, announce, has_table

TOPIC: Final = "epochs"
"""The topic of `bus.storage.Changes`. By it, the upgrade of a restored back-up knows that an epoch has to begin."""
POSITIONS: Final = 10**12
"""Positions of one epoch: more than are ever given."""

_SPAN: Final = 120_000_000
"""Microseconds. Each span since `_FIRST` has a number for an epoch: whoever restores one back-up twice begins two epochs.

With shorter spans, the numbers of places would leave 64 bits within thirty years.
"""
_LATELY: Final = 3 * 24 * 3_600_000_000 // _SPAN
_FIRST: Final = 1_788_238_080_000_000
"""2026-09-01T04:48Z in microseconds since 1970. Spans once were ten minutes, from 2026 on: those numbers are smaller."""


class Epochs:
    """The epochs of the journal, in memory, as of the last `refresh`. Any thread may call it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._ends: Mapping[int, int] = {}

    def refresh(self) -> None:
        """Read the epochs."""
        with self._storage.read() as transaction:
            self._ends = {row.number: row.after for row in transaction.rows(sa.select(EPOCHS))}

    @property
    def current(self) -> int:
        """The present epoch's number."""
        return max(self._ends, default=0)

    def began_lately(self, now: datetime) -> bool:
        """Whether the bus was restored in the last three days: what broke off before may still be resumed."""
        return self.current > 0 and number_epoch(now) - self.current < _LATELY

    def find_common(self, epoch: int, position: int) -> int:
        """The last position up to `position` that the journal of an epoch and the present journal have in common."""
        known = self._ends
        if epoch and epoch not in known:
            # Its own restore was undone by another one. Nobody knows where it began.
            return 0
        return min([position, *(after for number, after in known.items() if number > epoch)])


def begin_epoch(transaction: Transaction, now: datetime | None = None, *, last: int = 0) -> int | None:
    """Begin an epoch behind the journal's newest position.

    Args:
        last: the number of an epoch that the database may not know, since a restore undid it.

    Returns:
        The epoch's number; None: the upgrade of the database will begin the epoch.
    """
    announce(transaction, TOPIC)
    if not has_table(transaction, EPOCHS.name):
        # A back-up of an earlier version. Its upgrade makes the table, and finds what was announced.
        return None
    newest = int(transaction.value(sa.select(sa.func.max(EPOCHS.c.number))) or 0)
    number = max(newest + 1, last + 1, number_epoch(now or clock.now()))
    transaction.execute(sa.insert(EPOCHS).values(number=number, after=transaction.value(LAST)))
    return number


def number_epoch(now: datetime) -> int:
    """The number of an epoch that begins now."""
    return (clock.micros(now) - _FIRST) // _SPAN


def join_place(epoch: int, position: int) -> int:
    """The number of a place in an epoch."""
    return epoch * POSITIONS + position


def split_place(number: int) -> tuple[int, int]:
    """The epoch and the position of a place's number."""
    return divmod(number, POSITIONS)
