"""Failing deliveries: those that were tried again and again for a long time, for each subscription."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bus import clock
from bus.delivery.ordering import HELD, PARKED
from bus.delivery.subscription import Pull, Subscription, SubscriptionState, Webhook
from bus.delivery.tables import ATTEMPTS, DELIVERIES
from bus.storage import Storage, Transaction

_LOOKED_AT: Final = 500
"""Pending deliveries that are read at each end of a subscription's queue. Those that failed are due last."""


@dataclass(frozen=True, slots=True)
class FailingDelivery:
    """The delivery of a subscription that has failed for the longest time.

    Attributes:
        subscription: the subscription's id.
        since: the first attempt.
        failure: the class of the first failure.
        status: the HTTP status of the first answer; None: there was no answer.
    """

    subscription: str
    participant: str
    is_webhook: bool
    since: datetime
    failure: str
    status: int | None


def find_failing(storage: Storage, subscriptions: Sequence[Subscription], before: datetime) -> list[FailingDelivery]:
    """The active subscriptions with a pending delivery that was first tried before a time."""
    found: list[FailingDelivery] = []
    for subscription in subscriptions:
        if subscription.state is not SubscriptionState.ACTIVE or isinstance(subscription.sink, Pull):
            continue
        with storage.read() as transaction:
            failing = _find_longest(transaction, subscription)
        if failing is not None and failing.since < before:
            found.append(failing)
    return found


def _find_longest(transaction: Transaction, subscription: Subscription) -> FailingDelivery | None:
    """The pending delivery with the oldest first attempt, among the deliveries at both ends of the queue."""
    table = DELIVERIES.c
    waiting = (table.subscription == subscription.number) & (table.state == 0) & (table.due_at < min(HELD, PARKED))
    query = sa.select(table.position, table.attempts).where(waiting).limit(_LOOKED_AT)
    rows = [
        *transaction.rows(query.order_by(table.due_at)),
        *transaction.rows(query.order_by(table.due_at.desc())),
    ]
    positions = sorted({row.position for row in rows if row.attempts})
    tried = ATTEMPTS.c
    first = (
        sa.select(tried.at, tried.failure, tried.status)
        .where(tried.subscription == subscription.number, tried.position.in_(positions))
        .order_by(tried.at)
        .limit(1)
    )
    row = transaction.one(first) if positions else None
    if row is None:
        return None
    is_webhook = isinstance(subscription.sink, Webhook)
    return FailingDelivery(
        subscription.id, subscription.participant, is_webhook, clock.moment(row.at), row.failure, row.status
    )
