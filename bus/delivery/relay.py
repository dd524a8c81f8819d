"""The relay: follows the journal, makes the deliveries of each event, and hands over what is due.

A thread of its own, in the one process that leads. Promise: an event committed to the journal gets its deliveries, each once;
whatever is due and not delivered is handed over, and handed over again when its lease ends.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.engine import Connection

from bus import clock
from bus.contracts.catalogue import Catalogue
from bus.delivery.broker import Handover
from bus.delivery.fresh import FreshRuns
from bus.delivery.going import Going, Run, going
from bus.delivery.ledger import Handed, Lease, Leased, Ledger, NewDelivery
from bus.delivery.relayed import relayed, set_relayed
from bus.delivery.routing import Router, is_ordered
from bus.delivery.subscriptions import (
    Subscription,
    Subscriptions,
    SubscriptionState,
    advance_replay,
    end_replay,
    go_live,
)
from bus.journal import Entry, JournalReader
from bus.journal.history import History
from bus.problem import Unavailable
from bus.storage import Leadership, Storage
from bus.telemetry import HANDED_OVER, RELAY_LAG, UNEXPECTED

log = structlog.get_logger(__name__)

_STEP = 500
_IDLE_SECONDS = 0.03
_NOT_LEADING_SECONDS = 0.5
_PAUSE_SECONDS = 0.005
"""The least between the beginnings of two looks after one that found nothing to deliver: at each of the journal's commits,
looking cost a sixth of publishing where nobody subscribed. Where there was something the next look comes at once. What was
published meanwhile goes in one look, so that these become fewer as more comes; a pause saves a quarter of the processor time of
an event at 800 a second, and is most of the way to a webhook."""
_AT_ONCE = 8
"""Subscriptions whose deliveries are leased in the transaction that makes them: of more, publishing would wait for it."""
_NOTE_SECONDS = 0.25
"""How long the relay keeps to itself that it went on past events that nobody gets: noting each step would put a transaction
beside each of the journal's commits."""


@dataclass(frozen=True, slots=True)
class HandoverPolicy:
    """How much is handed over at a time.

    Attributes:
        lease: seconds that a run may take before it is handed over again.
        window: the most deliveries of one subscription in flight.
        run: the most deliveries in one message.
    """

    lease: float = 60.0
    window: int = 1000
    run: int = 250


class Relay:
    """The relay of one bus; `nudge` it when there may be something to do."""

    def __init__(
        self,
        storage: Storage,
        journal: JournalReader,
        catalogue: Catalogue,
        subscriptions: Subscriptions,
        handover: Handover,
        leadership: Leadership,
        policy: HandoverPolicy,
        fresh: FreshRuns | None,
    ) -> None:
        """`fresh`: where workers of this process look for runs; None where it has none."""
        self._storage = storage
        self._journal = journal
        self._catalogue = catalogue
        self._subscriptions = subscriptions
        self._ledger = Ledger(storage)
        self._handover = handover
        self._leadership = leadership
        self._policy = policy
        self._fresh = fresh
        self._nudged = threading.Event()
        self._position: int | None = None
        self._noted = 0
        self._noted_at = 0.0
        self._looked_at = 0.0
        self._may_be_due = True
        self._left: set[int] = set()
        self._contract_ids: set[int] = set()
        self._delivers = False
        self._stopping = False
        self._leading = False
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._routing: tuple[Sequence[Subscription], Router] | None = None

    def start(self) -> None:
        """Begin to relay."""
        self._thread.start()

    def nudge(self) -> None:
        """There may be something to do: look now. Callable from any thread."""
        self._may_be_due = True
        self._nudged.set()

    def finished(self, is_due: bool) -> None:
        """A run was finished: look where something is due by it, or had no room beside it. Callable from any thread.

        Whatever this misses is found by the next look that comes by itself.
        """
        if is_due or self._left:
            self.nudge()

    def appended(self) -> None:
        """The journal has more: follow it now. Callable from any thread."""
        self._nudged.set()

    def stop(self) -> None:
        """Finish the step under way, then let another process lead."""
        self._stopping = True
        self._nudged.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping:
            wait = _NOT_LEADING_SECONDS
            self._delivers = False
            begun = time.monotonic()
            try:
                if self._leads():
                    wait = 0.0 if self._step() else _IDLE_SECONDS
            except Unavailable:
                log.warning("relay.database_does_not_answer")
            except Exception:
                # The outermost loop: if its thread died, nothing would be delivered any more, and nobody told.
                UNEXPECTED.labels("relay").inc()
                log.exception("relay.step_failed")
            if wait:
                time.sleep(max(0.0, begun + self._pause() - time.monotonic()))
            self._nudged.wait(wait)
            self._nudged.clear()
        self._handover.close()
        self._leadership.release()

    def _pause(self) -> float:
        if self._delivers:
            return 0.0
        # Where nobody subscribed, nobody waits.
        return _PAUSE_SECONDS if self._contract_ids else _IDLE_SECONDS

    def _leads(self) -> bool:
        """Whether this process leads. One that begins to reads first what the leader before it made of the subscriptions."""
        leads = self._leadership.acquire()
        if leads and not self._leading:
            self._subscriptions.refresh()
            self._position = None
        self._leading = leads
        return leads

    def _step(self) -> bool:
        """One look at everything; whether there is more to do at once."""
        moved = self._fan_out()
        replayed = self._replay()
        handed_over = self._hand_over()
        return moved or replayed or handed_over

    def _fan_out(self) -> bool:
        """Make the deliveries of the next events, and note how far that is, in one transaction."""
        entries, reached, end, is_last = self._journal.upcoming(self._wanted, self._following(), _STEP)
        deliveries = self._routed(entries)
        self._delivers = bool(deliveries)
        if deliveries or time.monotonic() >= self._noted_at + _NOTE_SECONDS:
            self._note(entries, deliveries, reached)
        self._position = reached
        RELAY_LAG.set(end - reached if end > reached else 0)
        return not is_last

    def _wanted(self) -> set[int]:
        self._contract_ids = self._router().contract_ids()
        return self._contract_ids

    def _following(self) -> int:
        """Up to where this leader followed the journal; what it was told when it began to lead, then from memory."""
        if self._position is None:
            with self._storage.read() as connection:
                self._position = self._noted = relayed(connection)
        return self._position

    def _note(self, entries: Sequence[Entry], deliveries: Sequence[NewDelivery], reached: int) -> None:
        self._noted_at = time.monotonic()
        if reached == self._noted:
            return
        now = clock.micros(clock.now())
        subscriptions = self._going_at_once(deliveries)
        # Where something due was left, the new wait behind it.
        behind = [one for one in subscriptions if one.number in self._left]
        at_once = {one.number for one in subscriptions}.difference(one.number for one in behind)
        with self._storage.write(durable=False) as connection:
            # Before any row is touched, and in order, as who writes outcomes does.
            for subscription in subscriptions:
                self._ledger.hold(connection, subscription.number)
            begun = self._begun(connection, [one for one in deliveries if one.subscription in at_once], now)
            is_new = self._ledger.add(connection, deliveries, now, again=False, later=begun.due)
            set_relayed(connection, reached)
            handed = [self._lease(connection, subscription, now) for subscription in behind]
        self._noted = reached
        self._left |= begun.left
        if is_new:
            self._keep(begun.runs, entries)
        is_more = [self._send(some) for some in [Handed([run.lease for run in begun.runs], 0, False), *handed]]
        # Never set to False here: what another thread said meanwhile would be lost.
        if any(is_more) or (deliveries and not subscriptions):
            self._may_be_due = True

    def _begun(self, connection: Connection, deliveries: Sequence[NewDelivery], now: int) -> Going:
        until = now + int(self._policy.lease * 1_000_000)
        return going(connection, deliveries, now, until, self._policy.window, self._policy.run)

    def _keep(self, runs: Sequence[Run], entries: Sequence[Entry]) -> None:
        if self._fresh is None:
            return
        by_position = {entry.position: entry for entry in entries}
        for lease, deliveries in runs:
            self._fresh.put(
                lease,
                [(Leased(one.position, one.key, 0, lease.due_at), by_position[one.position]) for one in deliveries],
            )

    def _going_at_once(self, deliveries: Sequence[NewDelivery]) -> list[Subscription]:
        """The subscriptions whose new deliveries are leased as they are made, by number; none where they are many."""
        numbers = sorted({delivery.subscription for delivery in deliveries})
        found = [self._subscriptions.numbered(number) for number in numbers] if len(numbers) <= _AT_ONCE else []
        return [one for one in found if one is not None and one.state is SubscriptionState.ACTIVE]

    def _routed(self, entries: Sequence[Entry]) -> list[NewDelivery]:
        today, router = clock.local_date(clock.now()), self._router()
        before = History(self._journal, entries).before
        return [delivery for entry in entries for delivery in router.deliveries(entry, today, before)]

    def _router(self) -> Router:
        subscriptions = self._subscriptions.all()
        if self._routing is None or self._routing[0] is not subscriptions:
            self._routing = (subscriptions, Router(self._catalogue, subscriptions))
        return self._routing[1]

    def _replay(self) -> bool:
        """One step of each replay under way, and of each new subscription that catches up."""
        running = [s for s in self._subscriptions.all() if s.replay_position is not None]
        for subscription in running:
            self._replay_step(subscription)
        if running:
            self._subscriptions.refresh()
        return bool(running)

    def _replay_step(self, subscription: Subscription) -> None:
        until = subscription.replay_until or self._following()
        names = [name for name in subscription.contracts if self._catalogue.has_active(name)]
        contract_ids = [self._catalogue.newest(name).contract_id for name in names]
        entries = self._journal.of_contracts(contract_ids, subscription.replay_position or 0, until, _STEP)
        deliveries = self._replayed(entries, subscription)
        with self._storage.write(durable=False) as connection:
            self._ledger.add(connection, deliveries, clock.micros(clock.now()), again=True)
            self._may_be_due = True
            if len(entries) == _STEP:
                advance_replay(connection, subscription.number, entries[-1].position)
            elif subscription.replay_until is not None:
                end_replay(connection, subscription.number)
            else:
                # Not before where it begins, which may lie ahead of the relay.
                go_live(connection, subscription.number, max(until, subscription.replay_position or 0))

    def _replayed(self, entries: Sequence[Entry], subscription: Subscription) -> list[NewDelivery]:
        today, router = clock.local_date(clock.now()), self._router()
        before = History(self._journal, entries).before
        routed = [router.replayed(entry, subscription, today, before) for entry in entries]
        return [delivery for delivery in routed if delivery is not None]

    def _hand_over(self) -> bool:
        if not self._may_be_due and time.monotonic() < self._looked_at + _IDLE_SECONDS:
            return False
        self._looked_at = time.monotonic()
        self._may_be_due = is_more = False
        now = clock.micros(clock.now())
        due = self._ledger.due_subscriptions(now)
        self._left.intersection_update(due)
        for number in due:
            subscription = self._subscriptions.numbered(number)
            if subscription is not None:
                with self._storage.write(durable=False) as connection:
                    handed = self._lease(connection, subscription, now)
                is_more |= self._send(handed)
        if is_more:
            self._may_be_due = True
        return is_more

    def _lease(self, connection: Connection, subscription: Subscription, now: int) -> Handed:
        handed = self._ledger.lease(
            connection,
            subscription.number,
            now,
            now + int(self._policy.lease * 1_000_000),
            self._policy.window,
            self._policy.run,
            ordered=is_ordered(subscription, self._catalogue),
        )
        (self._left.add if handed.left else self._left.discard)(subscription.number)
        return handed

    def _send(self, handed: Handed) -> bool:
        """Hand runs over to the broker; whether there may be more to hand over at once."""
        for index, lease in enumerate(handed.leases):
            if not self._handover.send(lease):
                # Due again at once, so that nothing waits for a lease after the broker is back.
                self._release(handed.leases[index:])
                return False
            HANDED_OVER.inc()
        return handed.left and handed.room > 0

    def _release(self, leases: Sequence[Lease]) -> None:
        if self._fresh is not None:
            self._fresh.forget(leases)
        self._ledger.release(leases, clock.micros(clock.now()))


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the relay is behind the journal: in positions, and the seconds that the oldest of them waits."""

    events: int
    seconds: float


def behind(storage: Storage, journal: JournalReader) -> Lag:
    """The relay's lag as the database shows it, whichever process relays."""
    with storage.read() as connection:
        position = relayed(connection)
    oldest = journal.recorded_after(position)
    waits = 0.0 if oldest is None else (clock.micros(clock.now()) - oldest) / 1_000_000
    return Lag(max(0, journal.last_position() - position), max(0.0, waits))
