"""The relay: follows the journal, makes the deliveries of each event, and hands over what is due.

It is a thread of its own, in the one process that leads. Promise: an event in the journal gets its deliveries, each once. A
delivery that is due and not delivered is handed over, and again when its lease ends.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bus import clock
from bus.contracts import Catalogue
from bus.delivery.chosen import ChosenSubscriptions
from bus.delivery.dispatch import Dispatch, HandoverPolicy
from bus.delivery.expiry import Expiry
from bus.delivery.fan_out import FanOut, RingPullers
from bus.delivery.handover import Handover
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.old_events import OldEvents
from bus.delivery.reclaim import Reclaim
from bus.delivery.relayed import read_relayed
from bus.delivery.release import Release
from bus.delivery.remains import Remains
from bus.delivery.replays import advance_replay, end_replay, go_live, order_by_turn
from bus.delivery.subscription import Pull, Subscription
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.suspended import GrantStops
from bus.delivery.turn import Turn
from bus.delivery.unfinished_drops import UnfinishedDrops
from bus.journal import Entry, History, JournalReader
from bus.problem import Unavailable
from bus.storage import Leadership, Storage
from bus.telemetry import UNEXPECTED

log = structlog.get_logger(__name__)

_STEP: Final = 500
_IDLE_SECONDS: Final = 0.03
_REPLAY_SECONDS: Final = 0.01
"""How long replays go on before the relay looks for live events and due deliveries."""
_CLEANING_SECONDS: Final = 0.025
"""The time between two steps of the clean-up, in which others write."""
_FORGETTING_SECONDS: Final = 0.1
"""The same for old events. Each is a row of the largest table, with three indexes, and nobody waits for its end."""
_NOT_LEADING_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 0.005
"""The shortest time between the beginnings of two looks, if the first found nothing to deliver. A look at each of the journal's
commits would slow publishing down. If the first look found something, the next comes at once. A pause would be most of the time
to a webhook. One look takes all events that were published meanwhile."""


class Relay:
    """The relay of one bus. Call `nudge` when there may be something to do."""

    def __init__(
        self,
        storage: Storage,
        journal: JournalReader,
        catalogue: Catalogue,
        subscriptions: Subscriptions,
        handover: Handover,
        leadership: Leadership,
        policy: HandoverPolicy,
        reclaim: Reclaim,
        turn: Turn[FanOut],
        ring_pullers: RingPullers,
        keep_days: int = 0,
    ) -> None:
        """Create a relay that does not run yet.

        Args:
            turn: shared with the appends of this process that make deliveries (`AlongAppends`).
            ring_pullers: called after the commit of deliveries that are pulled.
            keep_days: how long deliveries are kept that are delivered or discarded; 0: for good.
        """
        self._storage = storage
        self._journal = journal
        self._catalogue = catalogue
        self._subscriptions = subscriptions
        self._ledger = Ledger(storage)
        self._dispatch = Dispatch(storage, catalogue, subscriptions, handover, policy)
        self._fan_out = FanOut(storage, journal, catalogue, subscriptions, self._dispatch, ring_pullers)
        self._ring_pullers = ring_pullers
        self._leadership = leadership
        self._reclaim = reclaim
        self._release = Release(storage, catalogue, subscriptions)
        self._drops = UnfinishedDrops(catalogue, GrantStops(storage, catalogue, subscriptions))
        self._remains = Remains(storage)
        self._expiry = Expiry(storage, journal, subscriptions, keep_days)
        self._old_events = OldEvents(storage, journal, catalogue, subscriptions)
        self._replaying = ChosenSubscriptions(subscriptions, lambda one: one.replay_position is not None)
        self._nudged = threading.Event()
        self._cleans_at = self._forgets_at = 0.0
        self._turns: dict[int, int] = {}
        self._turn = turn
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Begin to relay."""
        self._thread.start()

    def nudge(self) -> None:
        """Have the relay look now: there may be something to do. Callable from any thread."""
        self._dispatch.look_soon()
        self._nudged.set()

    def finished(self, is_due: bool) -> None:
        """Have the relay look after a run was finished: something may be due, or have room now. Callable from any thread.

        The next regular look finds what this one misses.
        """
        if is_due or self._dispatch.left:
            self.nudge()

    def appended(self, position: int) -> None:
        """Have the relay follow the journal to a position, if it has not yet. Callable from any thread."""
        reached = self._fan_out.reached
        if reached is None or reached < position:
            self._nudged.set()

    def stop(self) -> None:
        """Finish the step under way, then let another process lead."""
        self._stopping = True
        self._dispatch.stop()
        self._nudged.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping:
            wait = _NOT_LEADING_SECONDS
            begun = time.monotonic()
            try:
                with self._turn.for_relay():
                    if self._lead():
                        wait = 0.0 if self._step() else _IDLE_SECONDS
                    self._turn.reach_end(is_at_end=wait == _IDLE_SECONDS)
            except Unavailable:
                log.warning("relay.database_does_not_answer")
            except Exception:
                # The outermost loop: if its thread died, deliveries would end, and nobody would be told.
                UNEXPECTED.labels("relay").inc()
                log.exception("relay.step_failed")
            if wait:
                time.sleep(max(0.0, begun + self._pause() - time.monotonic()))
            self._nudged.wait(wait)
            self._nudged.clear()
        with self._turn.for_relay():
            self._turn.lead(None)
            self._dispatch.close()
            self._leadership.release()

    def _pause(self) -> float:
        if self._fan_out.delivers:
            return 0.0
        # Without subscriptions, nobody waits.
        return _PAUSE_SECONDS if self._fan_out.contract_ids else _IDLE_SECONDS

    def _lead(self) -> bool:
        """Whether this process leads. A new leader first reads the subscriptions as the last leader left them."""
        leads = self._leadership.acquire()
        if not leads:
            self._reclaim.stand_by()
        elif self._turn.leader is None:
            self._subscriptions.refresh()
            self._fan_out.begin()
            self._look_for_due(found=self._reclaim.begin())
        self._turn.lead(self._fan_out if leads else None)
        return leads

    def _step(self) -> bool:
        """Look at everything once. Returns whether there is more to do at once."""
        moved = self._fan_out.step()
        replayed = self._replay()
        self._look_for_due(found=self._reclaim.look())
        self._look_for_due(found=self._release.look())
        dropping = self._drops.look()
        self._clean()
        handed_over = self._dispatch.look()
        return moved or replayed or dropping or handed_over

    def _clean(self) -> None:
        """Delete a bounded number of old rows, if none were deleted a moment ago: deliveries go first."""
        if time.monotonic() >= self._cleans_at:
            self._remains.look()
            self._expiry.look()
            self._cleans_at = time.monotonic() + _CLEANING_SECONDS
        if time.monotonic() >= self._forgets_at:
            self._old_events.look()
            self._forgets_at = time.monotonic() + _FORGETTING_SECONDS

    def _look_for_due(self, *, found: bool) -> None:
        if found:
            self._dispatch.look_soon()

    def _replay(self) -> bool:
        """Take some steps of replays, and of new subscriptions that catch up, in turn. Live events wait only for these."""
        running = self._replaying()
        self._turns = {one.number: self._turns.get(one.number, 0) for one in running}
        ends = time.monotonic() + _REPLAY_SECONDS
        for subscription in order_by_turn(running, self._turns):
            if self._stopping:
                return False
            self._replay_step(subscription)
            self._turns[subscription.number] = 1 + max(self._turns.values())
            if time.monotonic() >= ends:
                break
        if running:
            self._subscriptions.refresh()
        return bool(running)

    def _replay_step(self, subscription: Subscription) -> None:
        until = subscription.replay_until or self._fan_out.find_reached()
        names = [name for name in subscription.contracts if self._catalogue.has_active(name)]
        contract_ids = [self._catalogue.newest(name).contract_id for name in names]
        entries, is_last = self._journal.of_contracts(contract_ids, subscription.replay_position or 0, until, _STEP)
        deliveries = self._route_replayed(entries, subscription)
        with self._storage.write(durable=False) as transaction:
            # First the subscription's row, then its deliveries, as in a deletion: otherwise the two could deadlock.
            if not is_last:
                advance_replay(transaction, subscription.number, entries[-1].position)
            elif subscription.replay_until is not None:
                end_replay(transaction, subscription.number)
            else:
                # Not before its beginning, which may be ahead of the relay.
                go_live(transaction, subscription.number, max(until, subscription.replay_position or 0))
            self._ledger.add(transaction, deliveries, clock.micros(clock.now()), again=True)
            self._dispatch.look_soon()
        if deliveries and isinstance(subscription.sink, Pull):
            self._ring_pullers([subscription.number])

    def _route_replayed(self, entries: Sequence[Entry], subscription: Subscription) -> list[NewDelivery]:
        today, router = clock.today(), self._fan_out.router()
        before = History(self._journal, entries).before
        routed = [router.make_replayed(entry, subscription, today, before) for entry in entries]
        return [delivery for delivery in routed if delivery is not None]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the relay is behind the journal: in positions, and in seconds that the oldest event waits."""

    events: int
    seconds: float


def measure_lag(storage: Storage, journal: JournalReader) -> Lag:
    """The relay's lag as the database shows it, whichever process relays."""
    with storage.read() as transaction:
        position = read_relayed(transaction)
    oldest = journal.recorded_after(position)
    waits = 0.0 if oldest is None else (clock.micros(clock.now()) - oldest) / 1_000_000
    return Lag(max(0, journal.last_position() - position), max(0.0, waits))
