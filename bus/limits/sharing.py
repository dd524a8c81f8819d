"""Sharing: how the processes of a fleet hold one rate together.

Each process has the whole rate, so that a client with one connection is not held to a part of it. Once a second each one
writes what it was charged, and takes from its own buckets what the others wrote.

Promise: over time a participant gets its rate, whatever number of processes it uses; in a second it may get as much again
from each further process. A process that is alone writes no more than a sign of life.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

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
_ALIVE: Final = ""
"""The participant and limit of the row that says that a process lives."""

_Key = tuple[str, str, str]
"""Process, participant and limit."""
_WRITE: Final = sa.text(
    'INSERT INTO limits_spent (process, participant, "limit", spent, seen_at) '
    'VALUES (:process, :participant, :limit, :spent, :now) ON CONFLICT (process, participant, "limit") '
    "DO UPDATE SET spent = excluded.spent, seen_at = excluded.seen_at"
)


class Sharing:
    """One process's part in the exchange."""

    def __init__(self, storage: Storage, limits: Limits) -> None:
        self._storage = storage
        self._limits = limits
        self._process = new_id("process")
        self._written: dict[tuple[str, str], int] = {}
        self._beaten = 0
        self._seen: dict[_Key, int] | None = None

    async def follow(self) -> None:
        """Exchange every second until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.exchange)
            except Refused as refusal:
                log.warning("limits.not_shared", reason=refusal.slug)
            await asyncio.sleep(_SECONDS)

    def exchange(self) -> None:
        """Write what this process was charged, and take what the others were. Synchronous."""
        now = clock.now_micros()
        with self._storage.read() as connection:
            rows = connection.execute(sa.select(LIMITS_SPENT).where(LIMITS_SPENT.c.process != self._process)).all()
        self._charge(rows)
        self._write(now, has_others=any(row.seen_at > now - _ALIVE_MICROS for row in rows))

    def _charge(self, rows: Sequence[sa.Row[Any]]) -> None:
        """Charge what is new in the others' rows; what they spent before this process looked is past."""
        found = {(row.process, row.participant, row.limit): row.spent for row in rows if row.limit}
        seen, self._seen = self._seen, found
        if seen is None:
            return
        for key, spent in found.items():
            units = spent - seen.get(key, 0)
            if units:
                self._limits.of(key[1]).buckets[Limit(key[2])].charge_elsewhere(units)

    def _write(self, now: int, *, has_others: bool) -> None:
        changed = self._changed() if has_others else {}
        is_due = now - self._beaten > _BEAT_MICROS
        if not changed and not is_due:
            return
        rows = [(participant, limit, spent) for (participant, limit), spent in changed.items()]
        if is_due:
            rows.append((_ALIVE, _ALIVE, 0))
        values = [
            {"process": self._process, "participant": participant, "limit": limit, "spent": spent, "now": now}
            for participant, limit, spent in rows
        ]
        with self._storage.write(durable=False) as connection:
            connection.execute(_WRITE, values)
            if is_due:
                _forget(connection, now)
        self._written |= changed
        if is_due:
            self._beaten = now

    def _changed(self) -> dict[tuple[str, str], int]:
        """What was charged here since it was last written."""
        return {
            (participant, limit): bucket.spent
            for participant, allowance in self._limits.known()
            for limit in SHARED
            if (bucket := allowance.buckets[limit]).spent != self._written.get((participant, limit), 0)
        }


def _forget(connection: Connection, now: int) -> None:
    """Forget processes that ended long ago."""
    connection.execute(sa.delete(LIMITS_SPENT).where(LIMITS_SPENT.c.seen_at < now - _FORGOTTEN_MICROS))
