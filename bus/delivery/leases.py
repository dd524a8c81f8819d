"""The leases that have not ended, and which process makes the run of each.

A retry and a leased delivery both have a later `due_at`. This table tells them apart. So the runs of a dead process can be due
at once, and no retry comes early. A row stays until its lease ends, even if the run is finished.
"""

from collections.abc import Sequence
from typing import Final

from bus import clock
from bus.delivery.ledger import Lease
from bus.storage import Insertion, Prepared, Storage, Transaction

_NEW: Final = Insertion(
    sqlite="INSERT INTO leases (due_at, subscription) VALUES {rows} ON CONFLICT (due_at, subscription) DO NOTHING",
    row="(?,?)",
    postgres="""INSERT INTO leases (due_at, subscription)
    SELECT due_at, subscription FROM unnest(CAST(? AS bigint[]), CAST(? AS int[])) AS made (due_at, subscription)
    ON CONFLICT (due_at, subscription) DO NOTHING""",
)
_CLAIM: Final = Prepared.in_both(
    "UPDATE leases SET process=:process WHERE due_at=:lease AND subscription=:subscription"
)
_HOLDERS: Final = Prepared.in_both("SELECT DISTINCT process FROM leases WHERE due_at>:now AND process IS NOT NULL")
_FORGET_ENDED: Final = Prepared.in_both("DELETE FROM leases WHERE due_at<=:now")
_RELEASE_ALL: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:now WHERE state=0
    AND (subscription, due_at) IN (SELECT subscription, due_at FROM leases WHERE due_at>:now)""",
    postgres="""UPDATE deliveries SET due_at=:now FROM leases WHERE state=0 AND leases.due_at>:now
    AND deliveries.subscription=leases.subscription AND deliveries.due_at=leases.due_at""",
)
_FORGET_ALL: Final = Prepared.in_both("DELETE FROM leases")
_RELEASE_HELD: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:now WHERE state=0
    AND (subscription, due_at) IN (SELECT subscription, due_at FROM leases WHERE due_at>:now AND process=:process)""",
    postgres="""UPDATE deliveries SET due_at=:now FROM leases WHERE state=0 AND leases.due_at>:now AND process=:process
    AND deliveries.subscription=leases.subscription AND deliveries.due_at=leases.due_at""",
)
_FORGET_HELD: Final = Prepared.in_both("DELETE FROM leases WHERE process=:process")


class Leases:
    """The leases of one bus. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(self, transaction: Transaction, leases: Sequence[Lease]) -> None:
        """Write leases in the transaction that makes them."""
        if leases:
            transaction.insert(_NEW, [(lease.due_at, lease.subscription) for lease in leases])

    def claim(self, process: str, leases: Sequence[Lease]) -> None:
        """Write that a process makes the runs of some leases."""
        with self._storage.write(durable=False) as transaction:
            for lease in sorted(leases, key=lambda one: (one.due_at, one.subscription)):
                named = {"lease": lease.due_at, "subscription": lease.subscription}
                transaction.execute(_CLAIM, {"process": process, **named})

    def holders(self) -> list[str]:
        """The processes that claimed leases which have not ended."""
        with self._storage.read() as transaction:
            return [row[0] for row in transaction.rows(_HOLDERS, {"now": _now()})]

    def release_all(self) -> int:
        """Make all leased deliveries due at once. Returns their number."""
        with self._storage.write(durable=False) as transaction:
            released = transaction.execute(_RELEASE_ALL, {"now": _now()})
            transaction.execute(_FORGET_ALL, {})
        return released

    def release_held(self, process: str) -> int:
        """Make the deliveries that a process claimed due at once. Returns their number."""
        with self._storage.write(durable=False) as transaction:
            released = transaction.execute(_RELEASE_HELD, {"now": _now(), "process": process})
            transaction.execute(_FORGET_HELD, {"process": process})
        return released

    def forget_ended(self) -> None:
        """Delete the rows of leases that have ended."""
        with self._storage.write(durable=False) as transaction:
            transaction.execute(_FORGET_ENDED, {"now": _now()})


def _now() -> int:
    return clock.micros(clock.now())
