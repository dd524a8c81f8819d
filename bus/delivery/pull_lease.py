"""The leases of pulls: which client holds which deliveries, and until when.

As for runs, `due_at` is the lease (`bus.delivery.ledger`). A row of `pull_leases` gives that moment an id. No client guesses it,
and it stays when the lease is extended. Call everything here in a transaction that holds the subscription (`Ledger.hold`).
"""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

import sqlalchemy as sa

from bus.delivery import pull_statements as statements
from bus.delivery.tables import PULL_LEASES
from bus.ids import new_id
from bus.storage import Transaction

_KEPT: Final = 24 * 3600 * 1_000_000
"""Microseconds for which a lease is remembered after its end. So the answer to a late acknowledgement says why it does not
count."""
_FORGOTTEN: Final = 200
"""Leases that one pull forgets: it gives one itself, so they never pile up."""
_TABLE: Final = PULL_LEASES.c


class PullLease(NamedTuple):
    """One lease. It is over at `due_at`, or when everything under it was settled.

    Attributes:
        due_at: its end, in microseconds since 1970; with the subscription, it names the deliveries under it.
        client_id: the client that pulled.
        given_at: when it pulled.
        settled_at: when the last delivery under it was settled; None: not yet.
    """

    id: str
    due_at: int
    client_id: str
    given_at: int
    settled_at: int | None


_COLUMNS: Final = tuple(_TABLE[name] for name in PullLease._fields)


def add_lease(transaction: Transaction, subscription: int, due_at: int, client_id: str, now: int) -> PullLease:
    """Write a new lease, and forget some that ended long ago."""
    made = PullLease(new_id("lease"), due_at, client_id, now, None)
    transaction.execute(sa.insert(PULL_LEASES).values(subscription=subscription, **made._asdict()))
    old = sa.select(_TABLE.id).where(_TABLE.due_at < now - _KEPT).order_by(_TABLE.due_at).limit(_FORGOTTEN)
    # Pulls of other subscriptions forget the same leases: none waits for another's transaction.
    ids = [row[0] for row in transaction.rows(old.with_for_update(skip_locked=True))]
    if ids:
        transaction.execute(sa.delete(PULL_LEASES).where(_TABLE.id.in_(ids)))
    return made


def find_free_moment(transaction: Transaction, subscription: int, wanted: int) -> int:
    """The first moment from `wanted` on that names no lease, and at which nothing is due."""
    while transaction.one(statements.IS_USED, {"subscription": subscription, "at": wanted}) is not None:
        wanted += 1
    return wanted


def find_leases(transaction: Transaction, subscription: int, ids: Collection[str]) -> dict[str, PullLease]:
    """The leases of a subscription with some ids, by id."""
    return {one.id: one for one in _read(transaction, subscription, _TABLE.id.in_(ids)) if ids}


def find_ends(transaction: Transaction, subscription: int, moments: Collection[int]) -> dict[int, PullLease]:
    """The leases of a subscription that end at some moments, by that moment."""
    return {one.due_at: one for one in _read(transaction, subscription, _TABLE.due_at.in_(moments)) if moments}


def extend_lease(transaction: Transaction, lease: PullLease, due_at: int) -> None:
    """Write another end of a lease."""
    transaction.execute(sa.update(PULL_LEASES).where(_TABLE.id == lease.id).values(due_at=due_at))


def _read(transaction: Transaction, subscription: int, which: sa.ColumnElement[bool]) -> Iterable[PullLease]:
    rows = transaction.rows(sa.select(*_COLUMNS).where(_TABLE.subscription == subscription, which))
    return [PullLease._make(row) for row in rows]
