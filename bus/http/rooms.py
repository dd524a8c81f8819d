"""What the edge may call: the rooms of one running bus, found at `app.state.rooms`."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Final, cast

from fastapi import Depends, Request

from bus.actions.attempts import Attempts
from bus.actions.log import ActionLog
from bus.agencies.queries import Queries
from bus.agencies.registry import Agencies
from bus.audit.log import DisclosureLog
from bus.contracts.catalogue import Catalogue
from bus.delivery.deliveries import Deliveries
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.trial import Trials
from bus.identity.keys import Keys
from bus.identity.participants import Participants
from bus.identity.server import OAuthServer
from bus.identity.tokens import Tokens
from bus.journal import Appender, JournalReader, Tail
from bus.journal.gate import Gate
from bus.limits import Limits
from bus.refusals.log import RefusalLog
from bus.refusals.recorder import Recorder
from bus.settings import Settings
from bus.storage import Storage

_JUDGED_AT_ONCE: Final = 2
"""Contract documents. Each may take seconds and a hundred megabytes, and shares the interpreter lock with publishing."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """One of each.

    Attributes:
        judging: to be held while a document is compared with others.
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
    refusals: RefusalLog
    appender: Appender
    journal: JournalReader
    tail: Tail
    disclosures: DisclosureLog
    subscriptions: Subscriptions
    deliveries: Deliveries
    agencies: Agencies
    queries: Queries
    trials: Trials = field(default_factory=Trials)
    judging: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_JUDGED_AT_ONCE))


async def rooms(request: Request) -> Rooms:
    """The rooms of the bus that serves this request; a coroutine, since FastAPI would take a function to a thread and back."""
    return cast("Rooms", request.app.state.rooms)


TheRooms = Annotated[Rooms, Depends(rooms)]
