"""Remains: what deleted subscriptions left, and the steps that delete it."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
import structlog

from bus import clock
from bus.delivery.removal import STEP, look, remove
from bus.delivery.tables import DELETED_SUBSCRIPTIONS, HEALTH, PULL_LEASES
from bus.storage import Storage, Transaction

log = structlog.get_logger(__name__)

_LATE: Final = 3_600_000_000
"""Microseconds after a deletion in which a process that did not hear of it may still write. They are longer than any lease."""
_LOOK_SECONDS: Final = 5.0
_TABLE: Final = DELETED_SUBSCRIPTIONS.c


def leave(transaction: Transaction, number: int, id: str, now: int) -> None:
    """Note, in the transaction that deletes a subscription, that what it leaves has to be deleted."""
    transaction.execute(sa.insert(DELETED_SUBSCRIPTIONS).values(number=number, id=id, deleted_at=now))


class Remains:
    """Deletes what deleted subscriptions left, a step at a time. Belongs to the relay's thread.

    A step may be the last of its process: the next leader goes on.
    """

    def __init__(
        self,
        storage: Storage,
        now: Callable[[], datetime] = clock.now,
        since_start: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._now = now
        self._since_start = since_start
        self._looks_at = 0.0
        self._running: Iterator[None] | None = None

    def look(self) -> bool:
        """Take the next step. Returns whether there is more to delete."""
        if self._running is None:
            if self._since_start() < self._looks_at:
                return False
            self._looks_at = self._since_start() + _LOOK_SECONDS
            self._running = self._run()
        try:
            next(self._running)
        except StopIteration:
            self._running = None
        return self._running is not None

    def _run(self) -> Iterator[None]:
        with self._storage.read() as transaction:
            deleted = transaction.rows(sa.select(DELETED_SUBSCRIPTIONS).order_by(_TABLE.number))
        for one in deleted:
            removed = 0
            for count in self._empty(one.number):
                removed += count
                yield
            if removed:
                log.info("subscription.deliveries_removed", subscription=one.id, deliveries=removed)
            if not removed and clock.micros(self._now()) > one.deleted_at + _LATE:
                self._forget(one)

    def _empty(self, number: int) -> Iterator[int]:
        """Delete the deliveries of a subscription. Gives the number of each step."""
        after = 0
        while seen := look(self._storage, number, after):
            yield remove(self._storage, number, [one.position for one in seen])
            after = seen[-1].position
        yield 0

    def _forget(self, one: Any) -> None:
        """Delete the last rows of a subscription; nobody writes more of them. Rows of `leases` end by themselves."""
        with self._storage.write(durable=False) as transaction:
            held = sa.select(PULL_LEASES.c.id).where(PULL_LEASES.c.subscription == one.number)
            few = held.order_by(PULL_LEASES.c.due_at).limit(STEP).scalar_subquery()
            if transaction.execute(sa.delete(PULL_LEASES).where(PULL_LEASES.c.id.in_(few))):
                return
            transaction.execute(sa.delete(HEALTH).where(HEALTH.c.subscription == one.number))
            transaction.execute(sa.delete(DELETED_SUBSCRIPTIONS).where(_TABLE.number == one.number))
