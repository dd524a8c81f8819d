"""Old events: deletes what contracts keep no longer, once a day, a step at a time. What somebody still waits for stays."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Final

import structlog

from bus import clock
from bus.actions import Action, Channel, Object, Verb, identify_operator, note
from bus.contracts import Catalogue
from bus.delivery.relayed import read_relayed
from bus.delivery.subscriptions import Subscriptions
from bus.journal import JournalReader, Retention
from bus.storage import Prepared, Storage, Transaction
from bus.telemetry import EVENTS_DELETED

log = structlog.get_logger(__name__)

_DAY: Final = 24 * 3600 * 1_000_000
_LOOK_SECONDS: Final = 60.0
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
        self._now = now
        self._since_start = since_start
        self._looks_at = 0.0
        self._finished_day = -1
        self._is_whole = True
        self._running: Iterator[None] | None = None

    def look(self) -> bool:
        """Take the next step. Returns whether there is more to look at."""
        if self._running is None:
            if self._since_start() < self._looks_at:
                return False
            self._looks_at = self._since_start() + _LOOK_SECONDS
            day = clock.micros(self._now()) // _DAY
            if day == self._finished_day:
                return False
            self._running = self._run(day)
        try:
            next(self._running)
        except StopIteration:
            self._running = None
        return self._running is not None

    def _run(self, day: int) -> Iterator[None]:
        self._is_whole = True
        for number in self._catalogue.list_numbers():
            yield
            name = self._catalogue.name_of(number)
            days = self._catalogue.find_days_kept(name) if name else None
            if name and days is not None:
                yield from self._walk(name, number, days, (day - days) * _DAY)
        # Else the relay was behind: what it has not seen yet is looked at again in a minute.
        self._finished_day = day if self._is_whole else -1

    def _walk(self, name: str, number: int, days: int, before: int) -> Iterator[None]:
        """Delete the events of a contract that were recorded before a moment, in microseconds since 1970."""
        with self._storage.read() as transaction:
            relayed = read_relayed(transaction)
        old = self._journal.position_before(before)
        until = min(old, relayed)
        self._is_whole = self._is_whole and until == old
        started = reached = self._retention.begin_walk(number, until)
        deleted, held, is_last = 0, None, reached >= until
        while not is_last:
            reached, count, waiting, is_last = self._retention.take_step(number, reached, until)
            held = waiting if held is None else held
            deleted += count
            yield
        goes_on_at = reached if held is None else held - 1
        if goes_on_at > started:
            self._retention.end_walk(number, goes_on_at)
        if deleted:
            self._retention.forget_values(number)
            self._tell(name, deleted, days)

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
