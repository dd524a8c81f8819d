"""A run of deliveries as the worker makes it: loaded by its lease, shown through the consumer's view, in chains by key."""

from collections.abc import Sequence
from typing import NamedTuple

from bus import clock
from bus.contracts.catalogue import Catalogue
from bus.contracts.view import View
from bus.delivery.ledger import Lease, Leased, Ledger
from bus.delivery.subscriptions import Subscription
from bus.journal import Entry, JournalReader, entries_at
from bus.journal.history import History
from bus.journal.viewed import FindBefore, viewed
from bus.problem import Refused
from bus.storage import Storage


class Item(NamedTuple):
    """One delivery, ready to be sent.

    Attributes:
        body: the CloudEvent as JSON, through the view; None where there is nothing to send, and `withheld` says why.
        view: through which it is shown; None where there is no grant.
        withheld: why nothing is sent: the grant ended (to be kept for a redrive), or the view shows nothing of it (empty).
    """

    leased: Leased
    entry: Entry
    body: bytes | None
    view: View | None
    withheld: str = ""


class RunLoader:
    """Loads runs. Synchronous: call it from a thread."""

    def __init__(self, storage: Storage, journal: JournalReader, catalogue: Catalogue, ledger: Ledger) -> None:
        self._storage = storage
        self._journal = journal
        self._catalogue = catalogue
        self._ledger = ledger

    def load(self, subscription: Subscription, lease: Lease) -> list[list[Item]]:
        """The run's chains: deliveries of one key in position order; each unordered delivery is a chain of its own."""
        with self._storage.read() as connection:
            leased = self._ledger.leased(connection, lease)
            entries = entries_at(connection, [one.position for one in leased])
        versions = {entry.version_id for entry in entries.values()}
        views = {version_id: self._view(version_id, subscription) for version_id in versions}
        before = History(self._journal, entries.values()).before
        read = [(one, entries[one.position]) for one in leased]
        return _chains([_item(one, entry, views[entry.version_id], before) for one, entry in read])

    def _view(self, version_id: int, subscription: Subscription) -> View | Refused:
        """What the subscriber sees of a version today, or why nothing."""
        contract = self._catalogue.version_numbered(version_id).contract.name
        try:
            today = clock.local_date(clock.now())
            return self._catalogue.view(contract, subscription.participant, version_id, today)
        except Refused as refusal:
            return refusal


def _item(leased: Leased, entry: Entry, view: View | Refused, before: FindBefore) -> Item:
    if isinstance(view, Refused):
        return Item(leased, entry, None, None, view.detail)
    return Item(leased, entry, viewed(entry, view, before), view)


def _chains(items: Sequence[Item]) -> list[list[Item]]:
    chains: dict[object, list[Item]] = {}
    for item in items:
        chains.setdefault(("free", item.leased.position) if item.leased.key is None else item.leased.key, []).append(
            item
        )
    return list(chains.values())
