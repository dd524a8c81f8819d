"""Expiry: deletes deliveries that were delivered or discarded longer ago than the operator keeps them, with their attempts."""

import time
from collections.abc import Callable, Generator, Iterator
from datetime import datetime

import structlog

from bus import clock
from bus.actions import Action, Channel, Object, Verb, identify_operator, note
from bus.delivery.daily import DAY, Daily
from bus.delivery.relayed import read_relayed
from bus.delivery.removal import look, remove
from bus.delivery.subscriptions import Subscriptions
from bus.journal import JournalReader
from bus.storage import Storage

log = structlog.get_logger(__name__)


class Expiry:
    """Deletes old settled deliveries once a day, a step at a time. Belongs to the relay's thread.

    A delivery is settled after its event was recorded. So no step looks behind the last event that is old enough, and no index
    by time is needed. Pending and dead deliveries stay, however old they are.
    """

    def __init__(
        self,
        storage: Storage,
        journal: JournalReader,
        subscriptions: Subscriptions,
        days: int,
        now: Callable[[], datetime] = clock.now,
        since_start: Callable[[], float] = time.monotonic,
    ) -> None:
        """`days`: how long a settled delivery is kept after its day (UTC) has ended; 0: for good."""
        self._storage = storage
        self._journal = journal
        self._subscriptions = subscriptions
        self._days = days
        self._daily = Daily(self._run, now, since_start)

    def look(self) -> bool:
        """Take the next step. Returns whether there is more to look at."""
        return self._days > 0 and self._daily.look()

    def _run(self, day: int) -> Generator[None, None, bool]:
        before = (day - self._days) * DAY
        with self._storage.read() as transaction:
            relayed = read_relayed(transaction)
        last = min(self._journal.position_before(before), relayed)
        removed = 0
        for number in list(self._subscriptions.by_number()) if last else ():
            for count in self._expire(number, last, before):
                removed += count
                yield
        if removed:
            self._tell(removed)
        return True

    def _expire(self, number: int, last: int, before: int) -> Iterator[int]:
        """Go through the old deliveries of a subscription. Gives how many each step deletes."""
        after = 0
        while seen := look(self._storage, number, after, last):
            old = [one.position for one in seen if one.is_settled(before)]
            yield remove(self._storage, number, old, before) if old else 0
            after = seen[-1].position
        yield 0

    def _tell(self, removed: int) -> None:
        log.info("deliveries.forgotten", rows=removed, days=self._days)
        details = {"rows": removed, "days": self._days}
        by = identify_operator(Channel.PROCESS)
        with self._storage.write() as transaction:
            note(transaction, Action(Verb.DELIVERIES_FORGET, by, Object("bus", "deliveries"), details=details))
