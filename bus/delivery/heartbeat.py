"""Heartbeats: tell which processes with workers live.

They tell readiness if a bus accepts events and delivers none. They let another worker make the runs of a dead one.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import sqlalchemy as sa
import structlog

from bus import clock
from bus.delivery.ledger import Ledger
from bus.delivery.subscription import Subscription, Webhook
from bus.delivery.tables import HEARTBEATS
from bus.problem import Refused
from bus.storage import Storage

log = structlog.get_logger(__name__)

WEBHOOKS = "worker"
AGENCIES: Final = "adapters"
"""The roles that deliver, as the command line names them."""

_BEAT_SECONDS: Final = 2.0
_REGULAR_SECONDS: Final = 7.0
"""A process whose last beat is older sends nothing any more. Other processes take it for dead a little later."""
_STOPPED_SECONDS: Final = 10.0
"""A process whose heartbeat did not change for this time is dead."""
_GAP_SECONDS: Final = 5.0
"""If an observer did not look for this time, it observes anew: it, or the database, may have been away."""
_ALIVE_MICROS = 30_000_000
_FORGOTTEN_MICROS = 3_600_000_000


class Heartbeat:
    """One process's sign of life, for each of its roles that deliver."""

    def __init__(
        self, storage: Storage, roles: Collection[str], process: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`process` is the process's name. No other process ever has this name."""
        self._storage = storage
        self._roles = roles
        self._clock = clock
        self._beat_at = clock()
        self.process = process

    @property
    def is_regular(self) -> bool:
        """Whether other processes still see that this process lives."""
        return self._clock() < self._beat_at + _REGULAR_SECONDS

    def beat(self) -> None:
        """Write that this process lives. Synchronous."""
        begun = self._clock()
        now = clock.micros(clock.now())
        table = HEARTBEATS.c
        with self._storage.write(durable=False) as transaction:
            mine = sa.or_(table.process == self.process, table.seen_at < now - _FORGOTTEN_MICROS)
            transaction.execute(sa.delete(HEARTBEATS).where(mine))
            rows = [{"process": self.process, "role": role, "seen_at": now} for role in self._roles]
            transaction.execute(sa.insert(HEARTBEATS), rows)
        self._beat_at = begun

    async def follow(self) -> None:
        """Beat until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.beat)
            except Refused as refusal:
                log.warning("heartbeat.not_written", reason=refusal.slug)
            await asyncio.sleep(_BEAT_SECONDS)


class Pulse:
    """Tells whose heartbeat has stopped. It uses only its own clock, since clocks of two machines may differ."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_at = clock()
        self._changed: dict[str, tuple[int, float]] = {}

    def stopped(self, processes: Collection[str], beats: Mapping[str, int]) -> list[str]:
        """Which of some processes are dead.

        Args:
            beats: the time of each process's last heartbeat, by its own clock. A process without one may be dead too.
        """
        now = self._clock()
        if now > self._looked_at + _GAP_SECONDS:
            self._changed.clear()
        self._looked_at = now
        before, self._changed = self._changed, {}
        for process in processes:
            beat = beats.get(process, 0)
            known = before.get(process)
            self._changed[process] = (beat, now) if known is None or known[0] != beat else known
        return [process for process, (_, since) in self._changed.items() if now >= since + _STOPPED_SECONDS]


def read_beats(storage: Storage) -> dict[str, int]:
    """The last heartbeat of each process that had one in the last hour, in microseconds by its own clock."""
    last = sa.select(HEARTBEATS.c.process, sa.func.max(HEARTBEATS.c.seen_at)).group_by(HEARTBEATS.c.process)
    with storage.read() as transaction:
        return {row[0]: row[1] for row in transaction.rows(last)}


@dataclass(frozen=True, slots=True)
class Living:
    """A process that delivers and lives, and its roles."""

    process: str
    roles: tuple[str, ...]


def list_living(storage: Storage) -> list[Living]:
    """The processes that deliver, by their heartbeats."""
    since = clock.micros(clock.now()) - _ALIVE_MICROS
    wanted = sa.select(HEARTBEATS.c.process, HEARTBEATS.c.role).where(HEARTBEATS.c.seen_at >= since)
    with storage.read() as transaction:
        rows = sorted((row[0], row[1]) for row in transaction.rows(wanted))
    return [
        Living(process, tuple(role for _, role in group)) for process, group in groupby(rows, key=lambda row: row[0])
    ]


def find_unattended(storage: Storage, subscriptions: Sequence[Subscription]) -> list[str]:
    """The roles for which deliveries wait while no process with the role lives."""
    owing = set(Ledger(storage).find_owing_subscriptions())
    wanted = {
        WEBHOOKS if isinstance(subscription.sink, Webhook) else AGENCIES
        for subscription in subscriptions
        if subscription.number in owing
    }
    since = clock.micros(clock.now()) - _ALIVE_MICROS
    with storage.read() as transaction:
        living = {row[0] for row in transaction.rows(sa.select(HEARTBEATS.c.role).where(HEARTBEATS.c.seen_at >= since))}
    return sorted(wanted - living)
