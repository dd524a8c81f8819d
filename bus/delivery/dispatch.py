"""Dispatch: leases due deliveries in runs, and hands the runs over to workers."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bus import clock
from bus.contracts import Catalogue
from bus.delivery.first_runs import FirstRuns, Run, plan_first_runs
from bus.delivery.handover import Handover, Loaded
from bus.delivery.leases import Leases
from bus.delivery.ledger import Lease, LeasedDelivery, LeasedRuns, Ledger, NewDelivery
from bus.delivery.routing import is_ordered
from bus.delivery.subscription import Subscription
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.window import Windows
from bus.journal import Entry
from bus.storage import Storage, Transaction
from bus.telemetry import HANDED_OVER

_LOOK_SECONDS: Final = 0.03
"""The longest time between two looks for due deliveries."""
_NOTHING_LOADED: Final[Mapping[Lease, Loaded]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HandoverPolicy:
    """How much is handed over at a time.

    Attributes:
        lease: seconds that a run may take before it is handed over again.
        window: the most deliveries of one subscription in flight; a quick sink gets more, see `Windows`.
        run: the most deliveries in one run.
    """

    lease: float = 60.0
    window: int = 1_000
    run: int = 250


class Dispatch:
    """Leases and hands over. Belongs to one thread at a time, except `look_soon`.

    Attributes:
        left: subscriptions with due deliveries that were not leased, for lack of room.
    """

    def __init__(
        self,
        storage: Storage,
        catalogue: Catalogue,
        subscriptions: Subscriptions,
        handover: Handover,
        policy: HandoverPolicy,
    ) -> None:
        self._storage = storage
        self._catalogue = catalogue
        self._subscriptions = subscriptions
        self._ledger = Ledger(storage)
        self._leases = Leases(storage)
        self._handover = handover
        self._policy = policy
        self._windows = Windows(policy.window)
        self._looked_at = 0.0
        self._may_be_due = True
        self._is_stopping = False
        self.left: set[int] = set()

    def stop(self) -> None:
        """End a look under way after its present subscription. Callable from any thread."""
        self._is_stopping = True

    def look_soon(self) -> None:
        """Have the next look search for due deliveries. Callable from any thread."""
        self._may_be_due = True

    def look(self) -> bool:
        """Hand over due deliveries, if there may be any. Returns whether there may be more at once."""
        if not self._may_be_due and time.monotonic() < self._looked_at + _LOOK_SECONDS:
            return False
        self._looked_at = time.monotonic()
        self._may_be_due = is_more = False
        now = clock.micros(clock.now())
        due = self._ledger.find_due_subscriptions(now)
        self.left.intersection_update(due)
        for number in due:
            if self._is_stopping:
                return False
            subscription = self._subscriptions.numbered(number)
            if subscription is not None:
                with self._storage.write(durable=False) as transaction:
                    runs = self.lease(transaction, subscription, now)
                is_more |= self.send(runs)
        if is_more:
            self._may_be_due = True
        return is_more

    def begin(self, transaction: Transaction, new: Sequence[NewDelivery], now: int) -> FirstRuns:
        """Lease new deliveries that go at once, in the transaction that makes them."""
        begun = plan_first_runs(transaction, new, now, self._lease_end(now), self._windows.find, self._policy.run)
        self._leases.add(transaction, [run.lease for run in begun.runs])
        for run in begun.runs:
            self._windows.note(run.lease.subscription, len(run.deliveries))
        return begun

    def lease(self, transaction: Transaction, subscription: Subscription, now: int) -> LeasedRuns:
        """Lease the due deliveries of a subscription, in the caller's transaction."""
        runs = self._ledger.lease(
            transaction,
            subscription.number,
            now,
            self._lease_end(now),
            self._windows.find(subscription.number),
            self._policy.run,
            ordered=is_ordered(subscription, self._catalogue),
        )
        self._windows.note(subscription.number, runs.deliveries)
        self._leases.add(transaction, runs.leases)
        (self.left.add if runs.left else self.left.discard)(subscription.number)
        return runs

    def send(self, runs: LeasedRuns, loaded: Mapping[Lease, Loaded] = _NOTHING_LOADED) -> bool:
        """Hand leased runs over, after the commit. Returns whether there may be more to hand over at once.

        Args:
            loaded: runs with their events, if the relay has them.
        """
        for index, lease in enumerate(runs.leases):
            if not self._handover.send(lease, loaded.get(lease)):
                # They are due again at once, so that nothing waits for a lease when the broker is back.
                self._ledger.release(runs.leases[index:], clock.micros(clock.now()))
                return False
            HANDED_OVER.inc()
        return runs.left and runs.room > 0

    def close(self) -> None:
        """Close the connection to the broker, if there is one."""
        self._handover.close()

    def _lease_end(self, now: int) -> int:
        return now + int(self._policy.lease * 1_000_000)


def load(runs: Sequence[Run], entries: Sequence[Entry]) -> dict[Lease, Loaded]:
    """The loaded runs of new deliveries, from the events that they were made of."""
    by_position = {entry.position: entry for entry in entries}
    return {
        lease: [
            (LeasedDelivery(one.position, one.key, 0, lease.due_at), by_position[one.position]) for one in deliveries
        ]
        for lease, deliveries in runs
    }
