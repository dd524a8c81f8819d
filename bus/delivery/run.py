"""Runs of deliveries for the worker: loads them in pieces, through the consumer's view, in chains by key."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from itertools import accumulate
from typing import Final, NamedTuple

from bus import clock
from bus.agencies import AdapterOff, Agencies
from bus.contracts import Catalogue, GrantSuspended, View
from bus.delivery.handover import Loaded
from bus.delivery.ledger import Lease, LeasedDelivery, Ledger
from bus.delivery.room import PIECE_BYTES, Room
from bus.delivery.subscription import AgencySink, Subscription, Webhook
from bus.journal import Entry, FindBefore, History, JournalReader, apply_view, entries_at, lengths_at
from bus.problem import Refused
from bus.storage import Storage

_SHORT: Final = 16
"""Loaded deliveries to which the event loop applies the view itself: with a thread it would take longer."""


class Item(NamedTuple):
    """One delivery, ready to be sent.

    Attributes:
        body: the CloudEvent as JSON, through the view; None: nothing is sent, and `withheld` says why.
        view: the consumer's view; None: there is no grant.
        withheld: why nothing is sent: the grant ended (kept for a redrive). Empty: there is nothing to send. The view shows
            nothing of the event, or the grant is suspended and keeps nothing waiting.
        is_held: the grant is suspended, and the delivery waits for the end of the suspension.
    """

    leased: LeasedDelivery
    entry: Entry
    body: bytes | None
    view: View | None
    withheld: str = ""
    is_held: bool = False


GrantsAsOf = tuple[int, date]
"""The epoch of the catalogue, and the day in Lamongan: grants end with a day."""


class OwedDelivery(NamedTuple):
    """One delivery of a run that is still owed.

    Attributes:
        size: bytes of its event.
        entry: the event, if it is in memory.
    """

    leased: LeasedDelivery
    size: int
    entry: Entry | None = None


class RunLoader:
    """Loads runs, and holds room for the loaded events. Belongs to one event loop."""

    def __init__(
        self,
        storage: Storage,
        journal: JournalReader,
        catalogue: Catalogue,
        ledger: Ledger,
        agencies: Agencies,
        room: Room,
    ) -> None:
        self._storage = storage
        self._journal = journal
        self._catalogue = catalogue
        self._ledger = ledger
        self._agencies = agencies
        self._room = room

    def read_grants_as_of(self) -> GrantsAsOf:
        """What the views of loaded events depend on. Events that were loaded under another standing must not be sent."""
        return self._catalogue.epoch, clock.today()

    async def find_owed(self, subscription: Subscription, lease: Lease, run: Loaded | None) -> list[OwedDelivery]:
        """The owed deliveries of a run, in position order. With events in memory, if one piece and the room can hold them.

        Args:
            run: the loaded run; None: read it from the database.
        """
        if run is None:
            return await asyncio.to_thread(self._read_owed, lease)
        sizes = [len(entry.body) for _, entry in run]
        fits = sum(sizes) <= PIECE_BYTES and self._room.admits(subscription.participant, sum(sizes))
        return [OwedDelivery(one, size, entry if fits else None) for (one, entry), size in zip(run, sizes, strict=True)]

    def _read_owed(self, lease: Lease) -> list[OwedDelivery]:
        with self._storage.read() as transaction:
            leased = self._ledger.find_leased(transaction, lease)
            lengths = lengths_at(transaction, [one.position for one in leased])
        return [OwedDelivery(one, lengths[one.position]) for one in leased]

    @asynccontextmanager
    async def hold_loaded(
        self, subscription: Subscription, piece: Sequence[OwedDelivery], deadline: float
    ) -> AsyncIterator[list[list[Item]] | None]:
        """Hold the chains of a piece of a run: deliveries of one key in position order. An unordered one is a chain itself.

        Yields None if there was no room before the deadline (monotonic seconds).
        """
        size, seconds = sum(one.size for one in piece), deadline - time.monotonic()
        async with self._room.hold(subscription.participant, size, seconds) as is_taken:
            yield await self._load_piece(subscription, piece) if is_taken else None

    async def _load_piece(self, subscription: Subscription, piece: Sequence[OwedDelivery]) -> list[list[Item]]:
        run = [(one.leased, one.entry) for one in piece if one.entry is not None]
        if len(run) < len(piece):
            return await asyncio.to_thread(self._load, subscription, piece)
        if len(run) <= _SHORT and self._is_at_hand(subscription, run):
            views = self._find_views(subscription, run)
            if not any(isinstance(view, View) and view.has_rows for view in views.values()):
                return self._show_chains(run, views)
        return await asyncio.to_thread(self._show, subscription, run)

    def _is_at_hand(self, subscription: Subscription, run: Loaded) -> bool:
        """Whether the subscriber's views are in memory. An agency's deliveries are checked against all versions in force."""
        known, who = self._catalogue.has_view, subscription.participant
        return isinstance(subscription.sink, Webhook) and all(known(who, entry.version_id) for _, entry in run)

    def _load(self, subscription: Subscription, piece: Sequence[OwedDelivery]) -> list[list[Item]]:
        with self._storage.read() as transaction:
            entries = entries_at(transaction, [one.leased.position for one in piece])
        return self._show(subscription, [(one.leased, entries[one.leased.position]) for one in piece])

    def _show(self, subscription: Subscription, run: Loaded) -> list[list[Item]]:
        return self._show_chains(run, self._find_views(subscription, run))

    def _find_views(self, subscription: Subscription, run: Loaded) -> dict[int, View | Refused]:
        versions = {entry.version_id for _, entry in run}
        return {version_id: self._view(version_id, subscription) for version_id in versions}

    def _show_chains(self, run: Loaded, views: Mapping[int, View | Refused]) -> list[list[Item]]:
        before = History(self._journal, [entry for _, entry in run]).before
        return _make_chains([make_item(one, entry, views[entry.version_id], before) for one, entry in run])

    def _view(self, version_id: int, subscription: Subscription) -> View | Refused:
        """The subscriber's view of a version today, or the reason why it has none."""
        contract = self._catalogue.version_numbered(version_id).contract
        sink = subscription.sink
        try:
            if isinstance(sink, AgencySink):
                in_force = [one.contract for one in self._catalogue.in_force(contract.name)]
                self._agencies.check_serves(contract, in_force, sink.adapter, sink.operation)
            today = clock.today()
            return self._catalogue.view(contract.name, subscription.participant, version_id, today)
        except AdapterOff:
            # The adapter was taken out of force a moment ago. Its deliveries wait; they are not dead.
            raise
        except Refused as refusal:
            return refusal


def take_first_piece(owed: Sequence[OwedDelivery]) -> Sequence[OwedDelivery]:
    """The first deliveries: as many as may be loaded at once, but at least one."""
    reached = accumulate(one.size for one in owed)
    return owed[: max(1, sum(size <= PIECE_BYTES for size in reached))]


def list_candidates(owed: Sequence[OwedDelivery]) -> Sequence[OwedDelivery]:
    """The deliveries that may be sent first and were tried least. The sink's answer to them says most that is new.

    Args:
        owed: in position order. Of each key the first one alone may go first.
    """
    heads: dict[object, OwedDelivery] = {}
    for one in owed:
        heads.setdefault((one.leased.position,) if one.leased.key is None else one.leased.key, one)
    fewest = min(one.leased.attempts for one in heads.values())
    return [one for one in heads.values() if one.leased.attempts == fewest]


def drop_events(owed: Sequence[OwedDelivery]) -> Sequence[OwedDelivery]:
    """The same deliveries without their events."""
    return [one._replace(entry=None) for one in owed]


def make_item(leased: LeasedDelivery, entry: Entry, view: View | Refused, before: FindBefore) -> Item:
    """One delivery through the consumer's view, or through the reason why there is none."""
    if isinstance(view, GrantSuspended):
        return Item(leased, entry, None, None, view.detail if view.keeps_waiting else "", view.keeps_waiting)
    if isinstance(view, Refused):
        return Item(leased, entry, None, None, view.detail)
    return Item(leased, entry, apply_view(entry, view, before), view)


def _make_chains(items: Sequence[Item]) -> list[list[Item]]:
    chains: dict[object, list[Item]] = {}
    for item in items:
        chains.setdefault(("free", item.leased.position) if item.leased.key is None else item.leased.key, []).append(
            item
        )
    return list(chains.values())
