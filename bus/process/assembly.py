"""Assembly: makes the rooms of one process, and fills them from settings and the database."""

from typing import Final

from bus.actions import ActionLog, Attempts
from bus.agencies import (
    Agencies,
    Holds,
    JobRunner,
    Jobs,
    OpenCircuits,
    Pauses,
    Pushes,
    Queries,
    QuotaLedger,
    find_adapters,
    list_coded,
    make_bindings,
)
from bus.contracts import Catalogue
from bus.declared import AdapterCatalogue, Judge
from bus.delivery import (
    Answers,
    Deliveries,
    GrantStops,
    Names,
    PullBell,
    Pulls,
    RetryPolicy,
    Seeks,
    Settlements,
    Subscriptions,
    Trials,
)
from bus.disclosures import DisclosureLog, Looks, Openings
from bus.doctor import Checkups
from bus.heavy import Bounds, Heavy, Here, Processes, Shares, Slices, Threads
from bus.http import Rooms, WaitingReaders, connections_at_once
from bus.idempotency import KeptAnswers
from bus.identity import Keys, LoginPolicy, OAuthServer, Participants, Tokens
from bus.inquiries import Inquiries
from bus.journal import Appender, Beside, Epochs, Gate, JournalReader, NothingBeside, Persons, Tail
from bus.limits import LimitRegister, Limits, Ration
from bus.process.staff import make_staff
from bus.process.wakeups import Wakeups
from bus.refusals import Recorder, RefusalLog, SetAside
from bus.rollups import PulledTally, Traffic
from bus.settings import Settings
from bus.status import StatusReader
from bus.storage import Storage

_READING: Final = Shares(at_once=8, each=4)
"""Threads that read pages: how many at once, and how many for each participant."""
_SCANNING: Final = Shares(at_once=1, each=1, waiting=1024, waiting_each=64)
"""Threads for pages of views that cut, after their first slice. One at a time: it holds the interpreter lock, and the event loop
waits for it. A participant's usual requests at once may wait, and beside them some of its readers that woke."""


def make_rooms(
    settings: Settings,
    storage: Storage,
    keys: Keys,
    issuer: str,
    wakeups: Wakeups,
    heavy: Heavy | None = None,
    beside: Beside | None = None,
) -> Rooms:
    """The rooms of one process, filled from the database. Call it in a running event loop.

    Args:
        issuer: the bus's own address, for tokens and metadata.
        wakeups: passes news of this process between its rooms.
        heavy: runs heavy work; None: this process runs it, without bounds.
        beside: writes beside appends; None: nothing is written beside.
    """
    journal = JournalReader(storage)
    epochs = Epochs(storage)
    epochs.refresh()
    tail = Tail(journal)
    wakeups.appended.listen(tail.advance)
    adapters = AdapterCatalogue(storage, list_coded(), settings.adapters, settings.agency_networks)
    adapters.refresh()
    bindings = make_bindings(settings.adapters, declared=lambda: adapters.in_force)
    catalogue = Catalogue(storage, keys.pseudonym, bindings, issuer)
    catalogue.refresh()
    subscriptions = Subscriptions(storage, keys)
    subscriptions.refresh()
    participants = Participants(storage)
    tokens = Tokens(keys, issuer, storage)
    limits = _make_limits(settings, storage)
    pauses = Pauses(storage)
    pauses.refresh()
    agencies = Agencies(settings.adapters, find_adapters(settings.agency_networks), adapters, pauses)
    agencies.follow()
    quotas = QuotaLedger(storage)
    disclosures = DisclosureLog(storage, Persons(storage))
    apart = heavy or Here()
    queries = Queries(
        catalogue, agencies, disclosures, limits, Ration(storage), quotas, OpenCircuits(storage), heavy=apart
    )
    jobs = Jobs(storage, keys)
    gate = Gate(catalogue)
    refusals = RefusalLog(storage, settings.keep_refusals_days)
    recorder = Recorder(refusals, catalogue)
    appender = Appender(storage, wakeups.appended, beside or NothingBeside(), epochs=epochs)
    actions = ActionLog(storage)
    attempts = Attempts(actions)
    names = Names()
    retry = make_retry_policy(settings)
    pull_bell = PullBell(storage)
    wakeups.owed.listen(pull_bell.ring)
    return Rooms(
        settings=settings,
        actions=actions,
        attempts=attempts,
        storage=storage,
        keys=keys,
        participants=participants,
        oauth=OAuthServer(
            tokens, participants, storage, settings.token_seconds, limits, _make_login_policy(settings), attempts
        ),
        tokens=tokens,
        limits=limits,
        catalogue=catalogue,
        gate=gate,
        recorder=recorder,
        refusals=refusals,
        set_aside=SetAside(storage),
        answers=KeptAnswers(storage, keys),
        appender=appender,
        journal=journal,
        epochs=epochs,
        tail=tail,
        disclosures=disclosures,
        looks=Looks(actions, disclosures),
        openings=Openings(storage, journal, catalogue, disclosures),
        inquiries=Inquiries(storage),
        subscriptions=subscriptions,
        deliveries=Deliveries(storage),
        sink_answers=Answers(storage, keys, journal, catalogue, disclosures),
        status=StatusReader(storage, subscriptions, catalogue, settings.data_dir),
        traffic=Traffic(storage),
        pulled=PulledTally(storage),
        grants=GrantStops(storage, catalogue, subscriptions),
        pulls=Pulls(storage, journal, catalogue, disclosures, retry),
        settlements=Settlements(storage, retry),
        seeks=Seeks(storage, subscriptions),
        pull_bell=pull_bell,
        agencies=agencies,
        pushes=Pushes(storage, agencies, gate, recorder, appender, apart, settings.wrong_logins_from_address),
        pauses=pauses,
        adapters=adapters,
        judge=Judge(catalogue, apart, settings.adapters, settings.agency_networks),
        holds=Holds(storage),
        quotas=quotas,
        queries=queries,
        jobs=jobs,
        job_runner=JobRunner(jobs, queries, participants),
        heavy=apart,
        reading=Threads(_READING, _SCANNING),
        slices=Slices(),
        names=names,
        trials=Trials(names),
        waiting=WaitingReaders(),
        staff=make_staff(settings, storage, keys, attempts),
        checkups=Checkups(settings, storage, keys),
    )


def make_retry_policy(settings: Settings) -> RetryPolicy:
    """How long to try a delivery, whether the bus sends it or its participant pulls it."""
    return RetryPolicy(settings.retry_first_seconds, settings.retry_longest_seconds, settings.retry_attempts)


def _make_limits(settings: Settings, storage: Storage) -> Limits:
    # Half of the connections stay for other requests: a connection with a waiting request cannot be closed for another.
    readers = settings.max_waiting_readers or max(1, connections_at_once(settings) // 2)
    return Limits(LimitRegister(storage, settings.limits), waiting_readers=readers)


def _make_login_policy(settings: Settings) -> LoginPolicy:
    return LoginPolicy(settings.wrong_logins, settings.wrong_logins_of_client, settings.wrong_logins_from_address)


def make_workers(settings: Settings) -> Processes:
    """The worker processes for heavy work. A process starts when it is first needed."""
    shares = Shares(at_once=settings.heavy_processes, each=max(1, settings.heavy_processes // 2))
    return Processes(shares, Bounds(settings.heavy_seconds, settings.heavy_memory_bytes))
