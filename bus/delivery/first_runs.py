"""The first runs of new deliveries: made, put in order and leased in one statement, as their events come.

Deliveries that are due already must be read before they are leased. Of new deliveries, the relay knows nearly all. It must only
read how many are in flight, and for which keys earlier deliveries are owed.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from bus.delivery import statements
from bus.delivery.ledger import LONGEST_CHAIN, Lease, NewDelivery, count_in_flight, name_runs
from bus.delivery.ordering import PARKED, make_chains_of_new, plan
from bus.storage import Transaction


class Run(NamedTuple):
    """A run of new deliveries."""

    lease: Lease
    deliveries: Sequence[NewDelivery]


class FirstRuns(NamedTuple):
    """The runs of new deliveries that go at once.

    Attributes:
        due: by subscription and position, `due_at` of deliveries that are not due now: their lease's end, or parked.
        left: subscriptions with new deliveries that are due now, but found no room.
    """

    runs: list[Run]
    due: dict[tuple[int, int], int]
    left: set[int]


def plan_first_runs(
    transaction: Transaction,
    new: Iterable[NewDelivery],
    now: int,
    until: int,
    find_window: Callable[[int], int],
    most: int,
) -> FirstRuns:
    """Decide which new deliveries go at once, in the transaction that makes them and holds their subscriptions.

    The other arguments are those of `Ledger.lease`. `find_window` gives the window of a subscription.
    """
    found = FirstRuns([], {}, set())
    of: dict[int, dict[int, NewDelivery]] = {}
    for delivery in new:
        of.setdefault(delivery.subscription, {})[delivery.position] = delivery
    for subscription, deliveries in of.items():
        keys = {position: deliveries[position].key for position in sorted(deliveries)}
        owed = _find_owed(transaction, subscription, {key for key in keys.values() if key is not None})
        window = find_window(subscription)
        room = window - count_in_flight(transaction, subscription, now, until, window)
        decided = plan(keys, make_chains_of_new(keys, owed, now, min(most, LONGEST_CHAIN)), now, room)
        found.due.update({(subscription, position): PARKED for position in decided.parked})
        if decided.left:
            found.left.add(subscription)
        for lease, run in name_runs(subscription, decided.going, most, until):
            found.due.update({(subscription, position): lease.due_at for position in run})
            found.runs.append(Run(lease, [deliveries[position] for position in run]))
    return found


def _find_owed(transaction: Transaction, subscription: int, keys: Collection[int]) -> set[int]:
    """The keys among some keys for which a delivery is owed."""
    if not keys:
        return set()
    asked = {"subscription": subscription, "wanted": transaction.numbers(keys)}
    found = transaction.rows(statements.KEYS_OWED, asked)
    return {row[0] for row in found}
