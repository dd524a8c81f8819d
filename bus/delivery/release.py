"""Release: makes held deliveries due again after the suspension of their grant.

It compares what is held with what is suspended now. So it also finds deliveries that a worker held too late, or that an earlier
relay did not release.
"""

import time
from collections.abc import Callable
from typing import Final

from bus import clock
from bus.contracts import Catalogue, Suspensions
from bus.delivery import statements
from bus.delivery.ledger import Ledger
from bus.delivery.ordering import HELD
from bus.delivery.subscription import Subscription
from bus.delivery.subscriptions import Subscriptions
from bus.storage import Storage

_LOOK_SECONDS: Final = 2.0
"""Seconds between two looks if no suspension changed."""
_STEP: Final = 5_000
"""Deliveries that are released in one transaction."""


class Release:
    """Makes held deliveries due. Belongs to the relay's thread."""

    def __init__(
        self,
        storage: Storage,
        catalogue: Catalogue,
        subscriptions: Subscriptions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._ledger = Ledger(storage)
        self._catalogue = catalogue
        self._subscriptions = subscriptions
        self._clock = clock
        self._looks_at = 0.0
        self._looked_under: Suspensions | None = None
        self._held_for: dict[int, frozenset[str]] = {}

    def look(self) -> bool:
        """Release deliveries of subscriptions whose suspended contracts are others than before, or none.

        Returns whether something became due.
        """
        suspensions = self._catalogue.suspensions
        if suspensions is self._looked_under and self._clock() < self._looks_at:
            return False
        self._looked_under = suspensions
        self._looks_at = self._clock() + _LOOK_SECONDS
        with self._storage.read() as transaction:
            held = [row[0] for row in transaction.rows(statements.HELD_SUBSCRIPTIONS, {"held": HELD})]
        held_for = {number: self._find_suspended(number, suspensions) for number in held}
        # The worker holds those again whose own contract is still suspended.
        released = [number for number, names in held_for.items() if not names or self._held_for.get(number) != names]
        self._held_for = held_for
        counts = [self._release(number) for number in released]
        return sum(counts) > 0

    def _find_suspended(self, number: int, suspensions: Suspensions) -> frozenset[str]:
        """The contracts of a subscription whose grants are suspended."""
        one: Subscription | None = self._subscriptions.numbered(number)
        if one is None:
            return frozenset()
        return frozenset(name for name in one.contracts if (name, one.participant) in suspensions)

    def _release(self, number: int) -> int:
        """Make what a subscription holds due. Returns the number of deliveries."""
        asked = {"subscription": number, "held": HELD, "most": _STEP}
        released = 0
        while True:
            with self._storage.write(durable=False) as transaction:
                self._ledger.hold(transaction, number)
                count = transaction.execute(statements.RELEASE_HELD, {**asked, "now": clock.now_micros()})
            released += count
            if count < _STEP:
                return released
