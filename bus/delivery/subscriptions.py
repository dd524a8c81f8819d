"""Subscriptions: a participant's standing orders for contracts to a sink."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bus import clock, json
from bus.actions import Action, Actor, Verb, note
from bus.contracts import Tags
from bus.delivery.acts import find_setter, make_subscription_act
from bus.delivery.remains import leave
from bus.delivery.signature import new_secret
from bus.delivery.signing_secrets import SigningSecret, drop_ended, rotate
from bus.delivery.subscription import (
    AlsoWrite,
    NewSubscription,
    NothingSigned,
    Pull,
    ReplayUnderWay,
    Sink,
    SinkKindFixed,
    Subscription,
    SubscriptionChanged,
    SubscriptionOfAnother,
    SubscriptionState,
    read_sink,
    refuse_unknown,
    write_nothing_more,
    write_sink,
)
from bus.delivery.tables import SUBSCRIPTIONS
from bus.identity import Keys
from bus.ids import new_id
from bus.storage import RowConflict, Storage, Transaction, announce, find_last_change

TOPIC = "subscriptions"


class Subscriptions:
    """The subscriptions of one bus. `refresh` brings its memory up to the database."""

    def __init__(self, storage: Storage, keys: Keys, now: Callable[[], datetime] = clock.now) -> None:
        """`now` is this moment in UTC."""
        self._storage = storage
        self._keys = keys
        self._now = now
        self._refreshing = threading.Lock()
        self._reached: int | None = None
        self._expiring: dict[int, int] = {}
        self._by_number: Mapping[int, Subscription] = {}
        self._ids: Mapping[str, int] = {}
        self._all: tuple[Subscription, ...] = ()

    def refresh(self) -> None:
        """Read the subscriptions that changed since the last time."""
        # One refresh at a time. An older reading must not replace a newer one: the relay would miss a subscription's events.
        with self._refreshing:
            now = clock.micros(self._now())
            expired = [number for number, until in self._expiring.items() if until <= now]
            with self._storage.read() as transaction:
                # This comes first, since in PostgreSQL the next statement may see more changes than this one.
                reached = find_last_change(transaction, TOPIC)
                rows = transaction.rows(_changed(self._reached, expired))
                known = self._by_number.keys() | {row.number for row in rows}
                gone = _find_deleted(transaction, known)
            self._reached = reached
            if rows or gone:
                self._take_over(rows, gone)

    def all(self) -> Sequence[Subscription]:
        """Every subscription as of the last refresh; the same object until one of them changes."""
        return self._all

    def by_number(self) -> Mapping[int, Subscription]:
        """Every subscription by number, in order. An unchanged subscription is the same object as before."""
        return self._by_number

    def numbered(self, number: int) -> Subscription | None:
        """The subscription with a number, as of the last refresh; None: it was deleted."""
        return self._by_number.get(number)

    def add(
        self, new: NewSubscription, by: Actor, id: str | None = None, also: AlsoWrite = write_nothing_more
    ) -> Subscription:
        """Make a subscription; its secret is in `secrets`, to be shown once. One that is pulled has none.

        The relay takes it up: only the relay knows up to where it has fanned out without it.

        Args:
            id: its id, if it must exist only once. Returns the present subscription if there is one with this id.
            also: writes more in the same transaction.
        """
        # Nothing is sent to a participant that pulls, so nothing is signed.
        secrets = [] if isinstance(new.sink, Pull) else [SigningSecret(new_secret(), None)]
        known_as = id or new_id("sub")
        values = {
            "id": known_as,
            "participant": new.participant,
            "contracts": json.dumps(list(new.contracts)).decode(),
            "sink": write_sink(new.sink),
            "filters": json.dumps(list(new.filters)).decode(),
            "ordered_by": new.ordered_by,
            "state": SubscriptionState.ACTIVE.value,
            "secrets": self._sealed(secrets),
            "replay_position": new.after,
            "created_at": clock.micros(self._now()),
            "sink_set_by": find_setter(by, new.participant),
        }
        # Another process that makes the same subscription at the same moment is told so by its unique id.
        with suppress(RowConflict), self._storage.write() as transaction:
            transaction.execute(sa.insert(SUBSCRIPTIONS).values(**values, changed=announce(transaction, TOPIC)))
            note(
                transaction,
                make_subscription_act(Verb.SUBSCRIPTION_ADD, known_as, new.participant, by, after=_told(new)),
            )
            row = transaction.one(sa.select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == known_as))
            also(transaction, self._subscription(row))
        self.refresh()
        return self._by_id(known_as, new.participant)

    def count(self, participant: str) -> int:
        """How many a participant has, read from the database."""
        mine = sa.select(sa.func.count()).where(SUBSCRIPTIONS.c.participant == participant)
        with self._storage.read() as transaction:
            return transaction.value(mine) or 0

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

    def set_state(self, subscription: Subscription, state: SubscriptionState, by: Actor) -> None:
        """Pause or resume."""
        what = Verb.SUBSCRIPTION_PAUSE if state is SubscriptionState.PAUSED else Verb.SUBSCRIPTION_RESUME
        self._update(_Act(what, subscription, by, after={"state": state.value}), state=state.value)

    def disable(self, subscription: Subscription, by: Actor) -> bool:
        """Let deliveries wait, since the sink wants no more. Returns False if the subscription is not active, or has another
        sink by now."""
        state = SubscriptionState.DISABLED
        act = _Act(Verb.SUBSCRIPTION_DISABLE, subscription, by, {"state": state.value}, {"reason": state.reason})
        is_same = (
            SUBSCRIPTIONS.c.state == SubscriptionState.ACTIVE.value,
            SUBSCRIPTIONS.c.sink == write_sink(subscription.sink),
        )
        return self._update(act, *is_same, state=state.value)

    def change(
        self,
        subscription: Subscription,
        by: Actor,
        *,
        sink: Sink | None = None,
        filters: Sequence[Mapping[str, Any]] | None = None,
        tags: Tags = None,
    ) -> None:
        """Give it another sink or other filters. With another sink a disabled one is active again.

        Raises:
            SubscriptionChanged: its tag is none of `tags`.
            SinkKindFixed: one of the two sinks is pulled, and the other is not.
        """
        values: dict[str, Any] = {}
        after: dict[str, Any] = {}
        if sink is not None:
            if isinstance(sink, Pull) is not isinstance(subscription.sink, Pull):
                # A worker may hold deliveries of the one kind, and a puller those of the other.
                raise SinkKindFixed("Make a new subscription with the other sink, from the position that you want.")
            values["sink"] = write_sink(sink)
            values["sink_set_by"] = find_setter(by, subscription.participant)
            after["sink"] = sink.told()
            if subscription.state is SubscriptionState.DISABLED and sink != subscription.sink:
                values["state"] = after["state"] = SubscriptionState.ACTIVE.value
        if filters is not None:
            values["filters"] = json.dumps(list(filters)).decode()
            after["filters"] = len(filters)
        if values or tags is not None:
            self._update(_Act(Verb.SUBSCRIPTION_CHANGE, subscription, by, after=after, tags=tags), **values)

    def rotate_secret(self, subscription: Subscription, by: Actor) -> str:
        """A new secret. The one before signs beside it for a day, and older ones to their own ends.

        Raises:
            NothingSigned: it is pulled.
            TooManySecrets: as many sign as may.
        """
        if isinstance(subscription.sink, Pull):
            raise NothingSigned(f"{subscription.id} is pulled.")
        secret = new_secret()
        with self._storage.write() as transaction:
            # What is stored, not what this process knows: two that rotate at once must not drop each other's secret.
            row = self._locked_row(transaction, subscription)
            secrets = rotate(self._opened(row.secrets), secret, clock.micros(self._now()))
            act = _Act(Verb.SUBSCRIPTION_ROTATE_SECRET, subscription, by)
            self._write(transaction, act, self._subscription(row), secrets=self._sealed(secrets))
        self.refresh()
        return secret

    def replay(
        self,
        subscription: Subscription,
        after: int,
        until: int,
        by: Actor,
        what: Verb = Verb.SUBSCRIPTION_REPLAY,
    ) -> None:
        """Deliver again what lies after one position, up to another.

        Args:
            what: the act that the action log names.

        Raises:
            ReplayUnderWay: one at a time.
        """
        changed = self._update(
            _Act(what, subscription, by, details={"after": after, "until": until}),
            SUBSCRIPTIONS.c.replay_position.is_(None),
            replay_position=after,
            replay_until=until,
        )
        if not changed:
            raise ReplayUnderWay("A replay is under way; wait for its end.")

    def delete(self, subscription: Subscription, by: Actor, tags: Tags = None) -> None:
        """Delete it. The relay deletes its deliveries in steps; nobody sees them or gets them any more.

        Raises:
            SubscriptionChanged: its tag is none of `tags`.
        """
        with self._storage.write() as transaction:
            present = self._subscription(self._locked_row(transaction, subscription))
            _check_tag(present, tags)
            before = _told(present)
            act = make_subscription_act(
                Verb.SUBSCRIPTION_DELETE, subscription.id, subscription.participant, by, before=before
            )
            note(transaction, act)
            announce(transaction, TOPIC)
            transaction.execute(sa.delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.number == subscription.number))
            leave(transaction, subscription.number, subscription.id, clock.micros(self._now()))
        self.refresh()

    def _by_id(self, id: str, participant: str | None) -> Subscription:
        subscription = self._by_number.get(self._ids.get(id, 0))
        if subscription is None:
            raise refuse_unknown(id)
        if participant not in (None, subscription.participant):
            raise SubscriptionOfAnother(f"There is no subscription {id} of yours.")
        return subscription

    def _update(self, act: "_Act", *conditions: sa.ColumnElement[bool], **values: Any) -> bool:
        with self._storage.write() as transaction:
            present = self._subscription(self._locked_row(transaction, act.subscription))
            _check_tag(present, act.tags)
            changed = self._write(transaction, act, present, *conditions, **values)
        self.refresh()
        return changed

    def _write(
        self,
        transaction: Transaction,
        act: "_Act",
        present: Subscription,
        *conditions: sa.ColumnElement[bool],
        **values: Any,
    ) -> bool:
        """Write values and their entry of the action log, if the conditions hold; whether they did."""
        statement = sa.update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.number == present.number, *conditions)
        latest = announce(transaction, TOPIC)
        changed = transaction.execute(statement.values(**values, changed=latest)) > 0
        if changed:
            note(transaction, act.told(present))
        return changed

    def _locked_row(self, transaction: Transaction, subscription: Subscription) -> Any:
        """The subscription's row as it is now; until the transaction ends nobody else changes it."""
        wanted = sa.select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.number == subscription.number).with_for_update()
        row = transaction.one(wanted)
        if row is None:
            raise refuse_unknown(subscription.id)
        return row

    def _take_over(self, rows: Sequence[Any], gone: Set[int]) -> None:
        """Keep rows that were read, and forget subscriptions that are gone."""
        changed = {row.number: self._subscription(row) for row in rows}
        kept = (
            {number: one for number, one in self._by_number.items() if number not in gone} if gone else self._by_number
        )
        by_number = {**kept, **changed}
        if list(by_number) != sorted(by_number):
            by_number = dict(sorted(by_number.items()))
        # Replaced as a whole: a reader in another thread sees the old ones or the new ones.
        # First, since the relay hands over by number: a worker of this process then listens already.
        self._all = tuple(by_number.values())
        self._by_number = by_number
        self._ids = {one.id: number for number, one in by_number.items()}
        self._expiring = {number: until for number, until in self._expiring.items() if number in by_number}

    def _sealed(self, secrets: Sequence[SigningSecret]) -> str:
        return self._keys.encrypt(json.dumps([one._asdict() for one in secrets]).decode())

    def _opened(self, sealed: str) -> list[SigningSecret]:
        return [SigningSecret(one["secret"], one["until"]) for one in json.loads(self._keys.decrypt(sealed))]

    def _subscription(self, row: Any) -> Subscription:
        now = clock.micros(self._now())
        secrets = drop_ended(self._opened(row.secrets), now)
        ends = [one.until for one in secrets if one.until is not None]
        self._expiring.pop(row.number, None)
        if ends:
            self._expiring[row.number] = min(ends)
        return Subscription(
            number=row.number,
            id=row.id,
            participant=row.participant,
            contracts=tuple(json.loads(row.contracts)),
            sink=read_sink(row.sink),
            filters=tuple(json.loads(row.filters)),
            ordered_by=row.ordered_by,
            state=SubscriptionState(row.state),
            from_position=row.from_position,
            replay_position=row.replay_position,
            replay_until=row.replay_until,
            secrets=tuple(one.secret for one in secrets),
            created_at=clock.moment(row.created_at),
            sink_set_by=row.sink_set_by,
            hastened_at=row.hastened_at or 0,
            old_secret_ends=clock.moment(min(ends)) if ends else None,
        )


def _changed(reached: int | None, expired: Collection[int]) -> sa.Select[Any]:
    """Subscriptions that changed after a change (None: all of them), and those whose secret has expired."""
    statement = sa.select(SUBSCRIPTIONS).order_by(SUBSCRIPTIONS.c.number)
    if reached is None:
        return statement
    newer = SUBSCRIPTIONS.c.changed > reached
    return statement.where(sa.or_(newer, SUBSCRIPTIONS.c.number.in_(expired)) if expired else newer)


def _find_deleted(transaction: Transaction, known: Set[int]) -> Set[int]:
    """The known subscriptions that were deleted."""
    # A count is cheaper than all numbers, and nearly always none was deleted.
    count = transaction.value(sa.select(sa.func.count()).select_from(SUBSCRIPTIONS))
    if count == len(known):
        return frozenset()
    return known - {row[0] for row in transaction.rows(sa.select(SUBSCRIPTIONS.c.number))}


@dataclass(frozen=True, slots=True)
class _Act:
    """A change of a subscription that somebody wants; see `Action`."""

    what: Verb
    subscription: Subscription
    by: Actor
    after: Mapping[str, Any] | None = None
    details: Mapping[str, Any] | None = None
    tags: Tags = None

    def told(self, present: Subscription) -> Action:
        """The entry, with what it changes as it was until now."""
        before = (
            None if self.after is None else {name: one for name, one in _told(present).items() if name in self.after}
        )
        return make_subscription_act(
            self.what, present.id, present.participant, self.by, before=before, after=self.after, details=self.details
        )


def _told(order: Subscription | NewSubscription) -> dict[str, Any]:
    """What the action log tells of a subscription: of filters their number alone, since they may hold a person's key."""
    told = {
        "contracts": list(order.contracts),
        "sink": order.sink.told(),
        "filters": len(order.filters),
        "ordered_by": order.ordered_by,
    }
    return told | ({"state": order.state.value} if isinstance(order, Subscription) else {"after": order.after})


def _check_tag(present: Subscription, tags: Tags) -> None:
    if tags is not None and present.tag not in tags:
        raise SubscriptionChanged("Read it again, and send the ETag that it has now.")
