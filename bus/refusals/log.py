"""The log of refusals: it adds counts, shows them to the participants that may see them, and deletes old ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bus import clock
from bus.contracts import Succession, find_successions
from bus.refusals.jump import BEFORE, SHOWN, Hour, Jump, find_jumps
from bus.refusals.recent import RefusedEvent, add_events, find_event, forget_events
from bus.refusals.refusal import Refusal, round_to_hour
from bus.refusals.tables import REFUSALS
from bus.refusals.tally import Count
from bus.refusals.visible import list_conditions, select_newest
from bus.storage import Storage, Transaction

_DAY: Final = 24 * 3_600_000_000
_STEP: Final = 500
_MOST_CHANGES: Final = 100

_ADD: Final = sa.text("""
    INSERT INTO refusals (hour, contract, version, owner, participant, client_id, rule, pointer, count, events, first_at, last_at)
    VALUES (:hour, :contract, :version, :owner, :participant, :client_id, :rule, :pointer, :count, :events, :first_at, :last_at)
    ON CONFLICT (hour, contract, version, owner, participant, client_id, rule, pointer) DO UPDATE SET
        count = refusals.count + excluded.count,
        events = refusals.events + excluded.events,
        first_at = CASE WHEN excluded.first_at < refusals.first_at THEN excluded.first_at ELSE refusals.first_at END,
        last_at = CASE WHEN excluded.last_at > refusals.last_at THEN excluded.last_at ELSE refusals.last_at END
""")
_FORGET: Final = sa.delete(REFUSALS).where(
    REFUSALS.c.id.in_(
        sa.select(REFUSALS.c.id)
        .where(REFUSALS.c.hour < sa.bindparam("before"))
        .order_by(REFUSALS.c.hour)
        .limit(_STEP)
        .scalar_subquery()
    )
)


@dataclass(frozen=True, slots=True)
class CountedRefusal:
    """A row of the log: a refusal, with its count and times."""

    id: int
    refusal: Refusal
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """A jump of a producer's refusals, after a contract version replaced another one."""

    contract: str
    version: str
    activated_at: datetime
    jump: Jump


@dataclass(frozen=True, slots=True)
class RefusedCount:
    """How many events of a sender were refused under a contract. `contract` is empty if they name none that is registered."""

    participant: str
    contract: str
    events: int
    last_at: datetime


class RefusalLog:
    """The refusals of all processes, by the hour. Synchronous: call it from threads.

    A method's `reader` is the participant that reads, or None for the operator. A participant sees the refusals of its own
    events, and all refusals under the contracts that it owns.
    """

    def __init__(self, storage: Storage, days: int = 30) -> None:
        """`days`: how long counts are kept."""
        self._storage = storage
        self._days = days

    def add(self, counted: Mapping[Refusal, Count], events: Mapping[bytes, Mapping[str, Any]] | None = None) -> None:
        """Add counts and refused events in one small transaction; a power failure may undo it, which loses seconds of them.

        Args:
            counted: the counts.
            events: rows of `RecentRefusals.take`.
        """
        # In order, so that two processes never wait for each other's rows.
        rows = [{**refusal._asdict(), **_make_numbers(counted[refusal])} for refusal in sorted(counted)]
        with self._storage.write(durable=False) as transaction:
            if rows:
                transaction.execute(_ADD, rows)
            add_events(transaction, events or {})

    def forget(self, now: datetime) -> int:
        """Delete some of the counts that are older than they are kept, and old refused events; return how many counts."""
        with self._storage.write(durable=False) as transaction:
            forget_events(transaction, clock.micros(now))
            return transaction.execute(_FORGET, {"before": round_to_hour(clock.micros(now)) - self._days * _DAY})

    def find_event(self, participant: str, source: str, id: str) -> RefusedEvent | None:
        """The last refusal of a participant's event; None: none is known. Refusals are written once a second."""
        with self._storage.read() as transaction:
            return find_event(transaction, participant, source, id)

    def search(
        self,
        contract: str | None = None,
        reader: str | None = None,
        *,
        since: datetime | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[CountedRefusal]:
        """At most `limit` rows, the newest first.

        Args:
            contract: the contract's name; None: all contracts.
            reader: the participant that reads; None: the operator.
            since: only rows whose last refusal is at this moment or later.
            before: only rows with a lower id, for the next page. None: the first page.
            limit: the most rows.
        """
        statement = select_newest(REFUSALS.c.last_at, contract, reader, since=since, before=before, limit=limit)
        with self._storage.read() as transaction:
            return [_make_found(row) for row in transaction.rows(statement)]

    def count_since(self, since: datetime, reader: str | None = None) -> list[RefusedCount]:
        """How many events were refused in the hours since then, by sender and contract."""
        table = REFUSALS.c
        by = (table.participant, table.contract)
        statement = (
            sa.select(*by, sa.func.sum(table.events), sa.func.max(table.last_at))
            .where(table.hour >= round_to_hour(clock.micros(since)), *list_conditions(REFUSALS, None, reader))
            .group_by(*by)
            .order_by(*by)
        )
        with self._storage.read() as transaction:
            return [
                RefusedCount(participant, contract, int(events), clock.moment(last_at))
                for participant, contract, events, last_at in transaction.rows(statement)
            ]

    def find_alerts(self, now: datetime, contract: str | None = None, reader: str | None = None) -> list[Alert]:
        """The jumps after changes of version in the last fourteen days, the newest change first."""
        with self._storage.read() as transaction:
            changes = find_successions(transaction, clock.micros(now) - SHOWN, contract)[:_MOST_CHANGES]
            hours = _read_hours(transaction, changes, reader)
        return [alert for change in changes for alert in _make_alerts(change, hours.get(change.name, ()))]


def _read_hours(transaction: Transaction, changes: Sequence[Succession], reader: str | None) -> dict[str, list[Hour]]:
    """By contract, how many events were refused in each hour that matters to its change."""
    if not changes:
        return {}
    table = REFUSALS.c
    counted_by = (table.contract, table.participant, table.version, table.hour)
    statement = (
        sa.select(*counted_by, sa.func.sum(table.events).label("refused"))
        .where(
            table.contract.in_([change.name for change in changes]),
            table.hour >= round_to_hour(min(change.at for change in changes)) - BEFORE,
            *list_conditions(REFUSALS, None, reader),
        )
        .group_by(*counted_by)
    )
    hours: dict[str, list[Hour]] = {}
    for row in transaction.rows(statement):
        hours.setdefault(row.contract, []).append(Hour(row.participant, row.version, row.hour, int(row.refused)))
    return hours


def _make_alerts(change: Succession, hours: Sequence[Hour]) -> list[Alert]:
    at = clock.moment(change.at)
    return [Alert(change.name, change.version, at, jump) for jump in find_jumps(hours, change.version, change.at)]


def _make_numbers(count: Count) -> dict[str, int]:
    return {"count": count.count, "events": count.events, "first_at": count.first_at, "last_at": count.last_at}


def _make_found(row: sa.Row[Any]) -> CountedRefusal:
    told = row._mapping
    refusal = Refusal(*(told[name] for name in Refusal._fields))
    return CountedRefusal(row.id, refusal, told["count"], clock.moment(row.first_at), clock.moment(row.last_at))
