"""Tallies: how the deliveries of a subscription stand, and how its sink does.

Nothing here reads all deliveries. Deliveries that are over count in the row of health. The others are counted by a partial
index, up to `MOST`. For more, the age of the oldest one says more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bus import clock
from bus.delivery import statements
from bus.delivery.health import Health, make_health
from bus.delivery.state import DeliveryState
from bus.storage import Prepared, Transaction

MOST: Final = 10_000
"""A count of pending, dead or discarded deliveries that reaches this number means: so many or more."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How the deliveries of a subscription stand.

    Attributes:
        counts: how many there are by the name of their state; a state without deliveries is left out.
        leased: how many of the pending ones are under way to the sink, or held by who pulled them.
        oldest: the position of the oldest pending one; None: none is pending. With more than twice `MOST` pending, an older
            one may be among them.
    """

    counts: dict[str, int]
    leased: int
    oldest: int | None
    health: Health

    def count(self, state: DeliveryState) -> int:
        """How many deliveries are in a state."""
        return self.counts.get(state.name.lower(), 0)


def _make_statement(condition: str) -> Prepared:
    return Prepared(sqlite=_write(condition, "INDEXED BY ix_deliveries_{}"), postgres=_write(condition, ""))


def _write(condition: str, named: str) -> str:
    """One look-up for each number, by the partial index of its state.

    SQLite has no statistics, so it is told which index. PostgreSQL takes the index for its order; without one it may read all.
    """

    def choose(index: str, state: int, rest: str = "") -> str:
        by = named.format(index)
        return (
            f"FROM (SELECT position FROM deliveries {by} WHERE deliveries.subscription=subscriptions.number "  # noqa: S608
            f"AND deliveries.state={state} {rest} LIMIT :most) AS found"
        )

    return f"""SELECT number, (SELECT count(*) {choose("due", 0, "ORDER BY due_at, position")}),
    (SELECT count(*) {choose("dead", 2, "ORDER BY position")}),
    (SELECT count(*) {choose("discarded", 3, "ORDER BY position")}),
    (SELECT min(position) {choose("due", 0, "ORDER BY due_at, position")}),
    (SELECT min(position) {choose("due", 0, "ORDER BY due_at DESC, position DESC")}),
    coalesce(delivered, 0), succeeded_at, failed_at, failing_since, failure, status, detail, circuit_since, circuit_until
    FROM subscriptions LEFT JOIN subscription_health ON subscription_health.subscription=subscriptions.number
    {condition}"""  # noqa: S608 - parts of this module alone


ALL: Final = _make_statement("ORDER BY number")
ONE: Final = _make_statement("WHERE number=:subscription")


def read_tallies(transaction: Transaction) -> dict[int, Tally]:
    """The tally of each subscription, by number. `leased` is not counted."""
    return {row[0]: _make_tally(row, 0) for row in transaction.rows(ALL, {"most": MOST})}


def read_tally(transaction: Transaction, number: int) -> Tally:
    """The tally of one subscription; an empty one if it was deleted."""
    row = transaction.one(ONE, {"most": MOST, "subscription": number})
    if row is None:
        return Tally({}, 0, None, Health())
    leased = int(transaction.value(statements.LEASED_COUNT, {"subscription": number, "now": clock.now_micros()}))
    return _make_tally(row, leased)


def _make_tally(row: Sequence[Any], leased: int) -> Tally:
    _, pending, dead, discarded, first, last, *health = row
    told = make_health(health)
    counts = {
        DeliveryState.PENDING: pending,
        DeliveryState.DELIVERED: told.delivered,
        DeliveryState.DEAD: dead,
        DeliveryState.DISCARDED: discarded,
    }
    found = [position for position in (first, last) if position is not None]
    return Tally({state.name.lower(): n for state, n in counts.items() if n}, leased, min(found, default=None), told)
