"""The wiring: one process of the bus, from settings and roles to running parts, and back down in order."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from typing import Final

import structlog

from bus.actions.attempts import Attempts
from bus.actions.log import ActionLog
from bus.agencies.poller import Poller
from bus.agencies.queries import Queries
from bus.agencies.registry import Agencies, bindings
from bus.audit.log import DisclosureLog
from bus.contracts.catalogue import Catalogue
from bus.delivery import broker
from bus.delivery.bell import ChangesBell
from bus.delivery.broker import BrokerAddress, Handover
from bus.delivery.deliveries import Deliveries
from bus.delivery.dispatch import HandoverPolicy
from bus.delivery.fresh import FreshRuns
from bus.delivery.heartbeat import Heartbeat, unattended
from bus.delivery.ledger import Ledger
from bus.delivery.outcome import OutcomeWriter
from bus.delivery.relay import Relay, behind
from bus.delivery.retry import RetryPolicy
from bus.delivery.run import RunLoader
from bus.delivery.sinks.webhook import WebhookSink
from bus.delivery.standing import ensure
from bus.delivery.subscriptions import AgencySink, Subscriptions, Webhook
from bus.delivery.worker import Worker, WorkerPolicy
from bus.heavy import Bounds, Heavy, Here, Processes, Shares, Slices, Threads
from bus.heavy.delay import LoopDelay
from bus.http.edge import create_edge, create_operation, create_watch
from bus.http.front_door import FrontDoor
from bus.http.health import Check, Health
from bus.http.rooms import Rooms
from bus.identity.keys import Keys
from bus.identity.participants import Participants
from bus.identity.server import OAuthServer
from bus.identity.tokens import Tokens
from bus.identity.wrong_logins import LoginPolicy
from bus.journal import Appender, JournalReader, Persons, Projection, Tail
from bus.journal.gate import Gate
from bus.limits import TOPIC as LIMITS
from bus.limits import LimitRegister, Limits, Ration, Sharing
from bus.refusals.log import RefusalLog
from bus.refusals.recorder import Recorder
from bus.settings import Settings
from bus.storage import Changes, Checkpoints, Storage, leadership

log = structlog.get_logger(__name__)

_LATE_SECONDS = 60.0
"""How old the oldest event may be that the relay has not fanned out, before readiness says so."""


_GARBAGE = 20_000
"""New objects that call the collector; a request that waits for its commit holds some fifty."""
_SWITCH_SECONDS = 0.0005
"""After so long the event loop lets another thread have the interpreter. A commit asks for it a dozen times: with Python's own
interval each time, a batch's commit and the next batch's validation, which could go on side by side, took turns."""


_READING: Final = Shares(at_once=8, each=4)
"""Pages that are read at once."""
_SCANNING: Final = Shares(at_once=1, each=1, waiting=1024)
"""Pages of views that cut, from their second slice on: each takes the interpreter for itself, and the event loop waits for it."""


class Role(StrEnum):
    """What a process does."""

    API = "api"
    RELAY = "relay"
    WORKER = "worker"
    ADAPTERS = "adapters"


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
        issuer: the bus's own address, in tokens and metadata.
        appended: called with the newest position after each append of this process.
        heavy: runs heavy work; None: this process does, unbounded.
    """
    journal = JournalReader(storage)
    tail = Tail(journal)

    def moved(position: int) -> None:
        tail.advance(position)
        appended(position)

    catalogue = Catalogue(storage, keys.pseudonym, bindings(settings.adapters), issuer)
    catalogue.refresh()
    subscriptions = Subscriptions(storage, keys)
    subscriptions.refresh()
    participants = Participants(storage)
    tokens = Tokens(keys, issuer, storage)
    limits = Limits(LimitRegister(storage, settings.limits))
    agencies = Agencies(settings.adapters)
    disclosures = DisclosureLog(storage, Persons(storage))
    refusals = RefusalLog(storage)
    actions = ActionLog(storage)
    attempts = Attempts(actions)
    apart = heavy or Here()
    return Rooms(
        settings=settings,
        actions=actions,
        attempts=attempts,
        storage=storage,
        keys=keys,
        participants=participants,
        oauth=OAuthServer(
            tokens, participants, storage, settings.token_seconds, limits, _login_policy(settings), attempts
        ),
        tokens=tokens,
        limits=limits,
        catalogue=catalogue,
        gate=Gate(catalogue),
        recorder=Recorder(refusals, catalogue),
        refusals=refusals,
        appender=Appender(storage, moved),
        journal=journal,
        tail=tail,
        disclosures=disclosures,
        subscriptions=subscriptions,
        deliveries=Deliveries(storage),
        agencies=agencies,
        queries=Queries(catalogue, agencies, disclosures, limits, Ration(storage), heavy=apart),
        heavy=apart,
        reading=Threads(_READING, _SCANNING),
        slices=Slices(),
    )


def _login_policy(settings: Settings) -> LoginPolicy:
    return LoginPolicy(settings.wrong_logins, settings.wrong_logins_of_client, settings.wrong_logins_from_address)


def workers(settings: Settings) -> Processes:
    """The worker processes for heavy work; none runs before it is needed."""
    shares = Shares(at_once=settings.heavy_processes, each=max(1, settings.heavy_processes // 2))
    return Processes(shares, Bounds(settings.heavy_seconds, settings.heavy_memory_bytes))


@asynccontextmanager
async def running(
    settings: Settings, storage: Storage, keys: Keys, issuer: str, roles: Collection[Role]
) -> AsyncIterator["Process"]:
    """The parts of a process at work; on leaving they are brought down in order, within `settings.drain_seconds`."""
    process = Process(settings, storage, keys, issuer, roles)
    async with AsyncExitStack() as stack:
        await process.start(stack)
        yield process


class Process:
    """One process of the bus."""

    def __init__(self, settings: Settings, storage: Storage, keys: Keys, issuer: str, roles: Collection[Role]) -> None:
        self._settings = settings
        self._storage = storage
        self._roles = roles
        self._relay: Relay | None = None
        self._fresh = FreshRuns()
        self._workers: list[Worker] = []
        self._address = BrokerAddress(settings.broker_url, settings.broker_prefix)
        self.rooms = make_rooms(settings, storage, keys, issuer, self._appended, workers(settings))

    def _appended(self, position: int) -> None:
        if self._relay is not None:
            self._relay.appended(position)

    async def start(self, stack: AsyncExitStack) -> None:
        """Start what the roles ask for; `stack` brings it down again, the last first."""
        rooms = self.rooms
        stack.callback(rooms.oauth.close)
        stack.callback(rooms.reading.close)
        stack.push_async_callback(rooms.heavy.close)
        stack.push_async_callback(rooms.agencies.close)
        stack.push_async_callback(rooms.trials.close)
        stack.push_async_callback(rooms.appender.close)
        stack.push_async_callback(rooms.recorder.flush)
        stack.push_async_callback(rooms.attempts.close)
        changes = Changes(self._storage)
        changes.on("contracts", rooms.catalogue.refresh)
        changes.on("clients", rooms.tokens.refresh)
        changes.on("subscriptions", rooms.subscriptions.refresh)
        changes.on(LIMITS, rooms.limits.refresh)
        self._start_bell(stack, changes)
        if Role.WORKER in self._roles or Role.ADAPTERS in self._roles:
            await self._start_workers(stack)
        if Role.RELAY in self._roles:
            # After the workers, so that it stops before them: what it handed over last is still made.
            self._task(stack, Projection(self._storage).follow())
            self._start_relay(stack)
        if Role.ADAPTERS in self._roles:
            changes.on("contracts", self._ensure_standing)
            self._task(stack, self._poller().run())
        if delivering := sorted({Role.WORKER, Role.ADAPTERS}.intersection(self._roles)):
            self._task(stack, Heartbeat(self._storage, delivering).follow())
        if self._storage.is_sqlite:
            self._task(stack, Checkpoints(self._storage).follow())
        if Role.API in self._roles:
            self._task(stack, Sharing(self._storage, rooms.limits).follow())
        self._task(stack, LoopDelay().follow())
        self._task(stack, changes.follow())
        self._task(stack, rooms.tail.follow())
        self._task(stack, rooms.recorder.follow())
        self._task(stack, rooms.attempts.follow())

    def _start_bell(self, stack: AsyncExitStack, changes: Changes) -> None:
        if self._address.is_memory:
            self._storage.after_announce = changes.look_now
            return
        bell = ChangesBell(self._address, changes.look_now)
        bell.start()
        self._storage.after_announce = bell.ring
        stack.push_async_callback(asyncio.to_thread, bell.stop)

    def _task(self, stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_report)

        async def cancel() -> None:
            task.cancel()
            await asyncio.wait([task])

        stack.push_async_callback(cancel)

    def _start_relay(self, stack: AsyncExitStack) -> None:
        policy = HandoverPolicy(lease=self._settings.lease_seconds)
        rooms = self.rooms
        self._relay = Relay(
            self._storage,
            rooms.journal,
            rooms.catalogue,
            rooms.subscriptions,
            Handover(self._address),
            leadership(self._storage, "relay"),
            policy,
            # Of runs that other processes make nothing is kept.
            self._fresh if self._workers else None,
        )
        if self._address.is_memory:
            rooms.appender.beside = self._relay.beside_append
        self._relay.start()
        stack.push_async_callback(asyncio.to_thread, self._relay.stop)

    async def _start_workers(self, stack: AsyncExitStack) -> None:
        rooms, settings = self.rooms, self._settings
        ledger = Ledger(self._storage)
        webhooks = WebhookSink(settings.sink_networks, settings.sink_timeout_seconds, settings.sink_places or None)
        stack.push_async_callback(webhooks.close)
        retry = RetryPolicy(settings.retry_first_seconds, settings.retry_longest_seconds, settings.retry_attempts)
        policy = WorkerPolicy(settings.sink_concurrency, settings.sink_timeout_seconds, settings.lease_seconds, retry)
        outcomes = OutcomeWriter(self._storage, ledger, rooms.disclosures)
        if self._address.is_memory:
            # After the workers have stopped: what they did not take nobody else can.
            stack.push_async_callback(asyncio.to_thread, lambda: outcomes.give_back(self._fresh.untaken()))
        kinds = {Role.WORKER: Webhook, Role.ADAPTERS: AgencySink}
        for role, kind in kinds.items():
            if role in self._roles:
                worker = Worker(
                    self._address,
                    kind,
                    rooms.subscriptions,
                    rooms.catalogue,
                    RunLoader(self._storage, rooms.journal, rooms.catalogue, ledger, self._fresh, rooms.agencies),
                    outcomes,
                    webhooks,
                    rooms.agencies,
                    policy,
                    self._finished,
                )
                worker.start()
                self._workers.append(worker)
                stack.push_async_callback(worker.stop, settings.drain_seconds)

    def _finished(self, is_due: bool) -> None:
        if self._relay is not None:
            self._relay.finished(is_due)

    def _poller(self) -> Poller:
        rooms = self.rooms
        leads = leadership(self._storage, "poller")
        return Poller(self._storage, rooms.agencies, rooms.gate, rooms.recorder, rooms.appender, leads, rooms.heavy)

    def _ensure_standing(self) -> None:
        ensure(self.rooms.catalogue, self.rooms.agencies, self.rooms.subscriptions)

    def health(self) -> Health:
        """What readiness looks at."""
        delivers = bool(set(self._roles) - {Role.API})
        # A bus that takes events in and passes none on is not ready, though what it took in is safe.
        leads = not {Role.API, Role.RELAY}.isdisjoint(self._roles)
        return Health(
            {
                "database": self._check_database,
                "broker": lambda: self._check_broker(needed=delivers),
                "relay": lambda: self._check_relay(needed=leads),
                "workers": lambda: self._check_workers(needed=leads),
            }
        )

    def _check_workers(self, *, needed: bool) -> Check:
        if not self._storage.answers():
            return Check(False, "unknown: the database does not answer", needed)
        missing = unattended(self._storage, self.rooms.subscriptions.all())
        return Check(
            not missing, f"deliveries wait and nobody lives for {', '.join(missing)}" if missing else "alive", needed
        )

    def _check_database(self) -> Check:
        answers = self._storage.answers()
        return Check(answers, "answers" if answers else "does not answer")

    def _check_broker(self, *, needed: bool) -> Check:
        listening = all(worker.connected for worker in self._workers)
        reachable = listening if self._workers else broker.reachable(self._address)
        return Check(reachable, "connected" if reachable else "not connected; trying again", needed)

    def _check_relay(self, *, needed: bool) -> Check:
        if not self._storage.answers():
            return Check(False, "unknown: the database does not answer", needed)
        lag = behind(self._storage, self.rooms.journal)
        return Check(
            lag.seconds < _LATE_SECONDS, f"{lag.events} events behind, the oldest for {lag.seconds:.0f} s", needed
        )


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("process.task_died", error=type(task.exception()).__name__)
        # Nothing would follow changes, or poll, any more: let whoever watches the process start it anew.
        signal.raise_signal(signal.SIGTERM)


async def serve(
    settings: Settings,
    storage: Storage,
    keys: Keys,
    issuer: str,
    roles: Collection[Role],
    listener: socket.socket,
    operation: socket.socket | None = None,
) -> None:
    """Run a process until SIGTERM or SIGINT; then drain within a bound.

    Args:
        operation: where metrics and the description of the API are served, if not with the API.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with running(settings, storage, keys, issuer, roles) as process:
        checks = process.health()
        edge = create_edge(process.rooms, checks) if Role.API in roles else create_watch(process.rooms, checks)
        edge.describe()
        is_https = issuer.startswith("https:")
        known = process.rooms.tokens.known
        doors = {listener: FrontDoor(edge, edge.publisher, settings, is_https=is_https, known=known)}
        if operation is not None:
            watched = create_operation(process.rooms, checks, edge)
            doors[operation] = FrontDoor(watched, None, settings, is_https=False, known=known)
        _spare_the_collector()
        sys.setswitchinterval(_SWITCH_SECONDS)
        serving = [loop.create_task(door.serve(address)) for address, door in doors.items()]
        for task in serving:
            task.add_done_callback(_report)
        log.info("bus.serving", address=issuer, roles=sorted(roles))
        stopped = loop.create_task(stopping.wait())
        await asyncio.wait([*serving, stopped], return_when=asyncio.FIRST_COMPLETED)
        log.info("bus.draining")
        for ending in (*serving, stopped):
            ending.cancel()
        await asyncio.gather(*(door.close(settings.drain_seconds) for door in doors.values()))
        await asyncio.gather(*serving, stopped, return_exceptions=True)
    log.info("bus.stopped")


def _spare_the_collector() -> None:
    """Let the garbage collector leave what was made at the start alone, and come less often.

    Measured: with a hundred events in flight it came every dozen requests, and walked over half a million objects of
    the libraries again and again: a fifth of the time of publishing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE, 20, 50)
