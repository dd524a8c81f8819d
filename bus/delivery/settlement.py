"""Settlement: what a puller says of the deliveries that it holds. It acknowledges them, returns them, or holds them longer.

Promise: what is acknowledged is on disk when the call returns. Each lease or delivery that the caller names gets its own result.
What the caller does not hold any more stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

from bus import clock
from bus.delivery import pull_statements as statements
from bus.delivery import statements as ledger_statements
from bus.delivery.attempts import Attempt
from bus.delivery.ledger import Lease, LeasedDelivery, Ledger
from bus.delivery.pull_lease import PullLease, extend_lease, find_ends, find_free_moment, find_leases
from bus.delivery.retry import RetryPolicy, plan_next_attempt
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import NotPulled, Pull, Subscription
from bus.kit import Failure, Outcome
from bus.storage import Storage, Transaction
from bus.telemetry import DELIVERIES

_KIND: Final = "pull"
"""The sink, as metrics name it."""


class SettlementResult(StrEnum):
    """What became of one named lease or delivery."""

    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    EXTENDED = "extended"
    SETTLED = "settled"
    """It was settled before."""
    ENDED = "ended"
    OF_ANOTHER = "of-another"
    NOT_HELD = "not-held"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SettlementOutcome:
    """The result for one named lease or delivery.

    Attributes:
        name: the lease's id, or the delivery's position.
        deliveries: how many deliveries were settled by it.
        dead: how many of these are dead now.
        until: the new end of an extended lease, in microseconds since 1970.
    """

    name: str | int
    result: SettlementResult
    deliveries: int = 0
    dead: int = 0
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """Why deliveries are returned.

    Attributes:
        reason: a text for the subscriber.
        delay: seconds until they may be pulled again; None: as the retry policy says.
    """

    reason: str
    delay: float | None


@dataclass(frozen=True, slots=True)
class NamedDeliveries:
    """What a caller settles: whole leases by id, single deliveries by position."""

    leases: Sequence[str]
    positions: Sequence[int]


class _Held(NamedTuple):
    """One delivery that the caller holds, and since when."""

    leased: LeasedDelivery
    given_at: int


class _Place(NamedTuple):
    """A row of `statements.PLACES`."""

    position: int
    key: int | None
    attempts: int
    due_at: int
    state: int


class Settlements:
    """Settles what was pulled. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, policy: RetryPolicy) -> None:
        self._storage = storage
        self._policy = policy
        self._ledger = Ledger(storage)
        self._random = Random()  # noqa: S311 - jitter

    def acknowledge(
        self, subscription: Subscription, client_id: str, named: NamedDeliveries
    ) -> list[SettlementOutcome]:
        """Note deliveries as delivered. On disk when this returns."""
        return self._settle(subscription, client_id, named, None)

    def give_back(
        self, subscription: Subscription, client_id: str, named: NamedDeliveries, back: Return
    ) -> list[SettlementOutcome]:
        """Return deliveries: they come again after a while, or are dead if they were tried as often as may be."""
        return self._settle(subscription, client_id, named, back)

    def extend(
        self, subscription: Subscription, client_id: str, ids: Sequence[str], seconds: float
    ) -> list[SettlementOutcome]:
        """Hold leases for so many seconds from now; a lease that ends later stays as it is."""
        _check_sink(subscription)
        number = subscription.number
        with self._storage.write() as transaction:
            self._ledger.hold(transaction, number)
            now = clock.now_micros()
            found = find_leases(transaction, number, ids)
            return [
                self._extend(transaction, number, client_id, one, found, now, seconds) for one in dict.fromkeys(ids)
            ]

    def _extend(
        self,
        transaction: Transaction,
        subscription: int,
        client_id: str,
        id: str,
        found: dict[str, PullLease],
        now: int,
        seconds: float,
    ) -> SettlementOutcome:
        lease = found.get(id)
        refused = _judge_lease(lease, client_id, now)
        if lease is None or refused is not None:
            return SettlementOutcome(id, refused or SettlementResult.UNKNOWN)
        until = now + int(seconds * 1_000_000)
        if until > lease.due_at:
            until = find_free_moment(transaction, subscription, until)
            extend_lease(transaction, lease, until)
        else:
            until = lease.due_at
        named = {"subscription": subscription, "lease": lease.due_at, "due": until}
        held = transaction.execute(ledger_statements.RELEASE, named)
        return (
            SettlementOutcome(id, SettlementResult.EXTENDED, held, until=until)
            if held
            else SettlementOutcome(id, SettlementResult.ENDED)
        )

    def _settle(
        self, subscription: Subscription, client_id: str, named: NamedDeliveries, back: Return | None
    ) -> list[SettlementOutcome]:
        _check_sink(subscription)
        with self._storage.write() as transaction:
            self._ledger.hold(transaction, subscription.number)
            settling = _Settling(transaction, self._ledger, subscription.number, client_id, clock.now_micros())
            settling.name_leases(named.leases)
            settling.name_places(named.positions)
            attempts = {
                held.leased.position: self._make_attempt(transaction, subscription.number, held, back, settling.now)
                for held in settling.held
            }
            settling.write(list(attempts.values()))
        outcome = "delivered" if back is None else Failure.TRANSIENT.value
        DELIVERIES.labels(_KIND, outcome).inc(len(attempts))
        return settling.list_results(
            attempts, SettlementResult.ACKNOWLEDGED if back is None else SettlementResult.RETURNED
        )

    def _make_attempt(
        self, transaction: Transaction, subscription: int, held: _Held, back: Return | None, now: int
    ) -> Attempt:
        """The result of a try that a puller settled. The try was counted when it began."""
        leased = held.leased
        due_at = None if back is None else self._next_due(transaction, subscription, leased.attempts, back, now)
        pending = DeliveryState.PENDING if due_at is not None else DeliveryState.DEAD
        return Attempt(
            subscription=subscription,
            position=leased.position,
            key=leased.key,
            lease=leased.lease,
            number=leased.attempts,
            state=DeliveryState.DELIVERED if back is None else pending,
            due_at=due_at,
            at=now,
            failure=None if back is None else Failure.TRANSIENT.value,
            status=None,
            detail="" if back is None else back.reason,
            duration_ms=(now - held.given_at) // 1000,
        )

    def _next_due(
        self, transaction: Transaction, subscription: int, attempts: int, back: Return, now: int
    ) -> int | None:
        """When a returned delivery is due again; None: it is dead."""
        wait = plan_next_attempt(Outcome(Failure.TRANSIENT), attempts, self._policy, self._random)
        if wait is None:
            return None
        seconds = wait if back.delay is None else back.delay
        return find_free_moment(transaction, subscription, now + int(seconds * 1_000_000))


class _Settling:
    """One settlement while it is under way, in its transaction.

    Attributes:
        held: the deliveries that the caller names and holds.
        now: the moment of the settlement.
    """

    def __init__(self, transaction: Transaction, ledger: Ledger, subscription: int, client_id: str, now: int) -> None:
        self._transaction = transaction
        self._ledger = ledger
        self._subscription = subscription
        self._client_id = client_id
        self._results: dict[str | int, SettlementResult | Sequence[int]] = {}
        self._moments: set[int] = set()
        self._held: dict[int, _Held] = {}
        self.now = now

    @property
    def held(self) -> Sequence[_Held]:
        """In the order in which they were named."""
        return list(self._held.values())

    def name_leases(self, ids: Sequence[str]) -> None:
        """Settle what is held under some leases."""
        found = find_leases(self._transaction, self._subscription, ids)
        for one in dict.fromkeys(ids):
            self._name_lease(one, found.get(one))

    def name_places(self, positions: Sequence[int]) -> None:
        """Settle single deliveries."""
        wanted = self._transaction.numbers(positions)
        asked = {"subscription": self._subscription, "wanted": wanted}
        rows = self._transaction.rows(statements.PLACES, asked) if positions else []
        places = {place.position: place for place in map(_Place._make, rows)}
        leases = find_ends(self._transaction, self._subscription, {place.due_at for place in places.values()})
        for position in dict.fromkeys(positions):
            place = places.get(position)
            if place is None:
                self._results[position] = SettlementResult.UNKNOWN
            elif position in self._held:
                self._results[position] = [position]
            else:
                self._results[position] = self._judge_place(place, leases.get(place.due_at))

    def write(self, attempts: Sequence[Attempt]) -> None:
        """Write the results of tries, and which leases hold nothing any more."""
        if not attempts:
            return
        self._ledger.record(self._transaction, attempts)
        named = {"subscription": self._subscription, "at": self.now}
        self._transaction.execute(statements.SETTLED, {**named, "wanted": self._transaction.numbers(self._moments)})

    def list_results(self, attempts: dict[int, Attempt], done: SettlementResult) -> list[SettlementOutcome]:
        """The result for each name."""
        results: list[SettlementOutcome] = []
        for name, found in self._results.items():
            if isinstance(found, SettlementResult):
                results.append(SettlementOutcome(name, found))
                continue
            dead = [position for position in found if attempts[position].state is DeliveryState.DEAD]
            results.append(SettlementOutcome(name, done, len(found), len(dead)))
        return results

    def _name_lease(self, id: str, lease: PullLease | None) -> None:
        refused = _judge_lease(lease, self._client_id, self.now)
        if lease is None or refused is not None:
            self._results[id] = refused or SettlementResult.UNKNOWN
            return
        rows = self._ledger.find_leased(self._transaction, Lease(self._subscription, lease.due_at))
        for one in rows:
            self._hold(one, lease)
        # Its deliveries were made due by other means, such as a seek.
        self._results[id] = [one.position for one in rows] or SettlementResult.ENDED

    def _judge_place(self, place: _Place, lease: PullLease | None) -> SettlementResult | Sequence[int]:
        """What a single delivery's settlement comes to: the positions that it settles, or why it settles none."""
        if place.state == DeliveryState.DELIVERED:
            return SettlementResult.SETTLED
        if place.state != DeliveryState.PENDING or lease is None:
            return SettlementResult.NOT_HELD
        refused = _judge_lease(lease, self._client_id, self.now)
        if refused is not None:
            return refused
        self._hold(LeasedDelivery(place.position, place.key, place.attempts, place.due_at), lease)
        return [place.position]

    def _hold(self, leased: LeasedDelivery, lease: PullLease) -> None:
        self._held[leased.position] = _Held(leased, lease.given_at)
        self._moments.add(lease.due_at)


def _check_sink(subscription: Subscription) -> None:
    if not isinstance(subscription.sink, Pull):
        raise NotPulled(f"Nothing of {subscription.id} is pulled.")


def _judge_lease(lease: PullLease | None, client_id: str, now: int) -> SettlementResult | None:
    """Why a lease settles nothing; None: its caller holds it."""
    if lease is None:
        return SettlementResult.UNKNOWN
    if lease.client_id != client_id:
        return SettlementResult.OF_ANOTHER
    if lease.settled_at is not None:
        return SettlementResult.SETTLED
    return SettlementResult.ENDED if lease.due_at <= now else None
