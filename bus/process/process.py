"""One process of the bus: it starts the parts that its roles need, and stops them in order."""

import asyncio
import signal
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from bus.agencies import Poller
from bus.delivery.bell import ChangesBell
from bus.delivery.broker import BrokerAddress, Handover
from bus.delivery.dispatch import HandoverPolicy
from bus.delivery.fresh import FreshRuns
from bus.delivery.heartbeat import Heartbeat
from bus.delivery.ledger import Ledger
from bus.delivery.outcome import OutcomeWriter
from bus.delivery.relay import Relay
from bus.delivery.retry import RetryPolicy
from bus.delivery.room import Room
from bus.delivery.run import RunLoader
from bus.delivery.sinks.webhook import WebhookSink
from bus.delivery.standing import ensure
from bus.delivery.subscriptions import AgencySink, Webhook
from bus.delivery.worker import Worker, WorkerPolicy
from bus.heavy import LoopDelay
from bus.http.health import Health
from bus.identity import Keys
from bus.journal import Projection
from bus.limits import TOPIC as LIMITS
from bus.limits import Sharing
from bus.process.assembly import make_rooms, make_workers
from bus.process.readiness import Readiness
from bus.process.role import Role
from bus.settings import Settings
from bus.storage import Changes, Checkpoints, Storage, make_leadership

log = structlog.get_logger(__name__)


@asynccontextmanager
async def run_process(
    settings: Settings, storage: Storage, keys: Keys, issuer: str, roles: Collection[Role]
) -> AsyncIterator["Process"]:
    """Run a process while the block runs. At the end its parts stop in order, within `settings.drain_seconds`."""
    process = Process(settings, storage, keys, issuer, roles)
    async with AsyncExitStack() as stack:
        await process.start(stack)
        yield process


class Process:
    """One process of the bus.

    Attributes:
        rooms: the rooms of this process.
    """

    def __init__(self, settings: Settings, storage: Storage, keys: Keys, issuer: str, roles: Collection[Role]) -> None:
        self._settings = settings
        self._storage = storage
        self._roles = roles
        self._relay: Relay | None = None
        self._fresh = FreshRuns()
        self._workers: list[Worker] = []
        self._address = BrokerAddress(settings.broker_url, settings.broker_prefix)
        self.rooms = make_rooms(settings, storage, keys, issuer, self._note_appended, make_workers(settings))

    def _note_appended(self, position: int) -> None:
        if self._relay is not None:
            self._relay.appended(position)

    async def start(self, stack: AsyncExitStack) -> None:
        """Start the parts that the roles need. `stack` stops them again, the last one first."""
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
        changes.on("contracts", rooms.waiting.grants_changed)
        changes.on("clients", rooms.tokens.refresh)
        changes.on("clients", rooms.waiting.tokens_changed)
        changes.on("subscriptions", rooms.subscriptions.refresh)
        changes.on(LIMITS, rooms.limits.refresh)
        self._start_bell(stack, changes)
        if Role.WORKER in self._roles or Role.ADAPTERS in self._roles:
            await self._start_workers(stack)
        if Role.RELAY in self._roles:
            # The relay starts after the workers and so stops before them. The workers then make its last deliveries.
            self._start_task(stack, Projection(self._storage).follow())
            self._start_relay(stack)
        if Role.ADAPTERS in self._roles:
            changes.on("contracts", self._ensure_standing)
            self._start_task(stack, self._make_poller().run())
        if delivering := sorted({Role.WORKER, Role.ADAPTERS}.intersection(self._roles)):
            self._start_task(stack, Heartbeat(self._storage, delivering).follow())
        if self._storage.is_sqlite:
            self._start_task(stack, Checkpoints(self._storage).follow())
        if Role.API in self._roles:
            self._start_task(stack, Sharing(self._storage, rooms.limits).follow())
        self._start_task(stack, LoopDelay().follow())
        self._start_task(stack, changes.follow())
        self._start_task(stack, rooms.tail.follow())
        self._start_task(stack, rooms.waiting.follow())
        self._start_task(stack, rooms.recorder.follow())
        self._start_task(stack, rooms.attempts.follow())

    def _start_bell(self, stack: AsyncExitStack, changes: Changes) -> None:
        if self._address.is_memory:
            self._storage.after_announce = changes.look_now
            return
        bell = ChangesBell(self._address, changes.look_now)
        bell.start()
        self._storage.after_announce = bell.ring
        stack.push_async_callback(asyncio.to_thread, bell.stop)

    def _start_task(self, stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(end_on_failure)

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
            make_leadership(self._storage, "relay"),
            policy,
            # Without workers in this process, other processes make the runs and need no events from here.
            self._fresh if self._workers else None,
        )
        if self._address.is_memory:
            rooms.appender.beside = self._relay.beside_append
        self._relay.start()
        stack.push_async_callback(asyncio.to_thread, self._relay.stop)

    async def _start_workers(self, stack: AsyncExitStack) -> None:
        rooms, settings = self.rooms, self._settings
        ledger = Ledger(self._storage)
        places, hosts = settings.sink_places or None, settings.sink_hosts
        webhooks = WebhookSink(settings.sink_networks, settings.sink_timeout_seconds, places, rooms.names, hosts=hosts)
        stack.push_async_callback(webhooks.close)
        retry = RetryPolicy(settings.retry_first_seconds, settings.retry_longest_seconds, settings.retry_attempts)
        policy = WorkerPolicy(settings.sink_concurrency, settings.sink_timeout_seconds, settings.lease_seconds, retry)
        outcomes = OutcomeWriter(self._storage, ledger, rooms.disclosures)
        if self._address.is_memory:
            # After the workers have stopped: nobody else can take the runs that they left.
            stack.push_async_callback(asyncio.to_thread, lambda: outcomes.give_back(self._fresh.untaken()))
        loader = RunLoader(self._storage, rooms.journal, rooms.catalogue, ledger, self._fresh, rooms.agencies, Room())
        kinds = {Role.WORKER: Webhook, Role.ADAPTERS: AgencySink}
        for role, kind in kinds.items():
            if role in self._roles:
                worker = Worker(
                    self._address,
                    kind,
                    rooms.subscriptions,
                    rooms.catalogue,
                    loader,
                    outcomes,
                    webhooks,
                    rooms.agencies,
                    policy,
                    self._note_finished,
                )
                worker.start()
                self._workers.append(worker)
                stack.push_async_callback(worker.stop, settings.drain_seconds)

    def _note_finished(self, is_due: bool) -> None:
        if self._relay is not None:
            self._relay.finished(is_due)

    def _make_poller(self) -> Poller:
        rooms = self.rooms
        leads = make_leadership(self._storage, "poller")
        return Poller(self._storage, rooms.agencies, rooms.gate, rooms.recorder, rooms.appender, leads, rooms.heavy)

    def _ensure_standing(self) -> None:
        ensure(self.rooms.catalogue, self.rooms.agencies, self.rooms.subscriptions)

    def make_health(self) -> Health:
        """The checks of this process's readiness."""
        rooms = self.rooms
        return Readiness(
            self._storage, rooms.subscriptions, rooms.journal, self._address, self._roles, self._workers
        ).make_health()


def end_on_failure(task: asyncio.Task[None]) -> None:
    """End the process if one of its tasks failed, since nothing else would do the task's work."""
    if not task.cancelled() and task.exception() is not None:
        log.error("process.task_died", error=type(task.exception()).__name__)
        # The service manager starts the process anew.
        signal.raise_signal(signal.SIGTERM)
