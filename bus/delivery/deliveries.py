"""Deliveries for subscribers: list, retry, discard, redrive."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Verb, note
from bus.delivery import statements
from bus.delivery.acts import make_delivery_act, make_subscription_act
from bus.delivery.attempts import Attempt
from bus.delivery.ledger import Ledger
from bus.delivery.ordering import HELD, PARKED
from bus.delivery.removal import SETTLED
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import Subscription
from bus.delivery.subscriptions import TOPIC
from bus.delivery.tables import ATTEMPTS, DELIVERIES, SUBSCRIPTIONS
from bus.delivery.tally import MOST, Tally, read_tally
from bus.journal import hold_event
from bus.problem import NotFound
from bus.storage import Storage, Transaction, announce

_REDRIVE_STEP = 1000


class DeliveryUnknown(NotFound):
    """You have no delivery with this id."""

    slug = "delivery-unknown"


class EventForgotten(NotFound):
    """The journal keeps the event of this delivery no longer; it cannot be delivered again."""

    slug = "event-forgotten"


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One attempt that failed; `failure` is its class."""

    number: int
    at: datetime
    failure: str
    status: int | None
    detail: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one subscription.

    Attributes:
        id: `<subscription's id>.<position>`.
        attempts: number of attempts since the last redrive.
        next_attempt: when a pending delivery is due. None: it is over, or waits behind another of its key, or for its grant.
        status: HTTP status of the last attempt; None: the sink did not answer.
        failures: the failed attempts, oldest first.
    """

    id: str
    subscription: str
    position: int
    state: DeliveryState
    attempts: int
    next_attempt: datetime | None
    finished_at: datetime | None
    status: int | None
    failures: tuple[FailedAttempt, ...]


class Deliveries:
    """The deliveries of one bus. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._ledger = Ledger(storage)

    def listed(
        self, subscriptions: Sequence[Subscription], state: DeliveryState | None, after: tuple[int, int], limit: int
    ) -> list[Delivery]:
        """Deliveries of some subscriptions, by subscription and position.

        Args:
            state: only deliveries in this state; None: in any state.
            after: the subscription's number and the position of the last delivery of the page before.
        """
        by_number = {s.number: s for s in subscriptions}
        table = DELIVERIES.c
        # One subscription at a time: not every database uses the key (subscription, position) for a row comparison.
        found: list[Any] = []
        for number in sorted(n for n in by_number if n >= after[0]):
            first, most = after[1] if number == after[0] else 0, limit - len(found)
            if most <= 0:
                break
            wanted = sa.select(DELIVERIES).where(table.subscription == number, table.position > first)
            if state is not None:
                wanted = wanted.where(table.state == state.value)
            with self._storage.read() as transaction:
                if state is DeliveryState.DEAD:
                    found.extend(_read_dead(transaction, number, first, most))
                    continue
                if state is DeliveryState.PENDING:
                    wanted = _narrow_to_pending(transaction, wanted, number, first, most)
                found.extend(transaction.rows(wanted.order_by(table.position).limit(most)))
        return self._add_failures(found, by_number)

    def of_event(self, position: int, subscriptions: Sequence[Subscription]) -> list[Delivery]:
        """The deliveries of one event."""
        by_number = {s.number: s for s in subscriptions}
        table = DELIVERIES.c
        wanted = sa.select(DELIVERIES).where(table.subscription.in_(by_number), table.position == position)
        with self._storage.read() as transaction:
            rows = transaction.rows(wanted)
        return self._add_failures(rows, by_number)

    def retry(self, subscription: Subscription, position: int, by: Actor) -> None:
        """Make one delivery due now: a pending one early; a dead, discarded or delivered one again.

        Raises:
            DeliveryUnknown: there is no such delivery.
            EventForgotten: the journal has its event no longer.
        """
        table, now = DELIVERIES.c, clock.micros(clock.now())
        its = sa.and_(table.subscription == subscription.number, table.position == position)
        again = {"state": DeliveryState.PENDING.value, "attempts": 0, "due_at": now, "finished_at": None}
        with self._storage.write() as transaction:
            # Before its row is locked: the relay takes the two in this order.
            self._ledger.hold(transaction, subscription.number)
            row = transaction.one(sa.select(table.key, table.due_at, table.state).where(its))
            if row is None:
                raise _refuse_unknown(subscription, position)
            # What is owed has its event: retention waits for it.
            if row.state in SETTLED and not hold_event(transaction, position):
                raise EventForgotten("Its contract does not keep it for so long.")
            if row.key is not None and row.due_at != PARKED:
                # If it is in flight, it leaves its run. Deliveries behind it in the run must not go without it.
                behind = {"subscription": subscription.number, "lease": row.due_at, "key": row.key}
                transaction.execute(statements.OUT_OF_RUN, {**behind, "due": now})
            transaction.execute(sa.update(DELIVERIES).where(its).values(again))
            _note(transaction, Verb.DELIVERY_RETRY, subscription, position, by, row.state, DeliveryState.PENDING)

    def discard(self, subscription: Subscription, position: int, by: Actor) -> None:
        """Give up a delivery that is not delivered. Deliveries that waited behind it go on.

        Raises:
            DeliveryUnknown: there is no such delivery, or it is over.
        """
        with self._storage.write() as transaction:
            # Before the row is locked: the relay takes the two in this order.
            self._ledger.hold(transaction, subscription.number)
            given_up = self._make_discarded(transaction, subscription, position, by)
            self._ledger.record(transaction, [given_up])

    def _make_discarded(
        self, transaction: Transaction, subscription: Subscription, position: int, by: Actor
    ) -> Attempt:
        table = DELIVERIES.c
        its = sa.and_(table.subscription == subscription.number, table.position == position)
        # The row is locked from here on.
        row = transaction.one(
            sa.select(table.key, table.due_at, table.attempts, table.state)
            .where(its, table.state.in_((DeliveryState.PENDING, DeliveryState.DEAD)))
            .with_for_update()
        )
        if row is None:
            raise _refuse_unknown(subscription, position)
        # The ledger writes outcomes only of pending deliveries, under their present lease.
        transaction.execute(sa.update(DELIVERIES).where(its).values(state=DeliveryState.PENDING.value))
        _note(transaction, Verb.DELIVERY_DISCARD, subscription, position, by, row.state, DeliveryState.DISCARDED)
        now, state = clock.micros(clock.now()), DeliveryState.DISCARDED
        return Attempt(
            subscription.number, position, row.key, row.due_at, row.attempts, state, None, now, None, None, "", 0
        )

    def redrive(self, subscription: Subscription, by: Actor) -> int:
        """Make every dead delivery due again. Returns their number."""
        redriven = 0
        while True:
            with self._storage.write() as transaction:
                self._ledger.hold(transaction, subscription.number)
                if not redriven:
                    # Noted with the first step, even if a later one fails.
                    note(transaction, _make_redrive_action(transaction, subscription, by))
                positions = [row.position for row in _read_dead(transaction, subscription.number, 0, _REDRIVE_STEP)]
                if not positions:
                    return redriven
                again = {"subscription": subscription.number, "now": clock.micros(clock.now())}
                transaction.execute(statements.REDRIVE, {**again, "wanted": transaction.numbers(positions)})
            redriven += len(positions)

    def hasten(self, subscription: Subscription, by: Actor) -> int:
        """Make every delivery due that waits for its next attempt, and let the sink be tried at once. Returns their number.

        It is for a sink that was mended. What waits behind another delivery of its key still waits.
        """
        now, hastened = clock.now_micros(), 0
        asked = {"subscription": subscription.number, "now": now, "held": HELD, "most": _REDRIVE_STEP}
        self._note_hastened(subscription, now, by)
        while True:
            with self._storage.write() as transaction:
                self._ledger.hold(transaction, subscription.number)
                made_due = transaction.execute(statements.HASTEN, asked)
            hastened += made_due
            if made_due < _REDRIVE_STEP:
                return hastened

    def _note_hastened(self, subscription: Subscription, now: int, by: Actor) -> None:
        """Let circuits that opened before this moment hold nothing back."""
        told = make_subscription_act(
            Verb.SUBSCRIPTION_REDRIVE, subscription.id, subscription.participant, by, details={"pending": True}
        )
        with self._storage.write() as transaction:
            values = {"hastened_at": now, "changed": announce(transaction, TOPIC)}
            its = SUBSCRIPTIONS.c.number == subscription.number
            transaction.execute(sa.update(SUBSCRIPTIONS).where(its).values(values))
            note(transaction, told)

    def tally(self, subscription: Subscription) -> Tally:
        """How the deliveries of a subscription stand."""
        with self._storage.read() as transaction:
            return read_tally(transaction, subscription.number)

    def _add_failures(self, rows: Sequence[Any], by_number: dict[int, Subscription]) -> list[Delivery]:
        failures = self._read_failures([row for row in rows if row.attempts])
        return [
            _make_delivery(row, by_number[row.subscription], failures.get((row.subscription, row.position), ()))
            for row in rows
        ]

    def _read_failures(self, rows: Iterable[Any]) -> dict[tuple[int, int], tuple[FailedAttempt, ...]]:
        positions: dict[int, list[int]] = {}
        for row in rows:
            positions.setdefault(row.subscription, []).append(row.position)
        found: dict[tuple[int, int], tuple[FailedAttempt, ...]] = {}
        table = ATTEMPTS.c
        for number, of in positions.items():
            wanted = (
                sa.select(ATTEMPTS).where(table.subscription == number, table.position.in_(of)).order_by(table.number)
            )
            with self._storage.read() as transaction:
                for row in transaction.rows(wanted):
                    place = (row.subscription, row.position)
                    found[place] = (*found.get(place, ()), _make_failed_attempt(row))
        return found


class _Dead(NamedTuple):
    """A row of `statements.DEAD`."""

    subscription: int
    position: int
    state: int
    key: int | None
    attempts: int
    due_at: int
    finished_at: int | None
    status: int | None


def _read_dead(transaction: Transaction, subscription: int, after: int, most: int) -> list[_Dead]:
    """The next dead deliveries of a subscription, by position."""
    asked = {"subscription": subscription, "after": after, "most": most}
    return [_Dead(*row) for row in transaction.rows(statements.DEAD, asked)]


def _narrow_to_pending(
    transaction: Transaction, wanted: sa.Select[Any], number: int, after: int, most: int
) -> sa.Select[Any]:
    """The statement for the next pending deliveries, without a walk over all that were delivered.

    The index of pending deliveries has them in the order in which they are due. If they are few, all of their positions are read.
    If they are many, the key finds the next one soon.
    """
    asked = {"subscription": number, "most": MOST}
    positions = [row[0] for row in transaction.rows(statements.PENDING_POSITIONS, asked)]
    if len(positions) == MOST:
        return wanted
    chosen = sorted(one for one in positions if one > after)[:most]
    return sa.select(DELIVERIES).where(DELIVERIES.c.subscription == number, DELIVERIES.c.position.in_(chosen))


def _make_redrive_action(transaction: Transaction, subscription: Subscription, by: Actor) -> Action:
    details = {"dead": read_tally(transaction, subscription.number).count(DeliveryState.DEAD)}
    return make_subscription_act(
        Verb.SUBSCRIPTION_REDRIVE, subscription.id, subscription.participant, by, details=details
    )


def _note(
    transaction: Transaction, what: Verb, of: Subscription, position: int, by: Actor, before: int, after: DeliveryState
) -> None:
    was, now = DeliveryState(before).name.lower(), after.name.lower()
    note(transaction, make_delivery_act(what, f"{of.id}.{position}", of.participant, by, before=was, after=now))


def _make_failed_attempt(row: Any) -> FailedAttempt:
    return FailedAttempt(row.number, clock.moment(row.at), row.failure, row.status, row.detail, row.duration_ms)


def _make_delivery(row: Any, subscription: Subscription, failures: tuple[FailedAttempt, ...]) -> Delivery:
    is_waiting = row.state == DeliveryState.PENDING and row.due_at < HELD
    return Delivery(
        id=f"{subscription.id}.{row.position}",
        subscription=subscription.id,
        position=row.position,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_attempt=clock.moment(row.due_at) if is_waiting else None,
        finished_at=None if row.finished_at is None else clock.moment(row.finished_at),
        status=row.status,
        failures=failures,
    )


def _refuse_unknown(subscription: Subscription, position: int) -> DeliveryUnknown:
    return DeliveryUnknown(f"{subscription.id} has no such delivery at position {position}.")
