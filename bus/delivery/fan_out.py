"""The fan-out: makes the deliveries of the journal's events, and writes the reached position in the same transaction."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from bus import clock
from bus.contracts import Catalogue
from bus.delivery.dispatch import Dispatch, load
from bus.delivery.first_runs import FirstRuns
from bus.delivery.ledger import LeasedRuns, Ledger, NewDelivery
from bus.delivery.relayed import read_relayed, write_relayed
from bus.delivery.routing import Router
from bus.delivery.subscription import Pull, Subscription, SubscriptionState
from bus.delivery.subscriptions import Subscriptions
from bus.journal import Entry, FindBefore, History, JournalReader, Row, select_entries
from bus.storage import Storage, Transaction

_STEP: Final = 500
_MOST_DELIVERIES: Final = 5_000
"""Deliveries of one transaction. On SQLite no event is appended meanwhile, and a process that stops waits for its end."""
_AT_ONCE: Final = 8
"""Subscriptions whose deliveries may be made in the append's transaction, or leased in the transaction that makes them. With
more, publishing would wait."""
_MOST_ALONG: Final = 250
"""Events whose deliveries may be made in the append's transaction, for the same reason."""
_NOTE_SECONDS: Final = 0.25
"""The longest time before the fan-out writes that it passed events which nobody gets. Otherwise each of the journal's commits
would cause a transaction."""


RingPullers = Callable[[Collection[int]], None]
"""Called with the numbers of subscriptions that are pulled, and have new deliveries. From any thread."""


class MadeDeliveries(NamedTuple):
    """The deliveries that a transaction made; they are handed over after the commit.

    Attributes:
        entries: the events.
        reached: the position up to which all events have their deliveries.
        begun: new deliveries that go at once.
        resumed: leased deliveries that waited already.
        pulled: the numbers of subscriptions that are pulled, and have new deliveries.
        is_new: none of the deliveries was made before.
        is_due: some deliveries are due, and not leased.
    """

    entries: Sequence[Entry]
    reached: int
    begun: FirstRuns
    resumed: Sequence[LeasedRuns]
    pulled: Collection[int]
    is_new: bool
    is_due: bool


_NOTHING: Final = FirstRuns([], {}, set())


class _AsksTheJournal(Exception):
    """The route of an event depends on the event before it, which must be read."""


class FanOut:
    """The fan-out of one process. Belongs to one thread at a time.

    Attributes:
        reached: the position up to which this leader followed the journal; None before its first step.
        delivers: whether the last step made deliveries.
        contract_ids: contracts with a subscription, as of the last look.
    """

    def __init__(
        self,
        storage: Storage,
        journal: JournalReader,
        catalogue: Catalogue,
        subscriptions: Subscriptions,
        dispatch: Dispatch,
        ring_pullers: RingPullers,
    ) -> None:
        """`ring_pullers` is called after the commit of deliveries that are pulled."""
        self._storage = storage
        self._journal = journal
        self._catalogue = catalogue
        self._subscriptions = subscriptions
        self._ledger = Ledger(storage)
        self._dispatch = dispatch
        self._ring_pullers = ring_pullers
        self._noted = 0
        self._noted_at = 0.0
        self._router = Router(catalogue, ())
        self.reached: int | None = None
        self.delivers = False
        self.contract_ids: set[int] = set()

    def begin(self) -> None:
        """Continue where another leader ended."""
        self.reached = None

    def find_reached(self) -> int:
        """The position up to which the journal was followed: first from the database, then from memory."""
        if self.reached is None:
            with self._storage.read() as transaction:
                self.reached = self._noted = read_relayed(transaction)
        return self.reached

    def router(self) -> Router:
        """The routes to the present subscriptions."""
        self._router.update(self._subscriptions.by_number())
        return self._router

    def step(self) -> bool:
        """Make the deliveries of the next events. Returns whether there are more at once."""
        self.delivers = False
        entries, reached, _, is_last = self._journal.upcoming(self._find_wanted, self.find_reached(), _STEP)
        deliveries, count = self._route_at_most(entries, History(self._journal, entries).before)
        if count < len(entries):
            entries, is_last = entries[:count], False
            reached = entries[-1].position
        self.delivers = bool(deliveries)
        if deliveries or time.monotonic() >= self._noted_at + _NOTE_SECONDS:
            self._note(entries, deliveries, reached)
        self.reached = reached
        return not is_last

    def take_along(self, transaction: Transaction, rows: Sequence[Row]) -> MadeDeliveries | None:
        """Make the deliveries of events in the transaction that appends them. None: the next step makes them.

        Returns None if other events stand between, or events or subscriptions are many. Also if deliveries wait, or
        something must be read.
        """
        reached = rows[-1][0]
        if rows[0][0] - 1 != self.reached or len(rows) > _MOST_ALONG:
            return None
        entries = select_entries(rows, self._find_wanted())
        if not entries:
            return MadeDeliveries(entries, reached, _NOTHING, (), (), True, False)
        router = self.router()
        if any(router.count_audience(entry) > _AT_ONCE for entry in entries):
            return None
        try:
            deliveries = self._route(entries, _ask_nobody)
        except _AsksTheJournal:
            return None
        numbers = {delivery.subscription for delivery in deliveries}
        if len(numbers) > _AT_ONCE or not numbers.isdisjoint(self._dispatch.left):
            return None
        return self._make(transaction, entries, deliveries, reached)

    def committed(self, made: MadeDeliveries) -> None:
        """Hand over what `take_along` made, after the commit."""
        self.reached = made.reached
        if made.entries:
            self._noted, self._noted_at = made.reached, time.monotonic()
            self._pass_on(made)

    def _find_wanted(self) -> set[int]:
        self.contract_ids = self.router().find_contract_ids()
        return self.contract_ids

    def _route(self, entries: Sequence[Entry], before: FindBefore) -> list[NewDelivery]:
        today, router = clock.today(), self.router()
        return [delivery for entry in entries for delivery in router.make_deliveries(entry, today, before)]

    def _route_at_most(self, entries: Sequence[Entry], before: FindBefore) -> tuple[list[NewDelivery], int]:
        """The deliveries of the first events, until they are too many for one transaction, and the number of these events."""
        today, router = clock.today(), self.router()
        deliveries: list[NewDelivery] = []
        for count, entry in enumerate(entries, 1):
            deliveries += router.make_deliveries(entry, today, before)
            if len(deliveries) >= _MOST_DELIVERIES:
                return deliveries, count
        return deliveries, len(entries)

    def _note(self, entries: Sequence[Entry], deliveries: Sequence[NewDelivery], reached: int) -> None:
        self._noted_at = time.monotonic()
        if reached == self._noted:
            return
        with self._storage.write(durable=False) as transaction:
            made = self._make(transaction, entries, deliveries, reached)
        self._noted = reached
        self._pass_on(made)

    def _make(
        self, transaction: Transaction, entries: Sequence[Entry], deliveries: Sequence[NewDelivery], reached: int
    ) -> MadeDeliveries:
        now = clock.micros(clock.now())
        numbers = {delivery.subscription for delivery in deliveries}
        pulled = {number for number in numbers if self._is_pulled(number)}
        subscriptions = self._list_first(numbers - pulled)
        # If due deliveries were left, new ones wait behind them.
        behind = [one for one in subscriptions if one.number in self._dispatch.left]
        at_once = {one.number for one in subscriptions}.difference(one.number for one in behind)
        # Before any row is touched, and in the order in which the writers of outcomes lock.
        for subscription in subscriptions:
            self._ledger.hold(transaction, subscription.number)
        begun = self._dispatch.begin(transaction, [one for one in deliveries if one.subscription in at_once], now)
        is_new = self._ledger.add(transaction, deliveries, now, again=False, later=begun.due)
        write_relayed(transaction, reached)
        resumed = [self._dispatch.lease(transaction, subscription, now) for subscription in behind]
        return MadeDeliveries(
            entries, reached, begun, resumed, pulled, is_new, bool(numbers - pulled) and not subscriptions
        )

    def _pass_on(self, made: MadeDeliveries) -> None:
        """Hand over what a transaction made, now that it is committed."""
        self._dispatch.left |= made.begun.left
        begun = LeasedRuns([run.lease for run in made.begun.runs], 0, False)
        # If some deliveries were made before, fewer may be owed.
        loaded = load(made.begun.runs, made.entries) if made.is_new else {}
        is_more = [self._dispatch.send(begun, loaded), *map(self._dispatch.send, made.resumed)]
        if any(is_more) or made.is_due:
            self._dispatch.look_soon()
        if made.pulled:
            self._ring_pullers(made.pulled)

    def _is_pulled(self, number: int) -> bool:
        subscription = self._subscriptions.numbered(number)
        return subscription is not None and isinstance(subscription.sink, Pull)

    def _list_first(self, numbers: Collection[int]) -> list[Subscription]:
        """The subscriptions whose new deliveries are leased at once, by number; none if they are many."""
        found = [self._subscriptions.numbered(one) for one in sorted(numbers)] if len(numbers) <= _AT_ONCE else []
        return [one for one in found if one is not None and one.state is SubscriptionState.ACTIVE]


def _ask_nobody(entry: Entry) -> Entry | None:
    raise _AsksTheJournal
