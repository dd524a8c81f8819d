"""Old events: deletes what contracts keep no longer, once a day, a step at a time. What somebody still waits for stays."""

import time
from collections.abc import Callable, Collection, Generator, Sequence
from datetime import datetime
from typing import Final

import structlog

from bus import clock
from bus.actions import Action, Channel, Object, Verb, identify_operator, note
from bus.contracts import Catalogue
from bus.delivery.daily import DAY, Daily
from bus.delivery.relayed import read_relayed
from bus.delivery.subscriptions import Subscriptions
from bus.journal import JournalReader, Retention
from bus.storage import Prepared, Storage, Transaction
from bus.telemetry import EVENTS_DELETED

log = structlog.get_logger(__name__)

# First the subscriptions that are owed anything at all, by the partial indexes: most steps then ask no more.
_OWED: Final = Prepared(
    *(
        f"SELECT each.value FROM {each} WHERE "  # noqa: S608
        "EXISTS (SELECT 1 FROM deliveries WHERE subscription = each.value AND state = 0) OR "
        "EXISTS (SELECT 1 FROM deliveries WHERE subscription = each.value AND state = 2)"
        for each in ("json_each(:subscriptions) AS each", "unnest(CAST(:subscriptions AS int[])) AS each (value)")
    )
)
_HELD: Final = Prepared(
    sqlite="SELECT DISTINCT d.position FROM json_each(:subscriptions) AS each CROSS JOIN json_each(:positions) AS wanted "
    "CROSS JOIN deliveries AS d ON d.subscription = each.value AND d.position = wanted.value WHERE d.state + 0 IN (0, 2)",
    postgres="SELECT DISTINCT d.position FROM unnest(CAST(:subscriptions AS int[])) AS each (value) "
    "CROSS JOIN unnest(CAST(:positions AS bigint[])) AS wanted (value) "
    "JOIN deliveries AS d ON d.subscription = each.value AND d.position = wanted.value WHERE d.state + 0 IN (0, 2)",
)
"""Which events have a delivery that is pending or dead."""


class OldEvents:
    """Deletes the events that are older than their contracts keep them. Belongs to the relay's thread.

    No other thread makes deliveries of old events: replays, seeks and new subscriptions are the relay's work too.
    """

    def __init__(
        self,
        storage: Storage,
        journal: JournalReader,
        catalogue: Catalogue,
        subscriptions: Subscriptions,
        now: Callable[[], datetime] = clock.now,
        since_start: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._journal = journal
        self._catalogue = catalogue
        self._subscriptions = subscriptions
        self._retention = Retention(storage, self._find_held)
        self._daily = Daily(self._run, now, since_start)

    def look(self) -> bool:
        """Take the next step. Returns whether there is more to look at."""
        return self._daily.look()

    def _run(self, day: int) -> Generator[None, None, bool]:
        is_whole = True
        for number in self._catalogue.list_numbers():
            yield
            name = self._catalogue.name_of(number)
            days = self._catalogue.find_days_kept(name) if name else None
            if name and days is not None:
                is_whole &= yield from self._walk(name, number, days, (day - days) * DAY)
        return is_whole

    def _walk(self, name: str, number: int, days: int, before: int) -> Generator[None, None, bool]:
        """Delete the events of a contract that were recorded before a moment, in microseconds since 1970.

        Returns whether the relay had seen all of them. What it has not seen may still be owed to somebody.
        """
        with self._storage.read() as transaction:
            relayed = read_relayed(transaction)
        old = self._journal.position_before(before)
        until = min(old, relayed)
        started = reached = self._retention.begin_walk(number, until)
        deleted, held, is_last = 0, None, reached >= until
        while not is_last:
            reached, count, waiting, is_last = self._retention.take_step(number, reached, until)
            held = waiting if held is None else held
            deleted += count
            yield
        goes_on_at = reached if held is None else held - 1
        if deleted or goes_on_at > started:
            # Also if this walk deleted nothing: a walk that was killed may have.
            self._retention.forget_values(number)
        if goes_on_at > started:
            self._retention.end_walk(number, goes_on_at)
        if deleted:
            self._tell(name, deleted, days)
        return until == old

    def _find_held(self, transaction: Transaction, positions: Sequence[int]) -> Collection[int]:
        numbers = [one.number for one in self._subscriptions.by_number().values()]
        asked = {"subscriptions": transaction.numbers(numbers)}
        owed = [row[0] for row in transaction.rows(_OWED, asked)]
        if not owed:
            return ()
        asked = {"subscriptions": transaction.numbers(owed), "positions": transaction.numbers(positions)}
        return {row[0] for row in transaction.rows(_HELD, asked)}

    def _tell(self, name: str, deleted: int, days: int) -> None:
        EVENTS_DELETED.labels(name).inc(deleted)
        log.info("events.forgotten", contract=name, rows=deleted, days=days)
        details = {"rows": deleted, "days": days}
        by = identify_operator(Channel.PROCESS)
        with self._storage.write() as transaction:
            note(transaction, Action(Verb.EVENTS_FORGET, by, Object("contract", name), details=details))
