"""Sharing: how the processes of a fleet hold one rate together.

Each process has the whole rate, so that a client with one connection is not held to a part of it. Once a second each one
writes what it was charged, and takes from its own buckets what the others wrote.

Promise: over time a participant gets its rate, whatever number of processes it uses; in a second it may get as much again
from each further process. A process that is alone writes no more than a sign of life, and what was charged in that time it
tells nobody later.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
import structlog

from bus import clock
from bus.ids import new_id
from bus.limits.limits import Limits
from bus.limits.policy import SHARED, Limit
from bus.limits.tables import LIMITS_SPENT
from bus.problem import Refused
from bus.storage import Storage

log = structlog.get_logger(__name__)

_SECONDS: Final = 1.0
_BEAT_MICROS: Final = 5_000_000
_ALIVE_MICROS: Final = 15_000_000
_FORGOTTEN_MICROS: Final = 3_600_000_000
"""After so long without a sign of life others forget a process."""
_LOST_MICROS: Final = _FORGOTTEN_MICROS // 2
"""After so long a process takes itself for forgotten: it is before the others forget it."""
_ALIVE: Final = ""
"""The participant and limit of the row that says that a process lives."""

_Spent = Mapping[tuple[str, str], int]
"""Units by participant and limit."""
_Key = tuple[str, str, str]
"""Process, participant and limit."""
_WRITE: Final = sa.text(
    'INSERT INTO limits_spent (process, participant, "limit", spent, seen_at) '
    'VALUES (:process, :participant, :limit, :spent, :now) ON CONFLICT (process, participant, "limit") '
    "DO UPDATE SET spent = excluded.spent, seen_at = excluded.seen_at"
)


class Sharing:
    """One process's part in the exchange. Belongs to one event loop."""

    def __init__(self, storage: Storage, limits: Limits, now: Callable[[], int] = clock.now_micros) -> None:
        """`now` is this moment, in microseconds since 1970."""
        self._storage = storage
        self._limits = limits
        self._now = now
        self._process = ""
        self._untold: _Spent = {}
        """What was charged here while nobody else was there."""
        self._told: _Spent = {}
        self._beaten = 0
        self._seen: dict[_Key, int] | None = None

    async def follow(self) -> None:
        """Exchange every second until cancelled."""
        while True:
            try:
                await self.exchange()
            except Refused as refusal:
                log.warning("limits.not_shared", reason=refusal.slug)
            await asyncio.sleep(_SECONDS)

    async def exchange(self) -> None:
        """Take what the others were charged, and write what this process was."""
        now = self._now()
        if now - self._beaten > _LOST_MICROS:
            self._begin()
        rows = await asyncio.to_thread(self._others)
        self._charge(rows)
        changed = self._changed(has_others=any(row.seen_at > now - _ALIVE_MICROS for row in rows))
        is_due = now - self._beaten > _BEAT_MICROS
        if changed or is_due:
            await asyncio.to_thread(self._write, changed, now, is_due=is_due)
            self._told = {**self._told, **changed}
        if is_due:
            self._beaten = now

    def _begin(self) -> None:
        """Begin as a process that nobody knows, and for which everything is past."""
        self._process = new_id("process")
        self._untold = self._spent()
        self._told = {}
        self._seen = None

    def _charge(self, rows: Sequence[sa.Row[Any]]) -> None:
        """Charge what is new in the others' rows; what they spent before this process looked is past."""
        found = {(row.process, row.participant, row.limit): row.spent for row in rows if row.limit}
        seen, self._seen = self._seen, found
        if seen is None:
            return
        for (process, participant, limit), spent in found.items():
            units = spent - seen.get((process, participant, limit), 0)
            # A newer version's process may have limits that this one does not know.
            if units and limit in SHARED:
                self._limits.of(participant).buckets[Limit(limit)].charge_elsewhere(units)

    def _changed(self, *, has_others: bool) -> _Spent:
        """What the others are to be told; what was charged while there are none is past for those that come."""
        spent = self._spent()
        if not has_others:
            self._untold = {key: units - self._told.get(key, 0) for key, units in spent.items()}
            return {}
        totals = {key: units - self._untold.get(key, 0) for key, units in spent.items()}
        return {key: total for key, total in totals.items() if total != self._told.get(key, 0)}

    def _spent(self) -> _Spent:
        return {
            (participant, limit): allowance.buckets[limit].spent
            for participant, allowance in self._limits.known()
            for limit in SHARED
        }

    def _others(self) -> Sequence[sa.Row[Any]]:
        with self._storage.read() as transaction:
            return transaction.rows(sa.select(LIMITS_SPENT).where(LIMITS_SPENT.c.process != self._process))

    def _write(self, changed: _Spent, now: int, *, is_due: bool) -> None:
        rows = [(participant, limit, spent) for (participant, limit), spent in changed.items()]
        if is_due:
            rows.append((_ALIVE, _ALIVE, 0))
        values = [
            {"process": self._process, "participant": participant, "limit": limit, "spent": spent, "now": now}
            for participant, limit, spent in rows
        ]
        with self._storage.write(durable=False) as transaction:
            transaction.execute(_WRITE, values)
            if is_due:
                transaction.execute(sa.delete(LIMITS_SPENT).where(LIMITS_SPENT.c.process.in_(_gone(now))))


def _gone(now: int) -> sa.Select[tuple[str]]:
    """The processes that gave no sign of life for long; how old their other rows are says nothing of that."""
    is_old = LIMITS_SPENT.c.seen_at < now - _FORGOTTEN_MICROS
    return sa.select(LIMITS_SPENT.c.process).where(LIMITS_SPENT.c.limit == _ALIVE, is_old)
