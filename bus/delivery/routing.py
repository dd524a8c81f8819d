"""Routing: which subscriptions an event of the journal goes to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bus import json
from bus.contracts.catalogue import Catalogue, ContractVersion
from bus.contracts.document import Kind
from bus.contracts.view import View
from bus.delivery.ledger import NewDelivery
from bus.delivery.ordering import order_key
from bus.delivery.subscriptions import Subscription
from bus.journal import Entry
from bus.journal.viewed import FindBefore, viewed_document
from bus.problem import Refused


@dataclass(frozen=True, slots=True)
class Route:
    """One subscription as the router needs it; `matches` is None where it has no filters."""

    subscription: Subscription
    matches: Callable[[Mapping[str, Any]], bool] | None

    @classmethod
    def of(cls, subscription: Subscription) -> "Route":
        """The route of a subscription."""
        return cls(subscription, subscription.matcher() if subscription.filters else None)


class Router:
    """Routes events, by an index of subscriptions by contract."""

    def __init__(self, catalogue: Catalogue, subscriptions: Sequence[Subscription]) -> None:
        self._catalogue = catalogue
        self._routes: dict[str, list[Route]] = {}
        self._contract_ids: set[int] | None = None
        for subscription in subscriptions:
            route = Route.of(subscription)
            for contract in subscription.contracts:
                self._routes.setdefault(contract, []).append(route)

    def contract_ids(self) -> set[int]:
        """As the journal knows them, the contracts that anybody subscribed to.

        Reads the database for one that another process registered a moment ago.
        """
        if self._contract_ids is not None:
            return self._contract_ids
        if any(self._catalogue.number_of(name) is None for name in self._routes):
            self._catalogue.refresh()
        found = {number for name in self._routes if (number := self._catalogue.number_of(name)) is not None}
        if len(found) == len(self._routes):
            self._contract_ids = found
        return found

    def deliveries(self, entry: Entry, today: date, find: FindBefore) -> list[NewDelivery]:
        """The deliveries of an event to the subscriptions that are live at its position."""
        version = self._catalogue.version_numbered(entry.version_id)
        routes = self._routes.get(version.contract.name, ())
        live = [
            r
            for r in routes
            if r.subscription.from_position is not None and entry.position > r.subscription.from_position
        ]
        return [d for route in live if (d := self._delivery(entry, version, route, today, find)) is not None]

    def replayed(self, entry: Entry, subscription: Subscription, today: date, find: FindBefore) -> NewDelivery | None:
        """The delivery of an event to one subscription, whatever its position."""
        version = self._catalogue.version_numbered(entry.version_id)
        return self._delivery(entry, version, Route.of(subscription), today, find)

    def _delivery(
        self, entry: Entry, version: ContractVersion, route: Route, today: date, find: FindBefore
    ) -> NewDelivery | None:
        subscription = route.subscription
        try:
            view = self._catalogue.view(version.contract.name, subscription.participant, entry.version_id, today)
        except Refused:
            return None
        if not _passes(entry, view, route, find):
            return None
        return NewDelivery(subscription.number, entry.position, _key(entry, version, subscription))


def _passes(entry: Entry, view: View, route: Route, find: FindBefore) -> bool:
    if route.matches is None and not view.grant.rows:
        return True
    document = viewed_document(entry, view, find)
    return document is not None and (route.matches is None or route.matches(document))


def is_ordered(subscription: Subscription, catalogue: Catalogue) -> bool:
    """Whether a subscription, or one of its contracts, asks for order."""
    return subscription.ordered_by is not None or any(
        catalogue.newest(name).contract.delivery.ordered_by is not None
        for name in subscription.contracts
        if catalogue.has_active(name)
    )


def _key(entry: Entry, version: ContractVersion, subscription: Subscription) -> int | None:
    pointer = subscription.ordered_by or version.contract.delivery.ordered_by
    if pointer is None:
        return None
    if version.contract.kind is Kind.RECORD and (pointer == version.contract.key or _is_deletion(entry)):
        return order_key(entry.key)
    return order_key(json.at(json.loads(entry.body)["data"], pointer))


def _is_deletion(entry: Entry) -> bool:
    return json.loads(entry.body).get("data") is None
