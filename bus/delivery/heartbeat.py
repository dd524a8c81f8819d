"""Heartbeats: that somebody lives to make deliveries, so that a bus which only takes events in does not pass for ready."""

import asyncio
from collections.abc import Collection, Sequence

import sqlalchemy as sa
import structlog

from bus import clock
from bus.delivery.ledger import Ledger
from bus.delivery.subscriptions import Subscription, Webhook
from bus.delivery.tables import HEARTBEATS
from bus.ids import new_id
from bus.problem import Refused
from bus.storage import Storage

log = structlog.get_logger(__name__)

WEBHOOKS = "worker"
AGENCIES = "adapters"
"""The roles that deliver, as the command line names them."""

_BEAT_SECONDS = 5.0
_ALIVE_MICROS = 30_000_000
_FORGOTTEN_MICROS = 3_600_000_000


class Heartbeat:
    """One process's sign of life, for each of its roles that deliver."""

    def __init__(self, storage: Storage, roles: Collection[str]) -> None:
        self._storage = storage
        self._roles = roles
        self._process = new_id("process")

    def beat(self) -> None:
        """Say that this process lives. Synchronous."""
        now = clock.micros(clock.now())
        table = HEARTBEATS.c
        with self._storage.write(durable=False) as transaction:
            mine = sa.or_(table.process == self._process, table.seen_at < now - _FORGOTTEN_MICROS)
            transaction.execute(sa.delete(HEARTBEATS).where(mine))
            rows = [{"process": self._process, "role": role, "seen_at": now} for role in self._roles]
            transaction.execute(sa.insert(HEARTBEATS), rows)

    async def follow(self) -> None:
        """Beat until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.beat)
            except Refused as refusal:
                log.warning("heartbeat.not_written", reason=refusal.slug)
            await asyncio.sleep(_BEAT_SECONDS)


def unattended(storage: Storage, subscriptions: Sequence[Subscription]) -> list[str]:
    """The roles for which deliveries wait while no process with the role lives."""
    owing = set(Ledger(storage).owing_subscriptions())
    wanted = {
        WEBHOOKS if isinstance(subscription.sink, Webhook) else AGENCIES
        for subscription in subscriptions
        if subscription.number in owing
    }
    since = clock.micros(clock.now()) - _ALIVE_MICROS
    with storage.read() as transaction:
        living = {row[0] for row in transaction.rows(sa.select(HEARTBEATS.c.role).where(HEARTBEATS.c.seen_at >= since))}
    return sorted(wanted - living)
