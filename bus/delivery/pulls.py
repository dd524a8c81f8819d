"""Pulls: a participant fetches its next deliveries without a cursor, and holds them under a lease until it settles them.

Promise: two pullers never hold one delivery at the same time. While a delivery is held, or waits for its next try, no later
delivery of its key is given. A delivery that is neither acknowledged nor returned comes again when its lease ends. Leases stay
when the bus is killed. Before data about a person are returned, their disclosure is on disk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Final, NamedTuple

from bus import clock
from bus.contracts import Catalogue, View
from bus.delivery import pull_statements as statements
from bus.delivery.attempts import Attempt
from bus.delivery.ledger import LeasedDelivery, Ledger
from bus.delivery.outcome import hold, skip
from bus.delivery.pull_choice import Choice
from bus.delivery.pull_lease import PullLease, add_lease, find_free_moment
from bus.delivery.retry import RetryPolicy
from bus.delivery.routing import is_ordered
from bus.delivery.run import Item, make_item
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import (
    NotPulled,
    Pull,
    Subscription,
    SubscriptionPaused,
    SubscriptionState,
    refuse_unknown,
)
from bus.disclosures import Channel, DisclosureLog, make_disclosures
from bus.heavy import Steps
from bus.journal import History, JournalReader
from bus.kit import Failure
from bus.problem import Conflict, Forbidden, NotFound, Refused
from bus.storage import Storage, Transaction

MOST_HELD: Final = 10_000
"""The most deliveries of a subscription that are held at once."""
_SLICE_SECONDS: Final = 0.01
"""Time for which views are applied before other work has a turn."""


class TooManyHeld(Conflict):
    """As many deliveries are held as may be; acknowledge or return some."""

    slug = "too-many-held"


@dataclass(frozen=True, slots=True)
class PulledDeliveries:
    """What one pull gives.

    Attributes:
        lease: holds the deliveries; None: there are none.
        items: the deliveries, in the order of their positions; each has a body.
        is_more: more may be due at once.
    """

    lease: PullLease | None
    items: Sequence[Item]
    is_more: bool


class _TakenDeliveries(NamedTuple):
    """Deliveries that a pull holds from now on; see `PulledDeliveries`."""

    lease: PullLease | None
    held: Sequence[LeasedDelivery]
    is_more: bool


class Pulls:
    """The pulls of one bus. Synchronous: call it from threads."""

    def __init__(
        self,
        storage: Storage,
        journal: JournalReader,
        catalogue: Catalogue,
        disclosures: DisclosureLog,
        policy: RetryPolicy,
    ) -> None:
        self._storage = storage
        self._journal = journal
        self._catalogue = catalogue
        self._disclosures = disclosures
        self._policy = policy
        self._ledger = Ledger(storage)

    def check(self, subscription: Subscription) -> None:
        """Refuse a subscription that its participant may not pull from now.

        Raises:
            NotPulled: the bus sends its events.
            NotGranted, GrantExpired, NoSuchContract: no contract of it shows its participant anything now.
        """
        if not isinstance(subscription.sink, Pull):
            raise NotPulled(f"{subscription.id} has the sink {', '.join(subscription.sink.document())}.")
        reasons: list[Refused] = []
        for name in subscription.contracts:
            try:
                versions = self._catalogue.in_force(name) or [self._catalogue.newest(name)]
            except NotFound as refusal:
                reasons.append(refusal)
                continue
            views = [self._view(subscription, version.id) for version in reversed(versions)]
            if any(isinstance(view, View) for view in views):
                return
            reasons += [view for view in views if isinstance(view, Refused)]
        raise reasons[0]

    def pull(self, subscription: Subscription, client_id: str, limit: int, seconds: float) -> Steps[PulledDeliveries]:
        """The next deliveries of a subscription, held for the client from now on. Read in steps.

        Args:
            limit: the most deliveries.
            seconds: how long they are held.

        Raises:
            SubscriptionPaused, SubscriptionUnknown, TooManyHeld: nothing can be pulled now.
            Refused: also what `check` raises, and refusals of the database or of a further turn. Then nothing is held.
        """
        self.check(subscription)
        with self._storage.read() as transaction:
            standing = _read_grants_as_of(transaction, subscription)
        if standing.due_at is None or standing.due_at > clock.now_micros():
            return PulledDeliveries(None, (), is_more=False)
        taken = self._take(subscription, client_id, limit, seconds)
        if taken.lease is None:
            return PulledDeliveries(None, (), taken.is_more)
        try:
            yield
            items = yield from self._show(subscription, taken.held)
            self._disclose(items, client_id)
        except Refused:
            self._give_back(subscription, taken.lease)
            raise
        return PulledDeliveries(taken.lease if items else None, items, taken.is_more or not items)

    def _view(self, subscription: Subscription, version_id: int) -> View | Refused:
        """The participant's view of a version today, or the reason why it has none. Nothing is given that has no view."""
        name = self._catalogue.version_numbered(version_id).contract.name
        try:
            return self._catalogue.view(name, subscription.participant, version_id, clock.today())
        except (Forbidden, NotFound) as refusal:
            return refusal

    def _take(self, subscription: Subscription, client_id: str, limit: int, seconds: float) -> _TakenDeliveries:
        now, number = clock.now_micros(), subscription.number
        # Not flushed to disk of its own: a lease that a power failure undoes makes its deliveries come again.
        with self._storage.write(durable=False) as transaction:
            self._ledger.hold(transaction, number)
            standing = _read_grants_as_of(transaction, subscription)
            room = MOST_HELD - int(transaction.value(statements.HELD, {"subscription": number, "now": now}))
            if room <= 0:
                raise TooManyHeld(f"{MOST_HELD} deliveries of {subscription.id} are held.")
            until = find_free_moment(transaction, number, now + int(seconds * 1_000_000))
            choice = Choice(
                transaction,
                self._ledger,
                number,
                partial(self._view, subscription),
                now,
                until,
                most_attempts=self._policy.max_attempts,
                last=standing.last,
                ordered=is_ordered(subscription, self._catalogue),
            )
            is_more = choice.fill(min(limit, room))
            lease = add_lease(transaction, number, until, client_id, now) if choice.held else None
        return _TakenDeliveries(lease, sorted(choice.held), is_more)

    def _show(self, subscription: Subscription, held: Sequence[LeasedDelivery]) -> Steps[Sequence[Item]]:
        """The deliveries through today's view. What it does not show is over, and not held any more."""
        entries = self._journal.at([one.position for one in held])
        find = History(self._journal, list(entries.values())).before
        views: dict[int, View | Refused] = {}
        items: list[Item] = []
        until = perf_counter() + _SLICE_SECONDS
        for one in held:
            entry = entries[one.position]
            if entry.version_id not in views:
                views[entry.version_id] = self._view(subscription, entry.version_id)
            items.append(make_item(one, entry, views[entry.version_id], find))
            if perf_counter() >= until:
                yield
                until = perf_counter() + _SLICE_SECONDS
        if over := [_end(subscription.number, item) for item in items if item.body is None]:
            with self._storage.write(durable=False) as transaction:
                self._ledger.record(transaction, over)
        return [item for item in items if item.body is not None]

    def _disclose(self, items: Sequence[Item], client_id: str) -> None:
        shown = [(item.entry, item.view) for item in items if item.view is not None]
        if found := make_disclosures(shown, self._catalogue, Channel.PULL, client_id):
            self._disclosures.record(found)

    def _give_back(self, subscription: Subscription, lease: PullLease) -> None:
        """Make deliveries due again that were not given: no try."""
        named = {"subscription": subscription.number, "lease": lease.due_at}
        with self._storage.write(durable=False) as transaction:
            self._ledger.hold(transaction, subscription.number)
            transaction.execute(statements.GIVE_BACK, {**named, "now": clock.now_micros()})


class _Standing(NamedTuple):
    """How a subscription stands.

    Attributes:
        last: the last position that may be given; None: any may. During a replay, later events must not overtake its rest.
        due_at: when the first pending delivery is due; None: none is pending.
    """

    last: int | None
    due_at: int | None


def _read_grants_as_of(transaction: Transaction, subscription: Subscription) -> _Standing:
    row = transaction.one(statements.STANDING, {"subscription": subscription.number})
    if row is None:
        raise refuse_unknown(subscription.id)
    state, replayed, until, due_at = row
    if state != SubscriptionState.ACTIVE.value:
        raise SubscriptionPaused(f"{subscription.id} is {state}.")
    return _Standing(None if until is None else replayed, due_at)


def _end(subscription: int, item: Item) -> Attempt:
    """The result for a delivery that the view does not show: nobody is given it."""
    if item.is_held:
        # The grant was suspended after the choice: this was no try.
        return hold(subscription, item.leased._replace(attempts=item.leased.attempts - 1))
    if not item.withheld:
        return skip(subscription, item.leased)
    leased = item.leased
    return Attempt(
        subscription, leased.position, leased.key, leased.lease, leased.attempts, DeliveryState.DEAD, None,
        clock.now_micros(), Failure.PERMANENT.value, None, item.withheld, 0,
    )  # fmt: skip
