"""The ledger of one subscription as tests use it: what is owed, handed over and came of it, in few words."""

import itertools
from dataclasses import dataclass, field

import sqlalchemy as sa

from bus.delivery.attempts import Attempt
from bus.delivery.deliveries import Deliveries
from bus.delivery.first_runs import Run, plan_first_runs
from bus.delivery.ledger import Lease, LeasedDelivery, Ledger, NewDelivery
from bus.delivery.ordering import PARKED
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import Subscription
from bus.delivery.tables import ATTEMPTS, DELIVERIES
from bus.journal.tables import JOURNAL
from bus.storage import Storage
from tests.builders import a_subscription

LEASE = 1_000_000
TICK = 100
"""Microseconds between two looks of the relay, which has to read the database for each: no two leases end at once."""

_EVENTS = 20

_numbers = itertools.count(1)


@dataclass
class Book:
    """The ledger of one subscription, with a clock that stands still."""

    storage: Storage
    number: int = field(default_factory=lambda: next(_numbers))
    now: int = 1_000_000

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.storage)
        self.deliveries = Deliveries(self.storage)
        self._write_events()

    def _write_events(self) -> None:
        """Put events into the journal: what is settled is tried again only while its event is kept."""
        common = {"contract_id": 1, "version_id": 1, "participant": "dukcapil", "recorded_at": 1, "body": b"{}"}
        with self.storage.write() as transaction:
            if not transaction.value(sa.select(sa.func.count()).select_from(JOURNAL)):
                rows = [{"position": one, "identity": b"%d" % one, **common} for one in range(1, _EVENTS + 1)]
                transaction.execute(sa.insert(JOURNAL), rows)

    @property
    def subscription(self) -> Subscription:
        return a_subscription("dinkes", number=self.number, id="sub_test")

    def owe(self, *keys: int | None, again: bool = False) -> None:
        """Owe deliveries at positions 1, 2, …, one for each key."""
        made = [NewDelivery(self.number, position, key) for position, key in enumerate(keys, 1)]
        with self.storage.write() as transaction:
            self.ledger.add(transaction, made, self.now, again=again)

    def lease(self, window: int = 100, most: int = 10, *, ordered: bool = True) -> list[Lease]:
        self.now += TICK
        with self.storage.write(durable=False) as transaction:
            until = self.now + LEASE
            handed = self.ledger.lease(transaction, self.number, self.now, until, window, most, ordered=ordered)
        return list(handed.leases)

    def begin(self, *keys: int | None, window: int = 100, most: int = 10) -> list[Run]:
        """Owe deliveries as `owe` does, but have those go at once that may."""
        self.now += TICK
        new = [NewDelivery(self.number, position, key) for position, key in enumerate(keys, 1)]
        with self.storage.write() as transaction:
            self.ledger.hold(transaction, self.number)
            begun = plan_first_runs(transaction, new, self.now, self.now + LEASE, lambda _: window, most)
            self.ledger.add(transaction, new, self.now, again=False, later=begun.due)
        return begun.runs

    def load(self, lease: Lease) -> list[LeasedDelivery]:
        with self.storage.read() as transaction:
            return self.ledger.find_leased(transaction, lease)

    def positions(self, lease: Lease) -> list[int]:
        return [one.position for one in self.load(lease)]

    def handed_over(self, most: int = 10) -> list[list[int]]:
        return [self.positions(lease) for lease in self.lease(most=most)]

    def release(self, *leases: Lease) -> None:
        """Give runs back, due at once."""
        self.ledger.release(leases, self.now)

    def record(self, *attempts: Attempt) -> None:
        with self.storage.write() as transaction:
            self.ledger.record(transaction, attempts)

    def attempt(
        self, leased: LeasedDelivery, state: DeliveryState = DeliveryState.DELIVERED, due_at: int | None = None
    ) -> Attempt:
        """What became of a delivery: by default it was delivered."""
        failure = None if state is DeliveryState.DELIVERED else "transient"
        return Attempt(
            subscription=self.number,
            position=leased.position,
            key=leased.key,
            lease=leased.lease,
            number=leased.attempts + 1,
            state=state,
            due_at=due_at,
            at=self.now,
            failure=failure,
            status=200 if failure is None else 500,
            detail="" if failure is None else "it failed inside",
            duration_ms=3,
        )

    def again(self, leased: LeasedDelivery, after: int = 0) -> Attempt:
        """It failed, and is due again after some microseconds."""
        return self.attempt(leased, DeliveryState.PENDING, self.now + after)

    def dead(self, leased: LeasedDelivery) -> Attempt:
        return self.attempt(leased, DeliveryState.DEAD)

    def parked(self, leased: LeasedDelivery) -> Attempt:
        """It was not tried, since an earlier one of its key failed."""
        return self._untried(leased, DeliveryState.PENDING, PARKED)

    def released(self, leased: LeasedDelivery) -> Attempt:
        """It was not tried, and is given back."""
        return self._untried(leased, DeliveryState.PENDING, self.now)

    def skipped(self, leased: LeasedDelivery) -> Attempt:
        """There was nothing to send."""
        return self._untried(leased, DeliveryState.DISCARDED, None)

    def _untried(self, leased: LeasedDelivery, state: DeliveryState, due_at: int | None) -> Attempt:
        of = (self.number, leased.position, leased.key, leased.lease, leased.attempts)
        return Attempt(*of, state, due_at, self.now, None, None, "", 0)

    def states(self) -> list[str]:
        wanted = sa.select(DELIVERIES.c.state).where(DELIVERIES.c.subscription == self.number)
        with self.storage.read() as transaction:
            rows = transaction.rows(wanted.order_by(DELIVERIES.c.position))
            return [DeliveryState(row.state).name.lower() for row in rows]

    def failures(self) -> list[tuple[int, int]]:
        """(position, number) of each attempt that failed."""
        wanted = sa.select(ATTEMPTS.c.position, ATTEMPTS.c.number).where(ATTEMPTS.c.subscription == self.number)
        with self.storage.read() as transaction:
            return [(row.position, row.number) for row in transaction.rows(wanted)]
