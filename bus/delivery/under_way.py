"""A run under way: makes it piece by piece, each chain in its order, within the time of its lease.

Promise: a later event of a key never goes before an earlier one. While a sink is away, no event is in memory for it.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

import structlog

from bus.delivery.attempts import Attempt
from bus.delivery.disclosed import RunDisclosures
from bus.delivery.lane import Lane
from bus.delivery.outcome import Batch, hold, park, put_off, release, skip
from bus.delivery.run import Item, OwedDelivery, RunLoader, drop_events, list_candidates, take_first_piece
from bus.delivery.sinks.places import Place
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import Subscription
from bus.kit import Failure, Outcome

log = structlog.get_logger(__name__)

_PAUSED_SECONDS: Final = 15.0
"""How long deliveries to a paused agency are put off. After a resumption they go within this time."""
_TELLING: Final = (None, Failure.PERMANENT, Failure.TRANSIENT, Failure.SINK_DOWN)


class Sender(Protocol):
    """Sends items to a subscription's sink. The worker implements it."""

    def is_paused(self, subscription: Subscription) -> bool:
        """Whether the operator paused the sink; see `Worker`."""
        ...

    def is_active(self, subscription: Subscription) -> bool:
        """Whether the subscription exists, is not paused and has the same sink, and this process still holds its runs."""
        ...

    def batch(self, subscription: Subscription) -> int:
        """How many items go in one sending."""
        ...

    async def take_place_for(self, subscription: Subscription, deadline: float) -> Place | None:
        """A place for a request to the sink; None: there was none before the deadline."""
        ...

    async def send(
        self, subscription: Subscription, lane: Lane, items: Sequence[Item], place: Place
    ) -> Sequence[Outcome]:
        """Send some items of one run."""
        ...

    def judge(self, subscription: Subscription, item: Item, outcome: Outcome, seconds: float) -> Attempt:
        """Decide what becomes of a delivery."""
        ...


class RunUnderWay:
    """One run under way: what was attempted of it so far."""

    def __init__(
        self,
        worker: Sender,
        loader: RunLoader,
        subscription: Subscription,
        lane: Lane,
        deadline: float,
        disclosed: RunDisclosures,
    ) -> None:
        self._worker = worker
        self._loader = loader
        self._subscription = subscription
        self._lane = lane
        self._deadline = deadline
        self._disclosed = disclosed
        self._loaded_under = loader.read_grants_as_of()
        self.attempts: list[Attempt] = []

    async def make(self, owed: Sequence[OwedDelivery]) -> None:
        """Make a run piece by piece, in order. Deliveries that are not tried within the lease are released.

        While the sink's circuit is open, no event is in memory. Then one delivery goes as the probe.
        """
        while owed and self._is_active():
            if self._worker.is_paused(self._subscription):
                self._put_off_for(owed, _PAUSED_SECONDS)
                return
            if not self._lane.is_flowing:
                owed = drop_events(owed)
                if self._is_put_off(owed):
                    return
            if not await self._lane.wait_until_admits(self._deadline):
                break
            self._loaded_under = self._loader.read_grants_as_of()
            piece = take_first_piece(owed) if self._lane.is_flowing else [self._lane.pick_probe(owed)]
            async with self._loader.hold_loaded(self._subscription, piece, self._deadline) as chains:
                if chains is None:
                    break
                if self._lane.is_flowing:
                    await self._disclosed.announce(item for chain in chains for item in chain)
                await self._make(chains)
                del chains
            owed = self._list_untried(drop_events(owed))
            if not self._is_granted() or not self._lane.is_flowing:
                # The next run loads the rest, and its disclosures name the grants of then. What failed is on record at once,
                # and does not wait with the rest until the sink is back.
                break
        self.attempts.extend(release(self._subscription.number, one.leased) for one in owed)

    def _is_put_off(self, owed: Sequence[OwedDelivery]) -> bool:
        """Put off a run in which each delivery failed before. It stays if the probe can only come from it. Returns whether it
        was put off.

        It would keep a place in the broker's queue from an event that the sink may take.
        """
        is_new = list_candidates(owed)[0].leased.attempts == 0
        if is_new or (self._lane.admits and not self._lane.is_awaited):
            return False
        self._put_off_for(owed, self._lane.compute_pause())
        return True

    def _put_off_for(self, owed: Sequence[OwedDelivery], seconds: float) -> None:
        self.attempts.extend(put_off(self._subscription.number, one.leased, seconds) for one in owed)

    def _is_active(self) -> bool:
        return self._worker.is_active(self._subscription)

    def _may_go_on(self) -> bool:
        """Whether more may be sent. Otherwise untried deliveries are dropped, and loaded again at their next turn."""
        return self._lane.admits and self._is_active() and self._is_granted()

    def _is_granted(self) -> bool:
        """Whether the grants are as they were when the events were loaded. Otherwise nothing more of the run is sent."""
        return self._loader.read_grants_as_of() == self._loaded_under

    def _list_untried(self, owed: Sequence[OwedDelivery]) -> list[OwedDelivery]:
        """The deliveries that may still be tried. A delivery behind a failure of its key is parked."""
        tried = {attempt.position for attempt in self.attempts}
        failed = {attempt.key for attempt in self.attempts if not _is_finished(attempt)} - {None}
        left = [one for one in owed if one.leased.position not in tried]
        self.attempts.extend(park(self._subscription.number, one.leased) for one in left if one.leased.key in failed)
        return [one for one in left if one.leased.key not in failed]

    async def _make(self, chains: Sequence[Sequence[Item]]) -> None:
        """Make chains side by side, each in its order. If an item fails, the items behind it are parked."""
        size = self._worker.batch(self._subscription)
        if size == 1:
            await self._lane.make(partial(self._send_chain, chain) for chain in chains)
        else:
            await self._lane.make([partial(self._send_batches, chains, size)])

    async def _send_batches(self, chains: Sequence[Sequence[Item]], size: int) -> None:
        while chains and self._may_go_on():
            heads = [chain[:size] if chain[0].leased.key is None else chain[:1] for chain in chains]
            flat = [item for head in heads for item in head]
            try:
                for start in range(0, len(flat), size):
                    if not self._may_go_on():
                        return
                    await self._send(flat[start : start + size])
            finally:
                # Also if it is broken off: a later delivery under the same lease must not overtake a failed one.
                chains = self._list_rest(chains)

    def _list_rest(self, chains: Sequence[Sequence[Item]]) -> list[Sequence[Item]]:
        """The rest of each chain. If a chain's head was not finished, its rest is parked."""
        finished = {attempt.position for attempt in self.attempts if _is_finished(attempt)}
        tried = {attempt.position for attempt in self.attempts}
        rest: list[Sequence[Item]] = []
        for chain in chains:
            if chain[0].leased.position in finished:
                rest.append(chain[1:])
            elif chain[0].leased.position in tried:
                self.attempts.extend(park(self._subscription.number, item.leased) for item in chain[1:])
        return [chain for chain in rest if chain]

    async def _send_chain(self, chain: Sequence[Item]) -> None:
        for index, item in enumerate(chain):
            if not self._may_go_on():
                return
            if not await self._send([item]):
                self.attempts.extend(park(self._subscription.number, behind.leased) for behind in chain[index + 1 :])
                return

    async def _send(self, items: Sequence[Item]) -> bool:
        """Attempt some items; whether all of them are finished."""
        number = self._subscription.number
        self.attempts.extend(self._make_withheld(item) for item in items if item.body is None)
        sending = [item for item in items if item.body is not None]
        if not sending:
            return all(not item.withheld for item in items)
        self._lane.let_through()
        place = await self._worker.take_place_for(self._subscription, self._deadline)
        if place is None:
            self.attempts.extend(release(number, item.leased) for item in sending)
            return False
        try:
            return await self._send_from(place, sending)
        finally:
            place.give()

    async def _send_from(self, place: Place, sending: Sequence[Item]) -> bool:
        # Of a sink that was away one item is tried, and that alone is disclosed.
        await self._disclosed.announce(sending)
        if not self._is_granted():
            # A grant may have ended while they waited for a place.
            self.attempts.extend(release(self._subscription.number, item.leased) for item in sending)
            return False
        self._disclosed.note_sent(sending)
        begun = time.perf_counter()
        outcomes = await self._worker.send(self._subscription, self._lane, sending, place)
        seconds = time.perf_counter() - begun
        self._note(_find_telling(outcomes), seconds, is_first=any(item.leased.attempts == 0 for item in sending))
        for item, outcome in zip(sending, outcomes, strict=True):
            self.attempts.append(self._worker.judge(self._subscription, item, outcome, seconds))
            if outcome.is_unsent:
                self._disclosed.note_stayed(item)
        return all(outcome.failure is None for outcome in outcomes)

    def _note(self, telling: Outcome, seconds: float, *, is_first: bool) -> None:
        """Let the circuit learn, and log when it opens and closes."""
        was_flowing = self._lane.is_flowing
        self._lane.note(telling, seconds, is_first=is_first)
        if was_flowing is self._lane.is_flowing:
            return
        named = {"subscription": self._subscription.id, "participant": self._subscription.participant}
        if self._lane.is_flowing:
            log.info("circuit.closed", **named)
        else:
            log.warning("circuit.opened", **named, status=telling.status, detail=telling.detail)

    def _make_withheld(self, item: Item) -> Attempt:
        if item.is_held:
            return hold(self._subscription.number, item.leased)
        if not item.withheld:
            return skip(self._subscription.number, item.leased)
        return self._worker.judge(self._subscription, item, Outcome(Failure.PERMANENT, item.withheld), 0.0)

    def batch(self) -> Batch:
        """The results of the run so far, and announced disclosures that were not sent."""
        # A copy: outcomes may still come after the run is broken off.
        circuits = {self._subscription.number: self._lane.report()}
        return Batch(tuple(self.attempts), self._disclosed.find_unsent(), circuits)


def _find_telling(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of one sending that says most about its sink. First comes a success, then an answer to one event, then any
    other.

    One request to an agency carries many events: that it failed is one failure.
    """
    if len(outcomes) == 1:
        return outcomes[0]
    return min(outcomes, key=lambda one: _TELLING.index(one.failure))


def _is_finished(attempt: Attempt) -> bool:
    return attempt.due_at is None and attempt.state is not DeliveryState.DEAD
