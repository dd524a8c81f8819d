"""The worker: makes the runs that the broker hands it: view, sign, send, write the outcomes, acknowledge.

Promise: a message is acknowledged only after the outcomes of its run are written; a later event of a key never goes before
an earlier one; one sink's trouble is nobody else's; personal data leave only after their disclosure is on disk.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from random import Random
from typing import Final

import structlog
from prometheus_client import Counter

from bus import clock, json
from bus.agencies.registry import Agencies
from bus.contracts.catalogue import Catalogue
from bus.delivery.broker import BrokerAddress, Received, Receiver
from bus.delivery.circuit import CircuitPolicy
from bus.delivery.disclosed import Disclosed
from bus.delivery.lane import Lane
from bus.delivery.ledger import Attempt, DeliveryState, Lease
from bus.delivery.outcome import Batch, OutcomeWriter, attempted, parked, released, skipped
from bus.delivery.retry import RetryPolicy
from bus.delivery.run import Item, Owed, RunLoader, first_piece, without_events
from bus.delivery.sinks import agency
from bus.delivery.sinks.places import Place, uncounted_place
from bus.delivery.sinks.webhook import WebhookSink, trace_headers
from bus.delivery.subscriptions import AgencySink, Chosen, Subscription, Subscriptions, SubscriptionState, Webhook
from bus.disclosures.log import Channel, Disclosure, Noted
from bus.kit import Does, Event, Failure, Outcome
from bus.problem import Refused
from bus.storage import GroupCommit
from bus.telemetry import DELIVERIES, DELIVERY_SECONDS, UNEXPECTED, trace_id

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 0.02
"""The least between two commits of outcomes: nobody waits for them but a later event of the same key, and each takes the disk,
and the other commits' turn, for as much as twenty deliveries."""


@dataclass(frozen=True, slots=True)
class WorkerPolicy:
    """How a worker works.

    Attributes:
        concurrency: requests in flight to one sink.
        timeout: seconds of one request; nothing is begun that could outlast its lease.
        lease: seconds of a lease.
    """

    concurrency: int
    timeout: float
    lease: float
    retry: RetryPolicy


class Worker:
    """Makes runs for one kind of sink. Belongs to one event loop."""

    def __init__(
        self,
        address: BrokerAddress,
        sinks: type[Webhook] | type[AgencySink],
        subscriptions: Subscriptions,
        catalogue: Catalogue,
        loader: RunLoader,
        outcomes: OutcomeWriter,
        webhooks: WebhookSink,
        agencies: Agencies,
        policy: WorkerPolicy,
        finished: Callable[[bool], None],
    ) -> None:
        """`finished` is called when a run's outcomes are written: there may be room for more, or something is due by them."""
        self._sinks = sinks
        self._finished = finished
        self._subscriptions = subscriptions
        self._catalogue = catalogue
        self._loader = loader
        self._webhooks = webhooks
        self._agencies = agencies
        self._policy = policy
        self._random = Random()  # noqa: S311 - jitter
        self._writer = outcomes
        self._outcomes: GroupCommit[Batch, bool] = GroupCommit("outcomes", outcomes.write, _PAUSE_SECONDS)
        self._disclosures: GroupCommit[Sequence[Disclosure], Sequence[Noted]] = GroupCommit(
            "disclosures", lambda runs: outcomes.announce(runs)
        )
        self._lanes: dict[int, Lane] = {}
        self._making: dict[asyncio.Task[None], Received] = {}
        self._is_stopping = self._is_drained = False
        self._loop = asyncio.get_running_loop()
        self._chosen = Chosen(subscriptions, self._can_serve)
        self._mine_of: tuple[Sequence[Subscription], Collection[int]] = ((), frozenset())
        self._receiver = Receiver(address, self._mine, self._received)

    @property
    def connected(self) -> bool:
        """Whether the broker is listened to."""
        return self._receiver.connected

    def start(self) -> None:
        """Begin to take runs."""
        self._receiver.start()

    async def stop(self, seconds: float) -> None:
        """Take no more, finish what is under way within some seconds, write its outcomes, and give back what has none."""
        self._is_stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._making:
                    await asyncio.wait(self._making)
        self._is_drained = True
        broken_off = await self._break_off()
        await self._disclosures.close()
        await self._outcomes.close()
        await asyncio.to_thread(self._writer.give_back, [received.lease for received in broken_off])
        for received in broken_off:
            received.done()
        # Not before: the broker gives what is not acknowledged to another worker, which would make it at the same time.
        await asyncio.to_thread(self._receiver.stop)

    async def _break_off(self) -> list[Received]:
        """End what is under way; which runs that were."""
        left = dict(self._making)
        for lane in self._lanes.values():
            lane.stop()
        for making in left:
            making.cancel()
        if left:
            await asyncio.wait(left)
        return [received for making, received in left.items() if making.cancelled()]

    def _mine(self) -> Collection[int]:
        chosen = () if self._is_stopping else self._chosen()
        if self._mine_of[0] is not chosen:
            self._mine_of = (chosen, frozenset(one.number for one in chosen))
        return self._mine_of[1]

    def _can_serve(self, subscription: Subscription) -> bool:
        sink = subscription.sink
        if not isinstance(sink, self._sinks):
            return False
        return (
            isinstance(sink, Webhook)
            or self._agencies.operation(sink.adapter, sink.operation, Does.DELIVER) is not None
        )

    def _received(self, received: Received) -> None:
        self._loop.call_soon_threadsafe(self._begin, received)

    def _begin(self, received: Received) -> None:
        if self._is_drained:
            # Not acknowledged, it goes back to its queue; what memory gave away comes again when its lease ends.
            return
        making = self._loop.create_task(self._make(received))
        self._making[making] = received
        making.add_done_callback(self._making.pop)

    async def _make(self, received: Received) -> None:
        subscription = self._subscriptions.numbered(received.lease.subscription)
        is_due = False
        if subscription is not None:
            try:
                is_due = await self._make_run(subscription, received.lease)
            except Refused as refusal:
                # The database does not answer, or is full; what cannot be disclosed is not sent.
                log.warning("worker.run_put_off", subscription=subscription.id, reason=refusal.slug)
            except Exception:
                # The outermost of a run: unacknowledged messages would use up the queue's prefetch and stop it.
                UNEXPECTED.labels("worker").inc()
                log.exception("worker.run_failed", subscription=subscription.id)
        # Even then: the lease ends, and the run is handed over again.
        received.done()
        self._finished(is_due)

    async def _make_run(self, subscription: Subscription, lease: Lease) -> bool:
        """Make a run; whether something is due by its outcomes."""
        lane = self._lanes.get(subscription.number)
        if lane is None:
            lane = self._lanes[subscription.number] = self._lane()
        margin = min(self._longest(), self._policy.lease / 2)
        deadline = time.monotonic() + (lease.due_at - clock.micros(clock.now())) / 1_000_000 - margin
        channel = Channel.WEBHOOK if isinstance(subscription.sink, Webhook) else Channel.ADAPTER
        disclosed = Disclosed(self._disclosures.submit, self._catalogue, channel, subscription.sink_set_by)
        run = _Run(self, self._loader, subscription, lane, deadline, disclosed)
        # Before the run is read: of a sink that is away nothing is held.
        if self.is_active(subscription):
            await lane.wait_until_admits(deadline)
        owed = await self._loader.owed(subscription, lease)
        if not owed:
            return False
        try:
            await run.make(owed)
        finally:
            # Also of a run that is broken off: what came of its beginning is known.
            written = self._outcomes.submit(run.batch())
        return await written

    def is_active(self, subscription: Subscription) -> bool:
        """Whether the subscription is still there, and not paused."""
        known = self._subscriptions.numbered(subscription.number)
        return known is not None and known.state is SubscriptionState.ACTIVE

    def _lane(self) -> Lane:
        # A probe that is still under way must not be taken for lost.
        circuit = CircuitPolicy(probe=2 * self._longest())
        return Lane(self._policy.concurrency, circuit, self._random)

    def _longest(self) -> float:
        """The most seconds that one sending takes."""
        is_webhook = self._sinks is Webhook
        return self._policy.timeout if is_webhook else min(agency.LONGEST_SECONDS, self._policy.lease / 2)

    async def place(self, subscription: Subscription, deadline: float) -> Place | None:
        """A place for a request to the sink; None when there is none before a deadline."""
        sink = subscription.sink
        if isinstance(sink, Webhook):
            return await self._webhooks.take_place(sink.url, subscription.participant, deadline - time.monotonic())
        return uncounted_place(subscription.participant)

    async def send(
        self, subscription: Subscription, lane: Lane, items: Sequence[Item], place: Place
    ) -> Sequence[Outcome]:
        """Send some items of one run: one to a webhook, or as many as an adapter's operation takes at once."""
        sink = subscription.sink
        if isinstance(sink, Webhook):
            (item,) = items
            return [await self._post(sink, subscription, lane, item, place)]
        adapter, operation = self._agencies.find_deliver(sink.adapter, sink.operation)
        events = [Event.from_document(json.loads(item.body or b"")) for item in items]
        return await agency.deliver(adapter, operation, events, self._longest())

    async def _post(self, sink: Webhook, subscription: Subscription, lane: Lane, item: Item, place: Place) -> Outcome:
        body = item.body or b""
        headers = lane.signer(subscription).headers(
            f"msg_{subscription.number}_{item.leased.position}", body, clock.now()
        )
        # As the consumer sees it: a trace is the publisher's to write, and may be hidden.
        if traceparent := traceparent_of(body):
            headers |= trace_headers(traceparent)
        return await self._webhooks.send(sink.url, body, headers, place)

    def batch(self, subscription: Subscription) -> int:
        """How many items go in one sending."""
        if isinstance(subscription.sink, Webhook):
            return 1
        return self._agencies.find_deliver(subscription.sink.adapter, subscription.sink.operation)[1].batch

    def attempt(self, subscription: Subscription, item: Item, outcome: Outcome, seconds: float) -> Attempt:
        """Count and log an outcome, and decide what becomes of its delivery."""
        made = attempted(subscription.number, item.leased, outcome, seconds, self._policy.retry, self._random)
        kind = "webhook" if isinstance(subscription.sink, Webhook) else subscription.sink.adapter
        _counter(kind, "delivered" if outcome.failure is None else outcome.failure.value).inc()
        traceparent = traceparent_of(item.entry.body)
        if outcome.failure is None:
            DELIVERY_SECONDS.observe((made.at - item.entry.recorded_at) / 1_000_000)
            if traceparent:
                log.info("delivery.delivered", trace_id=trace_id(traceparent), **_place(subscription, item))
        else:
            log.warning(
                "delivery.failed",
                trace_id=trace_id(traceparent),
                failure=outcome.failure.value,
                status=outcome.status,
                attempt=made.number,
                state=made.state.name.lower(),
                **_place(subscription, item),
            )
        return made


class _Run:
    """One run under way: what was attempted of it so far."""

    def __init__(
        self,
        worker: Worker,
        loader: RunLoader,
        subscription: Subscription,
        lane: Lane,
        deadline: float,
        disclosed: Disclosed,
    ) -> None:
        self._worker = worker
        self._loader = loader
        self._subscription = subscription
        self._lane = lane
        self._deadline = deadline
        self._disclosed = disclosed
        self.attempts: list[Attempt] = []

    async def make(self, owed: Sequence[Owed]) -> None:
        """Make a run piece by piece, in order; what is not tried in the time of its lease is released.

        While the sink's circuit is open no event is held. Then one goes as the probe.
        """
        while owed and self._is_active() and await self._lane.wait_until_admits(self._deadline):
            if not self._lane.is_flowing:
                owed = without_events(owed)
            piece = first_piece(owed) if self._lane.is_flowing else owed[:1]
            async with self._loader.loaded(self._subscription, piece, self._deadline) as chains:
                if chains is None:
                    break
                if self._lane.is_flowing:
                    await self._disclosed.announce(item for chain in chains for item in chain)
                await self._make(chains)
                del chains
            owed = self._untried(without_events(owed))
        self.attempts.extend(released(self._subscription.number, one.leased) for one in owed)

    def _is_active(self) -> bool:
        return self._worker.is_active(self._subscription)

    def _goes_on(self) -> bool:
        """Whether more may be sent. Else what was not tried is let go, and loaded again when its turn comes."""
        return self._lane.admits and self._is_active()

    def _untried(self, owed: Sequence[Owed]) -> list[Owed]:
        """What may still be tried; whatever is behind a failure of its key is parked."""
        tried = {attempt.position for attempt in self.attempts}
        failed = {attempt.key for attempt in self.attempts if not _is_finished(attempt)} - {None}
        left = [one for one in owed if one.leased.position not in tried]
        self.attempts.extend(parked(self._subscription.number, one.leased) for one in left if one.leased.key in failed)
        return [one for one in left if one.leased.key not in failed]

    async def _make(self, chains: Sequence[Sequence[Item]]) -> None:
        """Make chains side by side, each in its order: where one item fails, those behind it are parked."""
        size = self._worker.batch(self._subscription)
        if size == 1:
            await self._lane.make(partial(self._chain, chain) for chain in chains)
        else:
            await self._lane.make([partial(self._batches, chains, size)])

    async def _batches(self, chains: Sequence[Sequence[Item]], size: int) -> None:
        while chains and self._goes_on():
            heads = [chain[:size] if chain[0].leased.key is None else chain[:1] for chain in chains]
            flat = [item for head in heads for item in head]
            try:
                for start in range(0, len(flat), size):
                    if not self._goes_on():
                        return
                    await self._send(flat[start : start + size])
            finally:
                # Also where it is broken off: what failed must not be overtaken by what is behind it under the same lease.
                chains = self._rest(chains)

    def _rest(self, chains: Sequence[Sequence[Item]]) -> list[Sequence[Item]]:
        """What is left of each chain; those whose head was not finished are parked."""
        finished = {attempt.position for attempt in self.attempts if _is_finished(attempt)}
        tried = {attempt.position for attempt in self.attempts}
        rest: list[Sequence[Item]] = []
        for chain in chains:
            if chain[0].leased.position in finished:
                rest.append(chain[1:])
            elif chain[0].leased.position in tried:
                self.attempts.extend(parked(self._subscription.number, item.leased) for item in chain[1:])
        return [chain for chain in rest if chain]

    async def _chain(self, chain: Sequence[Item]) -> None:
        for index, item in enumerate(chain):
            if not self._goes_on():
                return
            if not await self._send([item]):
                self.attempts.extend(parked(self._subscription.number, behind.leased) for behind in chain[index + 1 :])
                return

    async def _send(self, items: Sequence[Item]) -> bool:
        """Attempt some items; whether all of them are finished."""
        number = self._subscription.number
        self.attempts.extend(self._withheld(item) for item in items if item.body is None)
        sending = [item for item in items if item.body is not None]
        if not sending:
            return all(not item.withheld for item in items)
        self._lane.let_through()
        place = await self._worker.place(self._subscription, self._deadline)
        if place is None:
            self.attempts.extend(released(number, item.leased) for item in sending)
            return False
        try:
            return await self._send_from(place, sending)
        finally:
            place.give()

    async def _send_from(self, place: Place, sending: Sequence[Item]) -> bool:
        # Of a sink that was away one item is tried, and that alone is disclosed.
        await self._disclosed.announce(sending)
        self._disclosed.sending(sending)
        begun = time.perf_counter()
        outcomes = await self._worker.send(self._subscription, self._lane, sending, place)
        seconds = time.perf_counter() - begun
        for item, outcome in zip(sending, outcomes, strict=True):
            self._lane.note(outcome, seconds)
            self.attempts.append(self._worker.attempt(self._subscription, item, outcome, seconds))
            if outcome.is_unsent:
                self._disclosed.stayed(item)
        return all(outcome.failure is None for outcome in outcomes)

    def _withheld(self, item: Item) -> Attempt:
        if not item.withheld:
            return skipped(self._subscription.number, item.leased)
        return self._worker.attempt(self._subscription, item, Outcome(Failure.PERMANENT, item.withheld), 0.0)

    def batch(self) -> Batch:
        """What came of the run so far, and what it announced and did not send."""
        # A copy: of a run that is broken off an outcome may still come.
        return Batch(tuple(self.attempts), self._disclosed.unsent())


def _is_finished(attempt: Attempt) -> bool:
    return attempt.due_at is None and attempt.state is not DeliveryState.DEAD


@lru_cache
def _counter(kind: str, outcome: str) -> Counter:
    # Finding it anew takes longer than counting.
    return DELIVERIES.labels(kind, outcome)


def traceparent_of(body: bytes) -> str | None:
    """The `traceparent` of an event, looked for only where there is one."""
    if b'"traceparent":' not in body:
        return None
    value = json.loads(body).get("traceparent")
    return value if isinstance(value, str) else None


def _place(subscription: Subscription, item: Item) -> dict[str, object]:
    return {"subscription": subscription.id, "participant": subscription.participant, "position": item.leased.position}
