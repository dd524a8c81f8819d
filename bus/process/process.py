"""One process of the bus: starts its parts by settings and roles, and stops them in order."""

import asyncio
import signal
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from bus.agencies import PAUSES, Poller, Renewal
from bus.agencies import TOPIC as POLLS
from bus.declared import TOPIC as ADAPTERS
from bus.delivery import (
    AgencySink,
    FanOut,
    HandoverPolicy,
    Heartbeat,
    Ledger,
    OutcomeWriter,
    Relay,
    Room,
    RunLoader,
    Turn,
    Webhook,
    WebhookSink,
    Worker,
    WorkerPolicy,
    ensure_standing_subscriptions,
)
from bus.disclosures import Retention
from bus.heavy import LoopDelay
from bus.http import Health
from bus.identity import Keys, Rotation
from bus.ids import new_id
from bus.journal import EPOCHS, Projection, ValueIndex
from bus.limits import TOPIC as LIMITS
from bus.limits import Sharing
from bus.notices import FactReader, Notifier, make_senders
from bus.problem import Unavailable
from bus.process.assembly import make_retry_policy, make_rooms, make_workers
from bus.process.form import make_form
from bus.process.readiness import Readiness
from bus.process.role import Role
from bus.process.wakeups import Wakeups
from bus.rollups import Counter
from bus.settings import Settings, load_settings
from bus.storage import Changes, Checkpoints, Storage, make_leadership

log = structlog.get_logger(__name__)


@asynccontextmanager
async def run_process(
    settings: Settings, storage: Storage, keys: Keys, issuer: str, roles: Collection[Role], wakeups: Wakeups
) -> AsyncIterator["Process"]:
    """A running process. On leaving the block its parts stop in order, within `settings.drain_seconds`.

    Args:
        wakeups: `storage` must tell its `changed` of changes.
    """
    process = Process(settings, storage, keys, issuer, roles, wakeups)
    async with AsyncExitStack() as stack:
        await process.start(stack)
        yield process


class Process:
    """One process of the bus."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        keys: Keys,
        issuer: str,
        roles: Collection[Role],
        wakeups: Wakeups,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._roles = roles
        self._wakeups = wakeups
        self._turn: Turn[FanOut] = Turn()
        self._workers: list[Worker] = []
        self._form = make_form(settings, storage)
        beside = self._form.beside(self._turn)
        self.rooms = make_rooms(settings, storage, keys, issuer, wakeups, make_workers(settings), beside)

    async def start(self, stack: AsyncExitStack) -> None:
        """Start the parts that the roles need. `stack` stops them again, the last first."""
        self._end_rooms(stack)
        changes = self._list_changes()
        self._form.spread(changes, self._wakeups, stack)
        if Role.WORKER in self._roles or Role.ADAPTERS in self._roles:
            await self._start_workers(stack, changes)
        if Role.RELAY in self._roles:
            # The relay starts after the workers, so it stops before them: they still finish its last runs.
            self._start_followers(stack)
            self._start_relay(stack)
            self._start_notices(stack)
        if Role.ADAPTERS in self._roles:
            self._start_poller(stack, changes)
        if self._storage.is_sqlite:
            self._start_task(stack, Checkpoints(self._storage).follow())
        if Role.API in self._roles:
            self._start_task(stack, Sharing(self._storage, self.rooms.limits).follow())
            self._start_task(stack, self.rooms.job_runner.follow())
        if self._settings.secrets_dir:
            self._start_task(stack, Renewal(self.rooms.agencies, lambda: load_settings().adapters).follow())
        self._start_task(stack, LoopDelay().follow())
        self._start_task(stack, changes.follow())
        self._start_rooms(stack)

    def _end_rooms(self, stack: AsyncExitStack) -> None:
        """Have `stack` end the rooms after all that uses them."""
        rooms = self.rooms
        stack.callback(rooms.oauth.close)
        stack.callback(rooms.reading.close)
        stack.callback(rooms.staff.sign_in.close)
        stack.push_async_callback(rooms.heavy.close)
        stack.push_async_callback(rooms.agencies.close)
        stack.push_async_callback(rooms.trials.close)
        stack.push_async_callback(rooms.appender.close)
        stack.push_async_callback(rooms.recorder.flush)
        stack.push_async_callback(rooms.pulled.close)
        stack.push_async_callback(rooms.attempts.close)

    def _list_changes(self) -> Changes:
        """The changes that each process follows, and what each of them refreshes."""
        rooms, changes = self.rooms, Changes(self._storage)
        changes.on(ADAPTERS, rooms.adapters.refresh)
        changes.on("contracts", rooms.catalogue.refresh)
        changes.on("contracts", rooms.waiting.grants_changed)
        changes.on("clients", rooms.tokens.refresh)
        changes.on("clients", rooms.waiting.tokens_changed)
        changes.on("subscriptions", rooms.subscriptions.refresh)
        changes.on(EPOCHS, rooms.epochs.refresh)
        changes.on(LIMITS, rooms.limits.refresh)
        changes.on(PAUSES, rooms.pauses.refresh)
        return changes

    def _start_followers(self, stack: AsyncExitStack) -> None:
        """Start what follows the journal beside the relay, and deletes what is old."""
        catalogue = self.rooms.catalogue
        self._start_task(stack, Projection(self._storage).follow())
        self._start_task(stack, ValueIndex(self._storage, catalogue).follow())
        self._start_task(stack, Counter(self._storage, catalogue.name_of).follow())
        if self._settings.keep_disclosures_days:
            self._start_task(stack, Retention(self._storage, self._settings.keep_disclosures_days).follow())

    def _start_poller(self, stack: AsyncExitStack, changes: Changes) -> None:
        changes.on("contracts", self._ensure_standing)
        poller = self._make_poller()
        # After the catalogue: the poller tries rows again under the version that is active now.
        changes.on("contracts", poller.look_again)
        changes.on(POLLS, poller.look_again)
        self._start_task(stack, poller.run())
        self._start_task(stack, self._follow_adapters())

    def _start_rooms(self, stack: AsyncExitStack) -> None:
        """Start what each process's rooms do by themselves."""
        rooms = self.rooms
        self._start_task(stack, Rotation(rooms.keys, [rooms.tokens.forget, rooms.waiting.tokens_changed]).follow())
        self._start_task(stack, rooms.tail.follow())
        self._start_task(stack, rooms.waiting.follow())
        self._start_task(stack, rooms.pull_bell.follow())
        self._start_task(stack, rooms.recorder.follow())
        self._start_task(stack, rooms.pulled.follow())
        self._start_task(stack, rooms.attempts.follow())

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
        relay = Relay(
            self._storage,
            rooms.journal,
            rooms.catalogue,
            rooms.subscriptions,
            self._form.handover,
            make_leadership(self._storage, "relay"),
            policy,
            self._form.reclaim(),
            self._turn,
            self._wakeups.owed,
            self._settings.keep_deliveries_days,
        )
        self._wakeups.appended.listen(relay.appended)
        self._wakeups.finished.listen(relay.finished)
        relay.start()
        stack.push_async_callback(asyncio.to_thread, relay.stop)

    def _start_notices(self, stack: AsyncExitStack) -> None:
        """Tell people what they should look at, beside the relay: it runs on any bus that delivers."""
        rooms = self.rooms
        senders = make_senders(self._settings, rooms.names)
        for sender in senders.values():
            stack.push_async_callback(sender.close)
        facts = FactReader(self._storage, rooms.status, rooms.catalogue, self._settings.backup_hours)
        leads = make_leadership(self._storage, "notices")
        self._start_task(stack, Notifier(self._settings, self._storage, facts, senders, leads).follow())

    async def _start_workers(self, stack: AsyncExitStack, changes: Changes) -> None:
        rooms, settings = self.rooms, self._settings
        ledger = Ledger(self._storage, rooms.keys.encrypt)
        places, hosts = settings.sink_places or None, settings.sink_hosts
        webhooks = WebhookSink(settings.sink_networks, settings.sink_timeout_seconds, places, rooms.names, hosts=hosts)
        stack.push_async_callback(webhooks.close)
        retry = make_retry_policy(settings)
        policy = WorkerPolicy(settings.sink_concurrency, settings.sink_timeout_seconds, settings.lease_seconds, retry)
        delivering = sorted({Role.WORKER, Role.ADAPTERS}.intersection(self._roles))
        heartbeat = Heartbeat(self._storage, delivering, new_id("process"))
        claims = self._form.claims(heartbeat)
        stack.push_async_callback(claims.close)
        self._start_task(stack, heartbeat.follow())
        outcomes = OutcomeWriter(self._storage, ledger, rooms.disclosures)
        loader = RunLoader(self._storage, rooms.journal, rooms.catalogue, ledger, rooms.agencies, Room())
        kinds = {Role.WORKER: Webhook, Role.ADAPTERS: AgencySink}
        for role, kind in kinds.items():
            if role in self._roles:
                worker = Worker(
                    self._form.handover,
                    claims,
                    kind,
                    rooms.subscriptions,
                    rooms.catalogue,
                    loader,
                    outcomes,
                    webhooks,
                    rooms.agencies,
                    policy,
                    self._wakeups.finished,
                )
                worker.start()
                changes.on("subscriptions", worker.look_again)
                self._workers.append(worker)
                stack.push_async_callback(worker.stop, settings.drain_seconds)

    def _make_poller(self) -> Poller:
        rooms = self.rooms
        leads = make_leadership(self._storage, "poller")
        return Poller(self._storage, rooms.agencies, rooms.gate, rooms.recorder, rooms.appender, leads, rooms.heavy)

    def _ensure_standing(self) -> None:
        ensure_standing_subscriptions(self.rooms.catalogue, self.rooms.agencies, self.rooms.subscriptions)

    async def _follow_adapters(self) -> None:
        """Give adapters that come their standing subscriptions."""
        changed = asyncio.Event()
        self.rooms.agencies.listen(changed.set)
        while True:
            await changed.wait()
            changed.clear()
            try:
                await asyncio.to_thread(self._ensure_standing)
            except Unavailable:
                changed.set()
                await asyncio.sleep(1.0)
                continue

    def make_health(self) -> Health:
        """The checks of readiness."""
        rooms = self.rooms
        return Readiness(
            self._storage, rooms.subscriptions, rooms.journal, self._form.look_for_broker, self._roles, self._workers
        ).make_health()


def end_on_failure(task: asyncio.Task[None]) -> None:
    """End the process if one of its tasks failed: nothing would follow changes, or poll, any more."""
    if not task.cancelled() and task.exception() is not None:
        log.error("process.task_died", error=type(task.exception()).__name__)
        # The supervisor of the process starts it again.
        signal.raise_signal(signal.SIGTERM)
