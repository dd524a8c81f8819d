"""Reads the state of the whole from the database, whichever process asks."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Final

from bus import clock
from bus.agencies import Holds, KnownAgency, Pauses
from bus.contracts import Catalogue, Freshness, GrantExpired, NotGranted
from bus.delivery import (
    AgencySink,
    DeliveryState,
    Health,
    Lag,
    Subscription,
    Subscriptions,
    Tally,
    find_unattended,
    list_living,
    measure_lag,
    read_tallies,
)
from bus.journal import JournalReader, PlacedEvent
from bus.problem import Refused
from bus.refusals import Poll, RefusalLog
from bus.status.agency import AgencyState, sum_agencies
from bus.status.state import BusState, PollState, ProducerState, Status, SubscriberState
from bus.storage import Storage

_REFUSED: Final = timedelta(days=1)
_FEW: Final = 2000
"""Events since the last look, up to which only their contracts are looked up."""


class StatusReader:
    """Reads the status of one bus. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, subscriptions: Subscriptions, catalogue: Catalogue, data_dir: Path) -> None:
        """`data_dir` is on the disk whose free space is told."""
        self._storage = storage
        self._subscriptions = subscriptions
        self._catalogue = catalogue
        self._data_dir = data_dir
        self._journal = JournalReader(storage)
        self._refusals = RefusalLog(storage)
        self._newest: tuple[Mapping[int, PlacedEvent], int] = {}, 0

    def read(
        self,
        participant: str | None = None,
        polls: Sequence[Poll] = (),
        agencies: Collection[str] = (),
        known: Sequence[KnownAgency] = (),
    ) -> Status:
        """The status of the whole bus.

        Args:
            participant: only what belongs to this participant; None: everything.
            polls: the polls of this bus, which are told even if they never ran.
            agencies: the participant's agencies.
            known: what the bus knows of agencies.
        """
        now = clock.now()
        subscribers = self.read_subscribers(participant)

        def is_told(agency: str) -> bool:
            return participant is None or agency in agencies

        reports = [one for one in Holds(self._storage).report(polls) if is_told(one.poll.adapter)]
        pauses = [one for one in Pauses(self._storage).list() if is_told(one.agency)]
        sinks = [(sink, health) for sink, health in _list_sinks(subscribers) if is_told(sink.adapter)]
        return Status(
            at=now,
            version=metadata.version("bus-lamongan"),
            bus=self._read_bus() if participant is None else None,
            subscribers=subscribers,
            polls=[PollState(report) for report in reports],
            producers=self._read_producers(participant, now),
            refused=self._refusals.count_since(now - _REFUSED, participant),
            pauses=pauses,
            agencies=sum_agencies([one for one in known if is_told(one.name)], pauses, reports, sinks),
        )

    def read_agencies(self, subscribers: Sequence[SubscriberState]) -> list[AgencyState]:
        """How each agency stands that was ever polled, paused, or delivered to."""
        pauses = Pauses(self._storage).list()
        return sum_agencies((), pauses, Holds(self._storage).report(), _list_sinks(subscribers))

    def read_subscribers(self, participant: str | None = None) -> list[SubscriberState]:
        """How each subscription stands, those first that somebody should look at."""
        subscriptions = self._subscriptions.listed(participant)
        with self._storage.read() as transaction:
            tallies = read_tallies(transaction)
        mine = {one.number: tallies[one.number] for one in subscriptions if one.number in tallies}
        moments = self._journal.find_moments([one.oldest for one in mine.values() if one.oldest is not None])
        states = [
            _make_subscriber(one, mine[one.number], moments, self._find_suspended(one), self._find_ungranted(one))
            for one in subscriptions
            if one.number in mine
        ]
        return sorted(states, key=lambda one: (not one.is_troubled, one.subscription.participant))

    def read_lag(self) -> Lag:
        """How far the relay is behind, whichever process relays, and if none does."""
        return measure_lag(self._storage, self._journal)

    def _find_suspended(self, one: Subscription) -> list[str]:
        return [name for name in one.contracts if self._catalogue.find_suspension(name, one.participant) is not None]

    def _find_ungranted(self, one: Subscription) -> list[str]:
        return [name for name in one.contracts if not self._is_granted(name, one.participant)]

    def _is_granted(self, name: str, participant: str) -> bool:
        try:
            version_id = self._catalogue.newest_id(name)
            self._catalogue.view_to_wait(name, participant, version_id, clock.today())
        except (NotGranted, GrantExpired):
            return False
        except Refused:
            # Suspended, or not in force at all: that is told elsewhere.
            return True
        return True

    def _read_bus(self) -> BusState:
        disk = shutil.disk_usage(self._data_dir)
        return BusState(
            position=self._journal.last_position(),
            lag=self.read_lag(),
            disk_free=disk.free,
            disk_total=disk.total,
            living=list_living(self._storage),
            unattended=find_unattended(self._storage, self._subscriptions.listed(None)),
        )

    def _read_producers(self, participant: str | None, now: datetime) -> list[ProducerState]:
        newest = self._find_newest()
        wanted = {one.contract_id: one for one in self._catalogue.list_freshness()}
        found = [
            _make_producer(name, newest.get(number), wanted.get(number), now)
            for number in sorted({*newest, *wanted})
            # Another process may have registered a contract a moment ago.
            if (name := self._catalogue.name_of(number)) is not None
            and (participant is None or _concerns(participant, newest.get(number), wanted.get(number)))
        ]
        return sorted(found, key=lambda one: (not one.is_troubled, one.contract))

    def _find_newest(self) -> Mapping[int, PlacedEvent]:
        """The newest event of each contract. To look all of them up takes 50 ms with 10,000 contracts."""
        known, reached = self._newest
        end = self._journal.last_position()
        if end == reached:
            return known
        since = self._journal.contracts_after(reached, _FEW) if 0 < reached < end else []
        is_little = 0 < len(since) < _FEW
        numbers = {number for _, number in since} if is_little else self._catalogue.list_numbers()
        found = {one.contract_id: one for one in self._journal.find_newest(list(numbers))}
        newest = {**known, **found} if is_little else found
        # Replaced as a whole, since several threads read the status.
        self._newest = newest, end
        return newest


def _list_sinks(subscribers: Sequence[SubscriberState]) -> list[tuple[AgencySink, Health]]:
    return [(one.subscription.sink, one.health) for one in subscribers if isinstance(one.subscription.sink, AgencySink)]


def _make_subscriber(
    subscription: Subscription,
    tally: Tally,
    moments: dict[int, int],
    suspended: Sequence[str],
    ungranted: Sequence[str],
) -> SubscriberState:
    since = None if tally.oldest is None else moments.get(tally.oldest)
    return SubscriberState(
        subscription=subscription,
        pending=tally.count(DeliveryState.PENDING),
        dead=tally.count(DeliveryState.DEAD),
        waiting_since=None if since is None else clock.moment(since),
        health=tally.health,
        suspended=suspended,
        ungranted=ungranted,
    )


def _concerns(participant: str, newest: PlacedEvent | None, freshness: Freshness | None) -> bool:
    """Whether a participant sent a contract's newest event, or is to send its data, or owns it."""
    if newest is not None and newest.participant == participant:
        return True
    return freshness is not None and participant in (freshness.owner, *freshness.producers)


def _make_producer(
    contract: str, newest: PlacedEvent | None, freshness: Freshness | None, now: datetime
) -> ProducerState:
    last = None if newest is None else clock.moment(newest.recorded_at)
    hours = None if freshness is None else freshness.hours
    is_silent = hours is not None and (last is None or now - last > timedelta(hours=hours))
    return ProducerState(
        contract=contract,
        participant=None if newest is None else newest.participant,
        last_event=last,
        fresh_hours=hours,
        silent=sorted(freshness.producers) if is_silent and freshness is not None else (),
    )
