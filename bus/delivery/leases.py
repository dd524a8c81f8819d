"""The leases that have not ended, and which process makes the run of each.

A retry and a leased delivery both have a later `due_at`. This table tells them apart. So the runs of a dead process can be due
at once, and no retry comes early. A row stays until its lease ends, even if the run is finished.

The lease itself is the deliveries' `due_at`: `statements.SET_DUE`, which `ledger.py` runs.
"""

from collections.abc import Sequence
from typing import Any

from bus import clock
from bus.delivery import statements
from bus.delivery.ledger import Lease, Ledger
from bus.storage import Storage, Transaction


class Leases:
    """The leases of one bus. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._ledger = Ledger(storage)

    def add(self, transaction: Transaction, leases: Sequence[Lease]) -> None:
        """Write leases in the transaction that makes them."""
        if leases:
            transaction.insert(statements.NEW_LEASES, [(lease.due_at, lease.subscription) for lease in leases])

    def claim(self, process: str, leases: Sequence[Lease]) -> None:
        """Write that a process makes the runs of some leases."""
        with self._storage.write(durable=False) as transaction:
            for lease in sorted(leases, key=lambda one: (one.due_at, one.subscription)):
                named = {"lease": lease.due_at, "subscription": lease.subscription}
                transaction.execute(statements.CLAIM_LEASE, {"process": process, **named})

    def find_holders(self) -> list[str]:
        """The processes that claimed leases which have not ended."""
        with self._storage.read() as transaction:
            return [row[0] for row in transaction.rows(statements.LEASE_HOLDERS, {"now": clock.now_micros()})]

    def release_all(self) -> int:
        """Make all leased deliveries due at once. Returns their number."""
        with self._storage.write(durable=False) as transaction:
            self._hold(transaction, transaction.rows(statements.LEASED_SUBSCRIPTIONS))
            released = transaction.execute(statements.RELEASE_ALL_LEASED, {"now": clock.now_micros()})
            transaction.execute(statements.FORGET_ALL_LEASES, {})
        return released

    def release_held(self, process: str) -> int:
        """Make the deliveries that a process claimed due at once. Returns their number."""
        with self._storage.write(durable=False) as transaction:
            self._hold(transaction, transaction.rows(statements.LEASED_SUBSCRIPTIONS_BY, {"process": process}))
            released = transaction.execute(statements.RELEASE_HELD_BY, {"now": clock.now_micros(), "process": process})
            transaction.execute(statements.FORGET_HELD_LEASES, {"process": process})
        return released

    def _hold(self, transaction: Transaction, rows: Sequence[Any]) -> None:
        """Hold subscriptions before their rows are touched, in the order in which every transaction does. So no two deadlock."""
        for (number,) in rows:
            self._ledger.hold(transaction, number)

    def forget_ended(self) -> None:
        """Delete the rows of leases that have ended."""
        with self._storage.write(durable=False) as transaction:
            transaction.execute(statements.FORGET_ENDED_LEASES, {"now": clock.now_micros()})
