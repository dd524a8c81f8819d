"""What the edge may call: the rooms of one running bus, found at `app.state.rooms`."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from bus.actions import ActionLog, Attempts
from bus.agencies import Agencies, Queries
from bus.contracts import Catalogue
from bus.delivery import Deliveries, Names, Subscriptions, Trials
from bus.disclosures import DisclosureLog
from bus.heavy import Heavy, Slices, Threads
from bus.http.waiting import WaitingReaders
from bus.idempotency import KeptAnswers
from bus.identity import Keys, OAuthServer, Participants, Tokens
from bus.journal import Appender, Gate, JournalReader, Tail
from bus.limits import Limits
from bus.refusals import Recorder, RefusalLog
from bus.settings import Settings
from bus.storage import Storage


@dataclass(frozen=True, slots=True)
class Rooms:
    """One of each.

    Attributes:
        answers: of requests with an `Idempotency-Key`.
        heavy: runs what may take long, apart from the event loop.
        reading: threads for pages of feeds and records.
        names: look-ups of sinks' host names.
        slices: for long work that needs the event loop's own thread.
    """

    settings: Settings
    actions: ActionLog
    attempts: Attempts
    storage: Storage
    keys: Keys
    participants: Participants
    oauth: OAuthServer
    tokens: Tokens
    limits: Limits
    catalogue: Catalogue
    gate: Gate
    recorder: Recorder
    answers: KeptAnswers
    refusals: RefusalLog
    appender: Appender
    journal: JournalReader
    tail: Tail
    disclosures: DisclosureLog
    subscriptions: Subscriptions
    deliveries: Deliveries
    agencies: Agencies
    queries: Queries
    heavy: Heavy
    reading: Threads
    slices: Slices
    names: Names
    trials: Trials
    waiting: WaitingReaders


async def rooms(request: Request) -> Rooms:
    """The rooms of the bus that serves this request; a coroutine, since FastAPI would take a function to a thread and back."""
    return cast("Rooms", request.app.state.rooms)


TheRooms = Annotated[Rooms, Depends(rooms)]
