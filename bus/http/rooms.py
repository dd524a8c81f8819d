"""The rooms of one running bus that the edge may call. They are at `app.state.rooms`."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from bus.actions import ActionLog, Attempts
from bus.agencies import Agencies, Holds, JobRunner, Jobs, Pauses, Pushes, Queries, QuotaLedger
from bus.contracts import Catalogue
from bus.declared import AdapterCatalogue, Judge
from bus.delivery import (
    Answers,
    Deliveries,
    GrantStops,
    Names,
    PullBell,
    Pulls,
    Seeks,
    Settlements,
    Subscriptions,
    Trials,
)
from bus.disclosures import DisclosureLog, Looks, Openings
from bus.doctor import Checkups
from bus.heavy import Heavy, Slices, Threads
from bus.http.waiting import WaitingReaders
from bus.idempotency import KeptAnswers
from bus.identity import Keys, OAuthServer, Participants, Tokens
from bus.inquiries import Inquiries
from bus.journal import Appender, Epochs, Gate, JournalReader, Tail
from bus.limits import Limits
from bus.refusals import Recorder, RefusalLog, SetAside
from bus.rollups import PulledTally, Traffic
from bus.settings import Settings
from bus.staff import Staff
from bus.status import StatusReader
from bus.storage import Storage


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms and what they share.

    Attributes:
        adapters: the adapter documents in force, and their register.
        judge: judges adapter documents.
        answers: of requests with an `Idempotency-Key`.
        sink_answers: what sinks answered to deliveries that failed.
        looks: searches of the disclosures by people.
        openings: opens events with a reason.
        inquiries: what data subjects ask.
        heavy: runs what may take long, apart from the event loop.
        pull_bell: wakes pulls that wait.
        reading: threads for pages of feeds and records.
        names: look-ups of sinks' host names.
        staff: accounts and sessions of those who use the console.
        slices: runs long work that needs the event loop's own thread.
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
    set_aside: SetAside
    appender: Appender
    journal: JournalReader
    epochs: Epochs
    tail: Tail
    disclosures: DisclosureLog
    looks: Looks
    openings: Openings
    inquiries: Inquiries
    subscriptions: Subscriptions
    deliveries: Deliveries
    sink_answers: Answers
    status: StatusReader
    traffic: Traffic
    pulled: PulledTally
    grants: GrantStops
    pulls: Pulls
    settlements: Settlements
    seeks: Seeks
    pull_bell: PullBell
    agencies: Agencies
    pushes: Pushes
    pauses: Pauses
    adapters: AdapterCatalogue
    judge: Judge
    holds: Holds
    quotas: QuotaLedger
    queries: Queries
    jobs: Jobs
    job_runner: JobRunner
    heavy: Heavy
    reading: Threads
    slices: Slices
    names: Names
    trials: Trials
    waiting: WaitingReaders
    staff: Staff
    checkups: Checkups


async def rooms(request: Request) -> Rooms:
    """The rooms of the bus that serves this request. A coroutine, since FastAPI would run a function in a thread."""
    return cast("Rooms", request.app.state.rooms)


TheRooms = Annotated[Rooms, Depends(rooms)]
