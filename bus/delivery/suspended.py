"""Suspended grants: counts the deliveries that wait under a grant, and drops them if the suspension keeps nothing waiting."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from bus import clock
from bus.actions import Actor
from bus.contracts import Catalogue, Waiting
from bus.delivery import statements
from bus.delivery.ledger import Ledger
from bus.delivery.subscription import Subscription
from bus.delivery.subscriptions import Subscriptions
from bus.journal import contracts_at
from bus.storage import Storage, Transaction

_STEP: Final = 1000
"""Deliveries that are looked at in one transaction."""


class _Pending(NamedTuple):
    """A row of `statements.PENDING`."""

    due_at: int
    position: int
    key: int | None


class GrantStops:
    """Suspends grants and lifts suspensions, with what waits under them. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, catalogue: Catalogue, subscriptions: Subscriptions) -> None:
        self._storage = storage
        self._catalogue = catalogue
        self._subscriptions = subscriptions
        self._ledger = Ledger(storage)

    def suspend(self, contract: str, participant: str, reason: str, waiting: Waiting, by: Actor) -> int:
        """Suspend a participant's grant in a contract.

        Returns the number of pending deliveries under the grant: they wait, or were dropped.

        Raises:
            Refused: what `Registrar.suspend_grant` raises.
        """
        count = self.count(contract, participant)
        self._catalogue.registrar.suspend_grant(contract, participant, reason, waiting, by, count)
        return count if waiting is Waiting.KEEP else sum(self.drop_in_steps(contract, participant))

    def resume(self, contract: str, participant: str, by: Actor) -> int:
        """Lift a suspension. Returns the number of deliveries that waited; the relay makes them due within seconds.

        Raises:
            Refused: what `Registrar.resume_grant` raises.
        """
        self._catalogue.registrar.resume_grant(contract, participant, by)
        return self.count(contract, participant)

    def count(self, contract: str, participant: str) -> int:
        """The number of pending deliveries under a grant."""
        found = 0
        for subscription in self._find_subscriptions(contract, participant):
            last: _Pending | None = None
            while True:
                with self._storage.read() as transaction:
                    step = _read_step(transaction, subscription, last)
                    found += len(self._of_contract(transaction, subscription, contract, step))
                if len(step) < _STEP:
                    break
                last = step[-1]
        return found

    def drop_in_steps(self, contract: str, participant: str) -> Iterator[int]:
        """Discard the pending deliveries under a suspended grant. Gives the number of each step.

        It may break off at any step: the relay finishes it (`UnfinishedDrops`).
        """
        for subscription in self._find_subscriptions(contract, participant):
            # Another pass as long as it finds some: deliveries change their place in the order meanwhile.
            is_clean = False
            while not is_clean:
                is_clean = True
                for count in self._drop_pass(contract, subscription):
                    is_clean = is_clean and not count
                    yield count

    def _drop_pass(self, contract: str, subscription: Subscription) -> Iterator[int]:
        last: _Pending | None = None
        while True:
            with self._storage.write() as transaction:
                # Before the rows are touched: the relay takes the two in this order.
                self._ledger.hold(transaction, subscription.number)
                step = _read_step(transaction, subscription, last)
                mine = {one.position: one.key for one in self._of_contract(transaction, subscription, contract, step)}
                count = self._ledger.discard(transaction, subscription.number, mine, clock.now_micros()) if mine else 0
            yield count
            if len(step) < _STEP:
                return
            last = step[-1]

    def _find_subscriptions(self, contract: str, participant: str) -> Iterator[Subscription]:
        found = self._subscriptions.listed(participant)
        return (one for one in found if contract in one.contracts)

    def _of_contract(
        self, transaction: Transaction, subscription: Subscription, contract: str, step: Sequence[_Pending]
    ) -> Sequence[_Pending]:
        if len(subscription.contracts) == 1:
            return step
        number = self._catalogue.number_of(contract)
        contracts = contracts_at(transaction, [one.position for one in step])
        return [one for one in step if contracts.get(one.position) == number]


def _read_step(transaction: Transaction, subscription: Subscription, last: _Pending | None) -> list[_Pending]:
    """The next pending deliveries of a subscription."""
    after = (-1, 0) if last is None else (last.due_at, last.position)
    asked = {"subscription": subscription.number, "due": after[0], "position": after[1], "most": _STEP}
    return [_Pending(*row) for row in transaction.rows(statements.PENDING, asked)]
