"""Seek: has a subscription that is pulled go on from another position, within the journal and the grants of today."""

from typing import Final

from bus import clock
from bus.actions import Actor, Verb
from bus.delivery import statements
from bus.delivery.ledger import Ledger
from bus.delivery.ordering import HELD
from bus.delivery.subscription import NotPulled, Pull, Subscription
from bus.delivery.subscriptions import Subscriptions
from bus.storage import Storage, Transaction

_STEP: Final = 1000
"""Deliveries of one transaction: publishers wait for it."""
_DEAD: Final = {"after": 0, "most": _STEP}


class Seeks:
    """Moves subscriptions that are pulled. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, subscriptions: Subscriptions) -> None:
        self._storage = storage
        self._subscriptions = subscriptions
        self._ledger = Ledger(storage)

    def seek(self, subscription: Subscription, after: int, until: int, by: Actor) -> None:
        """Give the events after a position again, up to another, and give up what is owed before. What is held, is not any more.

        Deliveries are made again by the relay, in order; until then none of a later event is given.

        Raises:
            NotPulled: the bus sends the events of the subscription.
            ReplayUnderWay: one at a time.
        """
        if not isinstance(subscription.sink, Pull):
            raise NotPulled("Replay it instead.")
        self._subscriptions.replay(subscription, after, until, by, Verb.SUBSCRIPTION_SEEK)
        number = subscription.number
        while self._discard_dead(number, after):
            pass
        place: tuple[int, int] | None = (0, 0)
        while place is not None:
            place = self._move_pending(number, after, place)

    def _discard_dead(self, subscription: int, after: int) -> bool:
        """Give up some dead deliveries up to a position. Returns whether there are more."""
        with self._storage.write() as transaction:
            rows = transaction.rows(statements.DEAD, {"subscription": subscription, **_DEAD})
            before = {row[1]: row[3] for row in rows if row[1] <= after}
            self._discard(transaction, subscription, before)
        return len(before) == _STEP

    def _move_pending(self, subscription: int, after: int, place: tuple[int, int]) -> tuple[int, int] | None:
        """Give up pending deliveries up to a position. Make later ones due that are held or wait for a try.

        Args:
            place: the moment and the position of the last delivery that was looked at.

        Returns:
            The place of the last one, or None if it was the last of all.
        """
        with self._storage.write() as transaction:
            self._ledger.hold(transaction, subscription)
            now = clock.now_micros()
            asked = {"subscription": subscription, "due": place[0], "position": place[1], "most": _STEP}
            rows = transaction.rows(statements.PENDING, asked)
            self._discard(transaction, subscription, {position: key for _, position, key in rows if position <= after})
            waiting = [position for due_at, position, _ in rows if position > after and now < due_at < HELD]
            if waiting:
                named = {"subscription": subscription, "due": now, "wanted": transaction.numbers(waiting)}
                transaction.execute(statements.SET_DUE, named)
        return None if len(rows) < _STEP else (rows[-1][0], rows[-1][1])

    def _discard(self, transaction: Transaction, subscription: int, owed: dict[int, int | None]) -> None:
        if owed:
            self._ledger.discard(transaction, subscription, owed, clock.now_micros())
