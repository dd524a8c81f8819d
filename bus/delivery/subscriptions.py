"""Subscriptions: a participant's standing orders for contracts to a sink."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection

from bus import clock, json
from bus.delivery.signature import new_secret
from bus.delivery.tables import ATTEMPTS, DELIVERIES, SUBSCRIPTIONS
from bus.identity.keys import Keys
from bus.ids import new_id
from bus.problem import Conflict, NotFound
from bus.storage import Storage, announce

TOPIC = "subscriptions"
ROTATION = timedelta(hours=24)
"""How long the old secret signs beside the new one."""


class SubscriptionState(Enum):
    """Whether deliveries are handed over."""

    ACTIVE = "active"
    PAUSED = "paused"
    """Deliveries are made and wait."""


class SubscriptionUnknown(NotFound):
    """You have no subscription with this id."""

    slug = "subscription-unknown"


class ReplayUnderWay(Conflict):
    """A replay of this subscription is under way; wait for its end."""

    slug = "replay-under-way"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A sink that is an app's own endpoint."""

    url: str

    def document(self) -> dict[str, str]:
        """As the API writes it."""
        return {"url": self.url}


@dataclass(frozen=True, slots=True)
class AgencySink:
    """A sink that is an operation of an agency's adapter."""

    adapter: str
    operation: str

    def document(self) -> dict[str, str]:
        """As the API writes it."""
        return {"adapter": self.adapter, "operation": self.operation}


Sink = Webhook | AgencySink


@dataclass(frozen=True, slots=True)
class Subscription:
    """One standing order.

    Attributes:
        number: names it in the database and the broker; never used twice.
        id: names it in the API.
        filters: CloudEvents filter expressions over context attributes as the consumer sees them; all must hold.
        ordered_by: JSON Pointer into the data; events with the same value there are delivered in order. None, or a field that a
            grant does not show any more: the contract's own order.
        from_position: later events are delivered as they come; None until the relay has caught up.
        replay_position: deliveries are being made for events after it, up to `replay_until`.
        secrets: what webhooks are signed with, the newest first.
    """

    number: int
    id: str
    participant: str
    contracts: tuple[str, ...]
    sink: Sink
    filters: tuple[Mapping[str, Any], ...]
    ordered_by: str | None
    state: SubscriptionState
    from_position: int | None
    replay_position: int | None
    replay_until: int | None
    secrets: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """What a subscription is made from; see `Subscription`."""

    participant: str
    contracts: Sequence[str]
    sink: Sink
    filters: Sequence[Mapping[str, Any]] = ()
    ordered_by: str | None = None
    after: int = 0
    """Deliver the events after this position."""


class Subscriptions:
    """The subscriptions of one bus; what it knows in memory follows the database through `refresh`."""

    def __init__(self, storage: Storage, keys: Keys) -> None:
        self._storage = storage
        self._keys = keys
        self._refreshing = threading.Lock()
        self._by_number: dict[int, Subscription] = {}
        self._all: tuple[Subscription, ...] = ()

    def refresh(self) -> None:
        """Read all subscriptions again."""
        # One at a time: an older reading must not replace a newer one, or the relay would miss a subscription's events.
        with self._refreshing:
            with self._storage.read() as connection:
                rows = connection.execute(sa.select(SUBSCRIPTIONS).order_by(SUBSCRIPTIONS.c.number)).all()
            self._by_number = {row.number: self._subscription(row) for row in rows}
            self._all = tuple(self._by_number.values())

    def all(self) -> Sequence[Subscription]:
        """Every subscription as of the last refresh; the same object until the next."""
        return self._all

    def numbered(self, number: int) -> Subscription | None:
        """The subscription with a number as of the last refresh; None when it was deleted."""
        return self._by_number.get(number)

    def add(self, new: NewSubscription, id: str | None = None) -> Subscription:
        """Make a subscription; its secret is in `secrets`, to be shown once.

        The relay takes it up: only the relay knows up to where it has fanned out without it.

        Args:
            id: of one that is to be there once, whoever makes it first; the one that stands is given back.
        """
        secret = new_secret()
        values = {
            "id": id or new_id("sub"),
            "participant": new.participant,
            "contracts": json.dumps(list(new.contracts)).decode(),
            "sink": json.dumps(new.sink.document()).decode(),
            "filters": json.dumps(list(new.filters)).decode(),
            "ordered_by": new.ordered_by,
            "state": SubscriptionState.ACTIVE.value,
            "secrets": self._sealed([{"secret": secret, "until": None}]),
            "replay_position": new.after,
            "created_at": clock.micros(clock.now()),
        }
        # Another process that makes the same subscription at the same moment is told so by its unique id.
        with suppress(exc.IntegrityError), self._storage.write() as connection:
            connection.execute(sa.insert(SUBSCRIPTIONS).values(values))
            announce(connection, TOPIC)
        self.refresh()
        return self._by_id(str(values["id"]), new.participant)

    def listed(self, participant: str | None) -> Sequence[Subscription]:
        """A participant's subscriptions, or everybody's, oldest first; read from the database."""
        self.refresh()
        return [s for s in self._by_number.values() if participant in (None, s.participant)]

    def get(self, id: str, participant: str | None) -> Subscription:
        """A participant's (None: anybody's) subscription, read from the database.

        Raises:
            SubscriptionUnknown: there is none, or it is somebody else's.
        """
        self.refresh()
        return self._by_id(id, participant)

    def set_state(self, subscription: Subscription, state: SubscriptionState) -> None:
        """Pause or resume."""
        self._update(subscription, state=state.value)

    def change(
        self,
        subscription: Subscription,
        *,
        sink: Sink | None = None,
        filters: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Give it another sink or other filters."""
        values: dict[str, Any] = {}
        if sink is not None:
            values["sink"] = json.dumps(sink.document()).decode()
        if filters is not None:
            values["filters"] = json.dumps(list(filters)).decode()
        if values:
            self._update(subscription, **values)

    def rotate_secret(self, subscription: Subscription) -> str:
        """A new secret; the one before signs beside it for a day."""
        secret = new_secret()
        until = clock.micros(clock.now() + ROTATION)
        kept = [{"secret": old, "until": until} for old in subscription.secrets[:1]]
        self._update(subscription, secrets=self._sealed([{"secret": secret, "until": None}, *kept]))
        return secret

    def replay(self, subscription: Subscription, after: int, until: int) -> None:
        """Deliver again what lies after one position, up to another.

        Raises:
            ReplayUnderWay: one at a time.
        """
        changed = self._update(
            subscription,
            SUBSCRIPTIONS.c.replay_position.is_(None),
            replay_position=after,
            replay_until=until,
        )
        if not changed:
            raise ReplayUnderWay("A replay is under way; wait for its end.")

    def delete(self, subscription: Subscription) -> None:
        """Delete it with its deliveries."""
        with self._storage.write() as connection:
            connection.execute(sa.delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.number == subscription.number))
            for table in (ATTEMPTS, DELIVERIES):
                connection.execute(sa.delete(table).where(table.c.subscription == subscription.number))
            announce(connection, TOPIC)
        self.refresh()

    def _by_id(self, id: str, participant: str | None) -> Subscription:
        for subscription in self._by_number.values():
            if subscription.id == id and participant in (None, subscription.participant):
                return subscription
        raise SubscriptionUnknown(f"There is no subscription {id} of yours.")

    def _update(self, subscription: Subscription, *conditions: sa.ColumnElement[bool], **values: Any) -> bool:
        statement = sa.update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.number == subscription.number, *conditions)
        with self._storage.write() as connection:
            changed = connection.execute(statement.values(**values)).rowcount > 0
            announce(connection, TOPIC)
        self.refresh()
        return changed

    def _sealed(self, secrets: Sequence[Mapping[str, Any]]) -> str:
        return self._keys.encrypt(json.dumps(list(secrets)).decode())

    def _subscription(self, row: Any) -> Subscription:
        sink = json.loads(row.sink)
        now = clock.micros(clock.now())
        secrets = json.loads(self._keys.decrypt(row.secrets))
        return Subscription(
            number=row.number,
            id=row.id,
            participant=row.participant,
            contracts=tuple(json.loads(row.contracts)),
            sink=Webhook(sink["url"]) if "url" in sink else AgencySink(sink["adapter"], sink["operation"]),
            filters=tuple(json.loads(row.filters)),
            ordered_by=row.ordered_by,
            state=SubscriptionState(row.state),
            from_position=row.from_position,
            replay_position=row.replay_position,
            replay_until=row.replay_until,
            secrets=tuple(s["secret"] for s in secrets if s["until"] is None or s["until"] > now),
            created_at=clock.moment(row.created_at),
        )


def go_live(connection: Connection, number: int, position: int) -> None:
    """A new subscription has caught up to where the relay stands: from here on it is live. In the relay's transaction."""
    _note(connection, number, from_position=position, replay_position=None)


def advance_replay(connection: Connection, number: int, position: int) -> None:
    """Note how far a replay, or a new subscription's catching up, has come. In the relay's transaction."""
    _note(connection, number, replay_position=position)


def end_replay(connection: Connection, number: int) -> None:
    """A replay has come to its end. In the relay's transaction."""
    _note(connection, number, replay_position=None, replay_until=None)


def _note(connection: Connection, number: int, **values: int | None) -> None:
    connection.execute(sa.update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.number == number).values(values))
    announce(connection, TOPIC)
