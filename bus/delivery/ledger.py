"""The ledger: the deliveries table as the relay and the worker use it.

Two rules carry everything. First: a delivery that is due and not delivered is handed over. It is due again when its lease ends.
Second: `due_at` is the lease. The name of a run is (subscription, due_at). So a message that comes late, or twice, finds nothing
under its name, and does no harm. A late outcome does no harm either: unless it is a success, it counts only under its own lease.

One statement serves a whole group; `bus.delivery.statements` has them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from bus.delivery import statements
from bus.delivery.attempts import Attempt, write_attempts
from bus.delivery.health import CircuitReport, write_health
from bus.delivery.ordering import PARKED, ChainLink, Plan, cut_runs, make_chains, plan
from bus.delivery.results import note_results
from bus.delivery.state import DeliveryState
from bus.storage import Storage, Transaction

LONGEST_CHAIN = 50
"""The most deliveries of one key in a run. They go one after the other, and must end within the lease."""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to make; with a `key` if its subscription is ordered."""

    subscription: int
    position: int
    key: int | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of a run: the deliveries of a subscription that are due at exactly this moment."""

    subscription: int
    due_at: int


class LeasedRuns(NamedTuple):
    """The runs of a subscription that one look leased.

    Attributes:
        leases: the leases of the runs.
        room: how many more deliveries may be in flight.
        left: whether there may be due deliveries that were not leased.
        deliveries: how many deliveries are in the runs.
    """

    leases: Sequence[Lease]
    room: int
    left: bool
    deliveries: int = 0


class LeasedDelivery(NamedTuple):
    """One delivery of a run; `lease` is the run's `due_at`."""

    position: int
    key: int | None
    attempts: int
    lease: int


class Ledger:
    """The deliveries of one bus. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, seal: Callable[[str], str] | None = None) -> None:
        """`seal` encrypts what sinks answered; None: no attempt that this ledger records has an answer."""
        self._storage = storage
        self._seal = seal

    def add(
        self,
        transaction: Transaction,
        deliveries: Sequence[NewDelivery],
        due_at: int,
        *,
        again: bool,
        later: Mapping[tuple[int, int], int] = MappingProxyType({}),
    ) -> bool:
        """Make deliveries, in the caller's transaction. Returns whether each was made.

        Args:
            again: make finished deliveries again (a replay); pending ones stay as they are.
            later: by subscription and position, `due_at` of deliveries that are due at another moment.
        """
        if not deliveries:
            return True
        rows = [
            (d.subscription, d.position, d.key, later.get((d.subscription, d.position), due_at)) for d in deliveries
        ]
        if transaction.insert(statements.NEW_OR_AGAIN if again else statements.NEW, rows) == len(rows):
            return True
        if later:
            # Deliveries that were made before may be done: nothing must wait behind them.
            for subscription, keys in _group_keys(deliveries).items():
                _unpark(transaction, subscription, keys, due_at)
        return False

    def find_due_subscriptions(self, now: int) -> list[int]:
        """The active subscriptions with due deliveries that the bus sends."""
        with self._storage.read() as transaction:
            rows = transaction.rows(statements.DUE_SUBSCRIPTIONS, {"now": now})
            return [row[0] for row in rows]

    def find_owing_subscriptions(self) -> list[int]:
        """The active subscriptions with pending deliveries that the bus sends, due or not."""
        return self.find_due_subscriptions(PARKED)

    def lease(
        self,
        transaction: Transaction,
        subscription: int,
        now: int,
        until: int,
        window: int,
        most: int,
        *,
        ordered: bool,
    ) -> LeasedRuns:
        """Lease the due deliveries of a subscription in runs, in the caller's transaction.

        Args:
            until: the end of the first lease. Each further lease ends a microsecond later, so that names differ.
            window: the most deliveries of a subscription that may be in flight.
            most: the most deliveries in a run.
            ordered: whether a later event of a key must not go before an earlier one.
        """
        room = window - count_in_flight(transaction, subscription, now, until, window)
        if room <= 0:
            return LeasedRuns([], 0, True)
        if ordered:
            self.hold(transaction, subscription)
        due = _find_due(transaction, subscription, now, room)
        decided = Plan(tuple((position,) for position in due), ())
        if ordered:
            decided = plan_in_order(transaction, subscription, due, now, room, min(most, LONGEST_CHAIN))
        runs = name_runs(subscription, decided.going, most, until)
        for lease, run in runs:
            _set_due(transaction, subscription, run, lease.due_at)
        leases = [lease for lease, _ in runs]
        count = sum(map(len, decided.going))
        return LeasedRuns(leases, room - count, decided.left or len(due) == room, count)

    def find_leased(self, transaction: Transaction, lease: Lease) -> list[LeasedDelivery]:
        """The deliveries of a run that are still owed, in position order; none: the lease is over."""
        named = {"subscription": lease.subscription, "lease": lease.due_at}
        rows = transaction.rows(statements.LEASED, named)
        return sorted(LeasedDelivery(position, key, attempts, lease.due_at) for position, key, attempts in rows)

    def release(self, leases: Iterable[Lease], due_at: int) -> None:
        """Give runs back without an attempt. They are due again at `due_at`."""
        with self._storage.write(durable=False) as transaction:
            held = 0
            # In the order of subscriptions, as every transaction holds them: so no two can deadlock.
            for lease in sorted(leases, key=lambda one: (one.subscription, one.due_at)):
                if lease.subscription != held:
                    held = lease.subscription
                    self.hold(transaction, held)
                named = {"subscription": lease.subscription, "lease": lease.due_at}
                transaction.execute(statements.RELEASE, {**named, "due": due_at})

    def record(
        self,
        transaction: Transaction,
        attempts: Sequence[Attempt],
        circuits: Mapping[int, CircuitReport] = MappingProxyType({}),
    ) -> bool:
        """Write the results of attempts, and make deliveries due that waited behind them, in the caller's transaction.

        Args:
            circuits: by subscription, the circuits of the workers that made the attempts.

        Returns:
            Whether something became due.
        """
        touched = _group_keys(attempts)
        for subscription in sorted(touched):
            self.hold(transaction, subscription)
        note_results(transaction, write_attempts(transaction, attempts, self._seal))
        unparked = [
            _unpark(transaction, subscription, keys, at=max(a.at for a in attempts))
            for subscription, keys in touched.items()
        ]
        write_health(transaction, (one for one in attempts if one.was_made), circuits)
        return any(unparked) or any(a.due_at is not None and a.due_at <= a.at for a in attempts)

    def discard(self, transaction: Transaction, subscription: int, owed: Mapping[int, int | None], at: int) -> int:
        """Give up owed deliveries, in the caller's transaction. Deliveries that waited behind them go on.

        Args:
            owed: position to key.

        Returns:
            How many were still owed.
        """
        self.hold(transaction, subscription)
        named = {"subscription": subscription, "wanted": transaction.numbers(list(owed))}
        discarded = transaction.execute(statements.DISCARD, {**named, "at": at})
        if keys := {key for key in owed.values() if key is not None}:
            _unpark(transaction, subscription, keys, at)
        return discarded

    def hold(self, transaction: Transaction, subscription: int) -> None:
        """Lock an ordered subscription until the transaction ends. Call it before its rows are touched.

        It keeps the relay and the writers of outcomes apart: parking must not miss the outcome that would unpark. SQLite
        needs no lock: it has one writer at a time.
        """
        transaction.hold(statements.SUBSCRIPTIONS, subscription)


def name_runs(
    subscription: int, chains: Iterable[Sequence[int]], most: int, until: int
) -> list[tuple[Lease, list[int]]]:
    """Runs of chains, each with its lease; the arguments are those of `Ledger.lease`."""
    return [(Lease(subscription, end), run) for end, run in enumerate(cut_runs(chains, most), until)]


def _find_due(transaction: Transaction, subscription: int, now: int, limit: int) -> dict[int, int | None]:
    asked = {"subscription": subscription, "now": now, "room": limit}
    rows = transaction.rows(statements.DUE, asked)
    return {position: key for _, position, key in sorted(rows)}


def count_in_flight(transaction: Transaction, subscription: int, now: int, until: int, window: int) -> int:
    """How many deliveries of a subscription are in flight, up to `window`; the arguments are those of `Ledger.lease`."""
    # Deliveries that are due within a lease from now count as in flight. A short backoff counts too, which spares the sink.
    asked = {"subscription": subscription, "now": now, "until": until, "window": window}
    return int(transaction.value(statements.IN_FLIGHT, asked))


def plan_in_order(
    transaction: Transaction, subscription: int, due: Mapping[int, int | None], now: int, room: int, longest: int
) -> Plan:
    """Decide which due deliveries of an ordered subscription go. What waits behind an earlier one is parked.

    Args:
        due: position to key.
        room: the most deliveries that may go.
        longest: the most deliveries of a key that may go.
    """
    keys = {key for key in due.values() if key is not None}
    decided = plan(due, make_chains(_find_beginnings(transaction, subscription, keys, longest)), now, room)
    if decided.parked:
        _set_due(transaction, subscription, decided.parked, PARKED)
    return decided


def _find_beginnings(
    transaction: Transaction, subscription: int, keys: Collection[int], longest: int
) -> list[tuple[int, ChainLink]]:
    """The first deliveries of the chains of some keys."""
    if not keys:
        return []
    asked = {"subscription": subscription, "longest": longest, "wanted": transaction.numbers(keys)}
    rows = sorted(transaction.rows(statements.BEGINNINGS, asked))
    return [(row[0], ChainLink(row[1], row[2], row[3] == DeliveryState.DEAD)) for row in rows]


def _set_due(transaction: Transaction, subscription: int, positions: Sequence[int], due_at: int) -> None:
    wanted = transaction.numbers(positions)
    transaction.execute(statements.SET_DUE, {"subscription": subscription, "due": due_at, "wanted": wanted})


def _group_keys(touched: Iterable[Attempt | NewDelivery]) -> dict[int, set[int]]:
    """The keys that were touched, by subscription."""
    keys: dict[int, set[int]] = {}
    for one in touched:
        if one.key is not None:
            keys.setdefault(one.subscription, set()).add(one.key)
    return keys


def _unpark(transaction: Transaction, subscription: int, keys: Iterable[int], at: int) -> bool:
    if transaction.one(statements.IS_ANY_PARKED, {"subscription": subscription, "parked": PARKED}) is None:
        return False
    # After failures too: the failed delivery may be over by now. Its owner gave it up, or an earlier run delivered it after
    # all. The parked delivery behind it is then the head, and nothing else would unpark it.
    asked = {"subscription": subscription, "now": at, "parked": PARKED, "wanted": transaction.numbers(keys)}
    return transaction.execute(statements.UNPARK, asked) > 0
