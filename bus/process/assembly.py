"""Makes the rooms of one process from settings and the database."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bus.actions import ActionLog, Attempts
from bus.agencies import Agencies, Queries, bindings
from bus.contracts import Catalogue
from bus.delivery.deliveries import Deliveries
from bus.delivery.names import Names
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.trial import Trials
from bus.disclosures import DisclosureLog
from bus.heavy import Bounds, Heavy, Here, Processes, Shares, Slices, Threads
from bus.http.front_door import connections_at_once
from bus.http.rooms import Rooms
from bus.http.waiting import WaitingReaders
from bus.identity import Keys, LoginPolicy, OAuthServer, Participants, Tokens
from bus.journal import Appender, Gate, JournalReader, Persons, Tail
from bus.limits import LimitRegister, Limits, Ration
from bus.refusals import Recorder, RefusalLog
from bus.settings import Settings
from bus.storage import Storage

_READING: Final = Shares(at_once=8, each=4)
"""The shares of pages that threads read at once."""
_SCANNING: Final = Shares(at_once=1, each=1, waiting=1024)
"""The shares of later slices, for pages whose view removes events. A slice takes the interpreter, and the event loop waits."""


@dataclass(frozen=True, slots=True)
class _Base:
    """The rooms that other rooms need."""

    journal: JournalReader
    tail: Tail
    catalogue: Catalogue
    subscriptions: Subscriptions
    participants: Participants
    tokens: Tokens
    limits: Limits
    agencies: Agencies
    disclosures: DisclosureLog
    refusals: RefusalLog
    actions: ActionLog
    attempts: Attempts
    names: Names


def make_rooms(
    settings: Settings,
    storage: Storage,
    keys: Keys,
    issuer: str,
    appended: Callable[[int], None],
    heavy: Heavy | None = None,
) -> Rooms:
    """The rooms of one process, filled from the database. Call it in a running event loop.

    Args:
        issuer: the bus's own address, for tokens and metadata.
        appended: called with the newest position after each append of this process.
        heavy: runs heavy work. None: threads of this process run it, without bounds.
    """
    base, heavy = _make_base(settings, storage, keys, issuer), heavy or Here()
    return Rooms(
        settings=settings,
        actions=base.actions,
        attempts=base.attempts,
        storage=storage,
        keys=keys,
        participants=base.participants,
        oauth=_make_oauth_server(settings, storage, base),
        tokens=base.tokens,
        limits=base.limits,
        catalogue=base.catalogue,
        gate=Gate(base.catalogue),
        recorder=Recorder(base.refusals, base.catalogue),
        refusals=base.refusals,
        appender=_make_appender(storage, base.tail, appended),
        journal=base.journal,
        tail=base.tail,
        disclosures=base.disclosures,
        subscriptions=base.subscriptions,
        deliveries=Deliveries(storage),
        agencies=base.agencies,
        queries=Queries(base.catalogue, base.agencies, base.disclosures, base.limits, Ration(storage), heavy=heavy),
        heavy=heavy,
        reading=Threads(_READING, _SCANNING),
        slices=Slices(),
        names=base.names,
        trials=Trials(base.names),
        waiting=WaitingReaders(),
    )


def _make_base(settings: Settings, storage: Storage, keys: Keys, issuer: str) -> _Base:
    catalogue = Catalogue(storage, keys.pseudonym, bindings(settings.adapters), issuer)
    catalogue.refresh()
    subscriptions = Subscriptions(storage, keys)
    subscriptions.refresh()
    # Half of the connections stay for other requests: a connection with a request under way cannot be closed for another.
    readers = settings.max_waiting_readers or max(1, connections_at_once(settings) // 2)
    journal = JournalReader(storage)
    actions = ActionLog(storage)
    return _Base(
        journal=journal,
        tail=Tail(journal),
        catalogue=catalogue,
        subscriptions=subscriptions,
        participants=Participants(storage),
        tokens=Tokens(keys, issuer, storage),
        limits=Limits(LimitRegister(storage, settings.limits), waiting_readers=readers),
        agencies=Agencies(settings.adapters),
        disclosures=DisclosureLog(storage, Persons(storage)),
        refusals=RefusalLog(storage),
        actions=actions,
        attempts=Attempts(actions),
        names=Names(),
    )


def _make_appender(storage: Storage, tail: Tail, appended: Callable[[int], None]) -> Appender:
    def note(position: int) -> None:
        tail.advance(position)
        appended(position)

    return Appender(storage, note)


def _make_oauth_server(settings: Settings, storage: Storage, base: _Base) -> OAuthServer:
    logins = LoginPolicy(settings.wrong_logins, settings.wrong_logins_of_client, settings.wrong_logins_from_address)
    return OAuthServer(
        base.tokens, base.participants, storage, settings.token_seconds, base.limits, logins, base.attempts
    )


def make_workers(settings: Settings) -> Processes:
    """The pool of worker processes for heavy work. A worker starts at the first job that needs it."""
    shares = Shares(at_once=settings.heavy_processes, each=max(1, settings.heavy_processes // 2))
    return Processes(shares, Bounds(settings.heavy_seconds, settings.heavy_memory_bytes))
