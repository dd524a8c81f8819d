"""Routing: finds the subscriptions of an event in the journal."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from bus import json
from bus.contracts import Catalogue, ContractVersion, FilterIndex, View
from bus.delivery.ledger import NewDelivery
from bus.delivery.ordering import make_order_key
from bus.delivery.subscription import Subscription
from bus.journal import Entry, FindBefore, viewed_document
from bus.problem import Refused


class _Audience:
    """The subscriptions of one participant to one contract. All see its events through the same view."""

    def __init__(self, subscriptions: Iterable[Subscription] = ()) -> None:
        self._open: dict[int, Subscription] = {}
        self._filtered: FilterIndex[Subscription] = FilterIndex()
        for subscription in subscriptions:
            self.add(subscription)

    def __len__(self) -> int:
        return len(self._open) + len(self._filtered)

    @property
    def has_filters(self) -> bool:
        """Whether any of the subscriptions filters."""
        return len(self._filtered) > 0

    def add(self, subscription: Subscription) -> None:
        """Add a subscription."""
        if subscription.filters:
            self._filtered.add(subscription.number, subscription.filters, subscription)
        else:
            self._open[subscription.number] = subscription

    def remove(self, subscription: Subscription) -> None:
        """Remove a subscription."""
        self._open.pop(subscription.number, None)
        self._filtered.remove(subscription.number)

    def find_reached(self, document: Mapping[str, Any] | None) -> Collection[Subscription]:
        """The subscriptions whose filters let an event through. `document` may be None if no subscription filters."""
        return self._open.values() if document is None else [*self._open.values(), *self._filtered.holding(document)]


class Router:
    """Routes events, by an index of subscriptions by contract, participant and filter."""

    def __init__(self, catalogue: Catalogue, subscriptions: Iterable[Subscription]) -> None:
        self._catalogue = catalogue
        self._contract_ids: set[int] | None = None
        self._replayed: tuple[Subscription, _Audience] | None = None
        self._known: Mapping[int, Subscription] = {}
        self._audiences: dict[str, dict[str, _Audience]] = {}
        self.update({subscription.number: subscription for subscription in subscriptions})

    def update(self, subscriptions: Mapping[int, Subscription]) -> None:
        """Route to these subscriptions from now on. A subscription that is the same object keeps its place in the index."""
        if subscriptions is self._known:
            return
        known, self._known = self._known, subscriptions
        for number, before in known.items():
            if subscriptions.get(number) is not before:
                self._remove(before)
        for number, subscription in subscriptions.items():
            if known.get(number) is not subscription:
                self._add(subscription)

    def _add(self, subscription: Subscription) -> None:
        for contract in subscription.contracts:
            if contract not in self._audiences:
                self._contract_ids = None
            by_participant = self._audiences.setdefault(contract, {})
            by_participant.setdefault(subscription.participant, _Audience()).add(subscription)

    def _remove(self, subscription: Subscription) -> None:
        for contract in subscription.contracts:
            by_participant = self._audiences[contract]
            audience = by_participant[subscription.participant]
            audience.remove(subscription)
            if not audience:
                del by_participant[subscription.participant]
            if not by_participant:
                del self._audiences[contract]
                self._contract_ids = None

    def find_contract_ids(self) -> set[int]:
        """The contracts with a subscription, by their numbers in the journal.

        Reads the database for a contract that another process registered a moment ago.
        """
        if self._contract_ids is not None:
            return self._contract_ids
        if any(self._catalogue.number_of(name) is None for name in self._audiences):
            self._catalogue.refresh()
        found = {number for name in self._audiences if (number := self._catalogue.number_of(name)) is not None}
        if len(found) == len(self._audiences):
            self._contract_ids = found
        return found

    def count_audience(self, entry: Entry) -> int:
        """The number of subscriptions to an event's contract."""
        contract = self._catalogue.version_numbered(entry.version_id).contract.name
        return sum(map(len, self._audiences.get(contract, {}).values()))

    def make_deliveries(self, entry: Entry, today: date, find: FindBefore) -> list[NewDelivery]:
        """The deliveries of an event to the subscriptions that are live at its position."""
        version = self._catalogue.version_numbered(entry.version_id)
        return [
            NewDelivery(subscription.number, entry.position, _find_key(entry, version, subscription, view))
            for participant, audience in self._audiences.get(version.contract.name, {}).items()
            if (view := self._view(entry, version, participant, today)) is not None
            for subscription in _find_reached(entry, view, audience, find)
            if subscription.from_position is not None and entry.position > subscription.from_position
        ]

    def make_replayed(
        self, entry: Entry, subscription: Subscription, today: date, find: FindBefore
    ) -> NewDelivery | None:
        """The delivery of an event to one subscription, whatever its position."""
        version = self._catalogue.version_numbered(entry.version_id)
        view = self._view(entry, version, subscription.participant, today)
        if view is None or not _find_reached(entry, view, self._make_audience(subscription), find):
            return None
        return NewDelivery(subscription.number, entry.position, _find_key(entry, version, subscription, view))

    def _make_audience(self, subscription: Subscription) -> _Audience:
        if self._replayed is None or self._replayed[0] is not subscription:
            self._replayed = (subscription, _Audience([subscription]))
        return self._replayed[1]

    def _view(self, entry: Entry, version: ContractVersion, participant: str, today: date) -> View | None:
        """A participant's view of an event; None: it does not see the event, and will not see it."""
        try:
            return self._catalogue.view_to_wait(version.contract.name, participant, entry.version_id, today)
        except Refused:
            return None


def _find_reached(entry: Entry, view: View, audience: _Audience, find: FindBefore) -> Collection[Subscription]:
    """The subscriptions of an audience that an event goes to."""
    if not audience.has_filters and not view.has_rows:
        return audience.find_reached(None)
    document = viewed_document(entry, view, find)
    return () if document is None else audience.find_reached(document)


def is_ordered(subscription: Subscription, catalogue: Catalogue) -> bool:
    """Whether a subscription, or one of its contracts, asks for order."""
    return subscription.ordered_by is not None or any(
        catalogue.newest(name).contract.delivery.ordered_by is not None
        for name in subscription.contracts
        if catalogue.has_active(name)
    )


def _find_key(entry: Entry, version: ContractVersion, subscription: Subscription, view: View) -> int | None:
    """The key that orders a delivery: by the subscription's field, or the contract's; None: the consumer sees neither.

    Deliveries of one key wait for each other, and the consumer can see that. So an order by a hidden field would tell which
    events share a value.
    """
    wanted = (subscription.ordered_by, version.contract.delivery.ordered_by)
    pointer = next((one for one in wanted if one is not None and view.orders_by(one)), None)
    if pointer is None:
        return None
    key = version.contract.key
    if key is not None and pointer == key:
        return make_order_key(entry.key)
    data = json.loads(entry.body).get("data")
    if key is not None and (data is None or not view.shows(data)):
        # A deletion, or a record that leaves the view: the consumer sees none of its data.
        return make_order_key(entry.key) if view.orders_by(key) else None
    return make_order_key(view.order_value(data, pointer, entry.participant))
