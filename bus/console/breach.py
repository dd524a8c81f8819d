"""What one client got between two moments, and what it could have got: for the notice of a breach (UU 27/2022, art. 46)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bus import clock
from bus.console.received import Office, Receipt, find_owners, gather_receipts
from bus.console.words import Words
from bus.contracts import Access, describe_access
from bus.disclosures import Channel, Found, Wanted
from bus.http import Rooms
from bus.inquiries import HOURS

_CHUNK: Final = 500
MOST_EVENTS: Final = 200_000
"""Events that a finding counts. More take too much memory for a page; the CSV file has all."""
_DELIVERED: Final = (Channel.WEBHOOK, Channel.ADAPTER)


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant in force of the client's participant."""

    contract: str
    access: Access


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one client between two moments.

    Attributes:
        participant: the client's; None: no client has this id, or had.
        received: what the log says that the client got.
        delivered: what went to sinks of the participant meanwhile. The client may have set the sinks.
        persons: how many data subjects the received data are about.
        is_whole: whether all rows were counted; else the numbers are the least.
        grants: what the participant's grants show today.
        owners: the offices that answer for the received data.
    """

    client_id: str
    participant: str | None
    is_revoked: bool
    since: datetime
    until: datetime
    received: Sequence[Receipt]
    delivered: Sequence[Receipt]
    persons: int
    is_whole: bool
    grants: Sequence[Granted]
    owners: Sequence[Office]


def find_due(known: datetime) -> datetime:
    """Until when the data subjects and the authority are told of a breach that became known at a moment."""
    return known + timedelta(hours=HOURS)


def examine_client(rooms: Rooms, client_id: str, since: datetime, until: datetime, words: Words) -> Finding:
    """What a client got between two moments. Call it from a thread, after the look is noted."""
    client = rooms.participants.find_client(client_id)
    budget = _Budget()
    rows = list(budget.read(rooms, Wanted(client_id=client_id, since=since, until=until)))
    received = gather_receipts(rows, rooms)
    delivered: list[Receipt] = []
    grants: list[Granted] = []
    if client is not None:
        named = [Wanted(participant=client.participant, since=since, until=until, channel=one) for one in _DELIVERED]
        delivered = gather_receipts([row for wanted in named for row in budget.read(rooms, wanted)], rooms)
        grants = _list_grants(rooms, client.participant, clock.today())
    return Finding(
        client_id=client_id,
        participant=None if client is None else client.participant,
        is_revoked=client is not None and client.revoked,
        since=since,
        until=until,
        received=received,
        delivered=delivered,
        persons=len(rooms.disclosures.find_persons(rows)),
        is_whole=not budget.is_spent,
        grants=grants,
        owners=find_owners([*received, *delivered], rooms, words),
    )


class _Budget:
    """Bounds how much one page reads."""

    def __init__(self) -> None:
        self._left = MOST_EVENTS
        self.is_spent = False

    def read(self, rooms: Rooms, wanted: Wanted) -> Iterator[Found]:
        """The rows of a search, as long as the budget lasts."""
        place = None
        while found := rooms.disclosures.search(wanted, place, _CHUNK):
            for row in found:
                self._left -= max(1, row.events)
                if self._left < 0:
                    self.is_spent = True
                    return
                yield row
            place = found[-1].place


def _list_grants(rooms: Rooms, participant: str, today: date) -> list[Granted]:
    return [
        Granted(name, access)
        for name in rooms.catalogue.list_contracts_naming(participant)
        for access in describe_access(rooms.catalogue.newest(name).contract, today, participant)
        if not access.has_ended
    ]
