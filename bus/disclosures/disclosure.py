"""A disclosure: one answer, or one batch of deliveries, with personal data under one grant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from bus.disclosures.positions import count_positions, unpack_positions


class Channel(Enum):
    """The way by which data left the bus."""

    EVENT = "event"
    FEED = "feed"
    RECORDS = "records"
    QUERY = "query"
    WEBHOOK = "webhook"
    PULL = "pull"
    ADAPTER = "adapter"
    ANSWER = "answer"
    """The operator opened what a sink answered, which may repeat the event's data."""
    OPENING = "opening"
    """A member of staff, or a client, opened one event and gave a reason, which is the disclosure's purpose."""
    LOOKUP = "lookup"
    """Somebody asked who received a person's data, and gave a reason, which is the disclosure's purpose."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One answer, or one batch of deliveries, with personal data under one grant.

    Attributes:
        participant: the participant that received the data.
        client_id: the client that asked; `staff siti` for a member of staff; None for a delivery.
        contract_id: the contract's number in the journal; 0 for a lookup, which is under no contract.
        version: the contract version whose grant showed the data.
        fields: JSON Pointers of the granted fields. The empty pointer means all fields.
        positions: the positions of the events that the answer or batch held.
        person: one of the persons of a query's answer, which is not in the journal; the person of a lookup.
        set_by: who set the sink of a delivery, if not the participant itself.
    """

    participant: str
    client_id: str | None
    channel: Channel
    contract_id: int
    version: str
    purpose: str
    legal_basis: str
    fields: Sequence[str]
    positions: Sequence[int] = ()
    person: str | None = None
    set_by: str | None = None


class Place(NamedTuple):
    """The place of a row in the log, the newest first.

    Attributes:
        at: its first time, in microseconds.
        id: its id.
    """

    at: int
    id: int


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the log: equal disclosures of one day.

    Attributes:
        place: its place in the log.
        at: the first time.
        last_at: the last time.
        times: how often the disclosure happened on that day.
        disclosure: the disclosure without its positions.
        packed: its positions, packed.
        unsent: how many events were announced with it and certainly did not leave.
    """

    place: Place
    at: datetime
    last_at: datetime
    times: int
    disclosure: Disclosure
    packed: bytes | None
    unsent: int

    @property
    def events(self) -> int:
        """How many events the disclosure held. 0: it was the answer to a query, or no event left."""
        return count_positions(self.packed)

    @property
    def positions(self) -> list[int]:
        """The positions of its events, ascending."""
        return unpack_positions(self.packed)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The conditions of a search. None: any value.

    Attributes:
        person: the data subject.
        participant: the participant that received data.
        client_id: the client that asked for them.
        contract_id: the contract's number in the journal.
        purpose: the purpose of the grant, letter by letter.
        channel: the way by which data left.
        since: only disclosures that happened at this moment or later.
        until: only disclosures that happened before this moment.
    """

    person: str | None = None
    participant: str | None = None
    client_id: str | None = None
    contract_id: int | None = None
    purpose: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    channel: Channel | None = None


class Noted(NamedTuple):
    """A row of the log that holds an announced disclosure of deliveries.

    Attributes:
        digest: the row's digest. Every transaction locks rows in the order of digests, so no two can deadlock.
        row: the row's id.
        times: how many disclosures the row counts.
        positions: the caller's events in that row. The row may hold events of other callers too.
    """

    digest: bytes
    row: int
    times: int
    positions: frozenset[int]
