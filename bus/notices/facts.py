"""Facts: what the notices room knows of a bus before it says anything, and how it reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bus import clock
from bus.actions import Verb, find_last
from bus.contracts import Catalogue, EndingGrant, Proposal, find_ending_grants
from bus.status import PollState, ProducerState, StatusReader, SubscriberState
from bus.storage import Storage

GRANT_DAYS: Final = 30
_BUS: Final = "bus"
"""The id of the bus itself in the action log."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that notices are made of, read at one time.

    Attributes:
        today: the date in Lamongan.
        grants: grants that end within thirty days, or ended within the last thirty.
        proposals: versions that wait for an approval.
        backup_hours: how old a back-up may be; 0: nobody watches.
        backed_up_at: when the last back-up was made; None: never.
        made_at: when the bus was made or restored; None: before the action log began.
    """

    now: datetime
    today: date
    subscribers: Sequence[SubscriberState]
    polls: Sequence[PollState]
    producers: Sequence[ProducerState]
    grants: Sequence[EndingGrant]
    proposals: Sequence[Proposal]
    backup_hours: int = 0
    backed_up_at: datetime | None = None
    made_at: datetime | None = None


class FactReader:
    """Reads the facts of one bus. Synchronous: call it from one thread at a time."""

    def __init__(self, storage: Storage, status: StatusReader, catalogue: Catalogue, backup_hours: int) -> None:
        self._storage = storage
        self._status = status
        self._catalogue = catalogue
        self._backup_hours = backup_hours
        self._grants: Sequence[EndingGrant] = ()
        self._grants_of: tuple[int, date] | None = None

    def read(self, now: datetime) -> Facts:
        """The facts at a moment.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        today = clock.local_date(now)
        status = self._status.read()
        with self._storage.read() as transaction:
            backed_up_at = find_last(transaction, _BUS, Verb.BUS_BACKUP)
            made_at = find_last(transaction, _BUS, Verb.BUS_INIT, Verb.BUS_RESTORE)
        return Facts(
            now=now,
            today=today,
            subscribers=status.subscribers,
            polls=status.polls,
            producers=status.producers,
            grants=self._read_grants(today),
            proposals=self._catalogue.registrar.proposals.read(),
            backup_hours=self._backup_hours,
            backed_up_at=backed_up_at,
            made_at=made_at,
        )

    def _read_grants(self, today: date) -> Sequence[EndingGrant]:
        """The ending grants. Documents are unpacked only after a change of contracts, and once a day."""
        reached = self._catalogue.epoch, today
        if reached != self._grants_of:
            self._grants = find_ending_grants(self._catalogue.walk_contracts(""), today, GRANT_DAYS)
            self._grants_of = reached
        return self._grants
