"""Removal: deletes deliveries with their attempts, a bounded number in one transaction."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from bus.delivery.ledger import Ledger
from bus.storage import Prepared, Storage, Transaction

STEP: Final = 500
"""Deliveries that one transaction looks at. Each may have many attempts, and writers wait for the transaction."""
END: Final = 2**63 - 1
"""A position behind all others."""
SETTLED: Final = (1, 3)
"""Delivered and discarded: the states of deliveries that nobody waits for."""

LOOK: Final = Prepared.in_both(
    """SELECT position, state, finished_at FROM deliveries
    WHERE subscription=:subscription AND position>:after AND position<=:last ORDER BY position LIMIT :most"""
)


def _make_lock(condition: str) -> Prepared:
    """The chosen deliveries that nobody else has locked. A removal never waits for a row, so it is in no deadlock."""
    return Prepared(
        sqlite="SELECT position FROM deliveries WHERE subscription=:subscription "  # noqa: S608
        f"AND position IN (SELECT value FROM json_each(:wanted)) {condition}",
        postgres="SELECT deliveries.position FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position) "  # noqa: S608
        "JOIN deliveries ON deliveries.position=wanted.position WHERE subscription=:subscription "
        f"{condition} FOR UPDATE OF deliveries SKIP LOCKED",
    )


def _make_delete(table: str) -> Prepared:
    return Prepared(
        sqlite=f"DELETE FROM {table} WHERE subscription=:subscription "  # noqa: S608
        "AND position IN (SELECT value FROM json_each(:wanted))",
        postgres=f"DELETE FROM {table} USING unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position) "  # noqa: S608
        f"WHERE subscription=:subscription AND {table}.position=wanted.position",
    )


LOCK_ALL: Final = _make_lock("")
# `state+0`: no partial index of a state may be used in place of the key.
LOCK_SETTLED: Final = _make_lock("AND state+0 IN (1, 3) AND finished_at<:before")
DELETE_ATTEMPTS: Final = _make_delete("attempts")
DELETE_DELIVERIES: Final = _make_delete("deliveries")


class DeliveryRow(NamedTuple):
    """A delivery as a removal looks at it; a row of `LOOK`."""

    position: int
    state: int
    finished_at: int | None

    def is_settled(self, before: int) -> bool:
        """Whether it was delivered or discarded before a moment (microseconds since 1970)."""
        return self.state in SETTLED and self.finished_at is not None and self.finished_at < before


def look(storage: Storage, subscription: int, after: int, last: int = END) -> list[DeliveryRow]:
    """At most `STEP` deliveries of a subscription after one position, up to another, by position."""
    asked = {"subscription": subscription, "after": after, "last": last, "most": STEP}
    with storage.read() as transaction:
        return [DeliveryRow(*row) for row in transaction.rows(LOOK, asked)]


def remove(storage: Storage, subscription: int, positions: Iterable[int], before: int | None = None) -> int:
    """Delete deliveries with their attempts, in one transaction.

    Args:
        positions: at most `STEP`.
        before: delete only what was delivered or discarded before this moment; None: delete all of them.

    Returns:
        How many were deleted. Deliveries that somebody else writes at this moment stay.
    """
    # After a power failure, the deliveries of the last steps are there again, and are deleted again.
    with storage.write(durable=False) as transaction:
        # Before the rows are touched, as everybody does who writes outcomes.
        Ledger(storage).hold(transaction, subscription)
        named = {"subscription": subscription, "wanted": transaction.numbers(positions)}
        locked = _lock(transaction, named, before)
        if locked:
            named["wanted"] = transaction.numbers(locked)
            transaction.execute(DELETE_ATTEMPTS, named)
            transaction.execute(DELETE_DELIVERIES, named)
    return len(locked)


def _lock(transaction: Transaction, named: dict[str, int | str | list[int]], before: int | None) -> list[int]:
    if before is None:
        return [row[0] for row in transaction.rows(LOCK_ALL, named)]
    return [row[0] for row in transaction.rows(LOCK_SETTLED, {**named, "before": before})]
