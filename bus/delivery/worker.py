"""The worker: makes the runs that are handed to it: view, sign, send, write the outcomes, acknowledge.

It promises:

- A message is acknowledged after the outcomes of its run are written, or cannot be. Then its lease ends, and the run comes again.
- A later event of a key never goes before an earlier one.
- One sink's trouble does not disturb other sinks.
- Personal data are sent only after their disclosure is on disk.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from typing import Final

import structlog

from bus import actions, clock, json
from bus.agencies import AdapterOff, Agencies
from bus.contracts import Catalogue
from bus.delivery.attempts import Attempt
from bus.delivery.chosen import ChosenSubscriptions
from bus.delivery.circuit import CircuitPolicy
from bus.delivery.claims import Claims
from bus.delivery.disclosed import RunDisclosures
from bus.delivery.handover import Handover, Received
from bus.delivery.lane import Lane
from bus.delivery.outcome import Batch, OutcomeWriter, judge_attempt
from bus.delivery.retry import RetryPolicy
from bus.delivery.run import Item, RunLoader
from bus.delivery.sinks import agency
from bus.delivery.sinks.places import Place, make_uncounted_place
from bus.delivery.sinks.webhook import WebhookSink, make_trace_headers
from bus.delivery.subscription import AgencySink, Subscription, SubscriptionState, Webhook
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.under_way import RunUnderWay
from bus.disclosures import Channel, Disclosure, Noted
from bus.kit import Does, Event, Failure, Outcome
from bus.problem import Refused
from bus.storage import GroupCommit
from bus.telemetry import DELIVERIES, DELIVERY_SECONDS, SUBSCRIPTION_ATTEMPTS, UNEXPECTED, read_trace_id

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 0.02
"""The shortest time between two commits of outcomes. Only a later event of the same key waits for them. Each commit costs as
much as twenty deliveries, and other commits wait for it."""


@dataclass(frozen=True, slots=True)
class WorkerPolicy:
    """How a worker works.

    Attributes:
        concurrency: requests in flight to one sink.
        timeout: seconds of one request. No request begins that could outlast its lease.
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
        handover: Handover,
        claims: Claims,
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
        """`finished` is called when a run's outcomes are written. It gets whether something became due."""
        self._sinks = sinks
        self._claims = claims
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
        self._chosen = ChosenSubscriptions(subscriptions, self._can_serve, lambda: agencies.serving)
        self._mine_of: tuple[Sequence[Subscription], Collection[int]] = ((), frozenset())
        self._receiver = handover.make_receiver(self._mine, self._received)

    @property
    def connected(self) -> bool:
        """Whether runs can arrive."""
        return self._receiver.connected

    def start(self) -> None:
        """Begin to take runs."""
        self._receiver.start()

    async def stop(self, seconds: float) -> None:
        """Take no more runs. Finish runs under way within `seconds`, write their outcomes, and give the rest back."""
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
        """End the runs under way, and return them."""
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
            or self._agencies.find_operation(sink.adapter, sink.operation, Does.DELIVER) is not None
        )

    def _received(self, received: Received) -> None:
        self._loop.call_soon_threadsafe(self._begin, received)

    def _begin(self, received: Received) -> None:
        if self._is_drained:
            # Not done, a broker gives it to another worker; else it comes again when its lease ends.
            return
        self._claims.add(received.lease)
        making = self._loop.create_task(self._make(received))
        self._making[making] = received
        making.add_done_callback(self._making.pop)

    async def _make(self, received: Received) -> None:
        subscription = self._subscriptions.numbered(received.lease.subscription)
        is_due = False
        if subscription is not None:
            try:
                is_due = await self._make_run(subscription, received)
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

    async def _make_run(self, subscription: Subscription, received: Received) -> bool:
        """Make a run. Returns whether something became due by its outcomes."""
        lease = received.lease
        lane = self._lanes.get(subscription.number)
        if lane is None:
            lane = self._lanes[subscription.number] = self._make_lane(subscription)
        margin = min(self._compute_longest(), self._policy.lease / 2)
        deadline = time.monotonic() + (lease.due_at - clock.micros(clock.now())) / 1_000_000 - margin
        channel = Channel.WEBHOOK if isinstance(subscription.sink, Webhook) else Channel.ADAPTER
        disclosed = RunDisclosures(self._disclosures.submit, self._catalogue, channel, subscription.sink_set_by)
        run = RunUnderWay(self, self._loader, subscription, lane, deadline, disclosed)
        loaded = received.take_loaded()
        if not lane.admits:
            # Of a sink that is away no event is held.
            loaded = None
        owed = await self._loader.find_owed(subscription, lease, loaded)
        if not owed:
            return False
        try:
            await run.make(owed)
        finally:
            # Also for a run that is broken off: the outcomes of its beginning are known.
            batch = run.batch()
            written = self._outcomes.submit(batch)
            _count_attempts(subscription, batch.attempts)
        return await written

    def is_active(self, subscription: Subscription) -> bool:
        """Whether the subscription exists, is not paused and has the same sink, and this process still holds its runs.

        With another sink the run ends: who mended a subscription must not wait for the old address to answer.
        """
        known = self._subscriptions.numbered(subscription.number)
        if known is None or known.state is not SubscriptionState.ACTIVE or not self._claims.is_holder:
            return False
        return known is subscription or known.sink == subscription.sink

    def is_paused(self, subscription: Subscription) -> bool:
        """Whether the operator paused the agency's operation to which the subscription delivers."""
        sink = subscription.sink
        return isinstance(sink, AgencySink) and self._agencies.find_pause(sink.adapter, sink.operation) is not None

    def look_again(self) -> None:
        """Have the sinks tried at once that somebody mended. Called in any thread when subscriptions have changed."""
        self._loop.call_soon_threadsafe(self._hasten)

    def _hasten(self) -> None:
        for number, lane in self._lanes.items():
            if (subscription := self._subscriptions.numbered(number)) is not None:
                lane.hasten(subscription.hastened_at)

    def _make_lane(self, subscription: Subscription) -> Lane:
        # A probe that is still under way must not be taken for lost.
        circuit = CircuitPolicy(probe=2 * self._compute_longest())
        return Lane(self._policy.concurrency, circuit, self._random, hastened_at=subscription.hastened_at)

    def _compute_longest(self) -> float:
        """The most seconds that one sending takes."""
        is_webhook = self._sinks is Webhook
        return self._policy.timeout if is_webhook else min(agency.LONGEST_SECONDS, self._policy.lease / 2)

    async def take_place_for(self, subscription: Subscription, deadline: float) -> Place | None:
        """A place for a request to the sink; None: there was none before the deadline."""
        sink = subscription.sink
        if isinstance(sink, Webhook):
            return await self._webhooks.take_place(sink.url, subscription.participant, deadline - time.monotonic())
        return make_uncounted_place(subscription.participant)

    async def send(
        self, subscription: Subscription, lane: Lane, items: Sequence[Item], place: Place
    ) -> Sequence[Outcome]:
        """Send some items of one run: one to a webhook, or as many as an adapter's operation takes at once."""
        sink = subscription.sink
        if isinstance(sink, Webhook):
            (item,) = items
            return [await self._post(sink, subscription, lane, item, place)]
        to = _find_agency_sink(subscription)
        try:
            adapter, operation = self._agencies.find_deliver(to.adapter, to.operation)
        except AdapterOff as off:
            # It was taken out of force while the run was under way.
            return [Outcome(Failure.SINK_DOWN, off.detail)] * len(items)
        events = [Event.from_document(json.loads(item.body or b"")) for item in items]
        with structlog.contextvars.bound_contextvars(adapter=to.adapter, subscription=subscription.id):
            return await agency.deliver(adapter, operation, events, self._compute_longest())

    async def _post(self, sink: Webhook, subscription: Subscription, lane: Lane, item: Item, place: Place) -> Outcome:
        body = item.body or b""
        headers = lane.get_signer(subscription).headers(name_message(subscription.number, item), body, clock.now())
        # From the body that the consumer sees: the publisher writes the trace, and the view may hide it.
        if traceparent := read_traceparent(body):
            headers |= make_trace_headers(traceparent)
        outcome = await self._webhooks.send(sink.url, body, headers, place)
        if outcome.status == HTTPStatus.GONE and self.is_active(subscription):
            await self._disable(subscription)
        return outcome

    async def _disable(self, subscription: Subscription) -> None:
        by = actions.identify_operator(actions.Channel.PROCESS)
        if await asyncio.to_thread(self._subscriptions.disable, subscription, by):
            log.warning(
                "subscription.disabled", subscription=subscription.id, participant=subscription.participant, status=410
            )

    def batch(self, subscription: Subscription) -> int:
        """How many items go in one sending."""
        if isinstance(subscription.sink, Webhook):
            return 1
        sink = _find_agency_sink(subscription)
        operation = self._agencies.find_operation(sink.adapter, sink.operation, Does.DELIVER)
        return operation.batch if operation else 1

    def judge(self, subscription: Subscription, item: Item, outcome: Outcome, seconds: float) -> Attempt:
        """Log an outcome, and decide what becomes of its delivery."""
        made = judge_attempt(subscription.number, item.leased, outcome, seconds, self._policy.retry, self._random)
        traceparent = read_traceparent(item.entry.body)
        if outcome.failure is None:
            DELIVERY_SECONDS.observe((made.at - item.entry.recorded_at) / 1_000_000)
            if traceparent:
                log.info(
                    "delivery.delivered", trace_id=read_trace_id(traceparent), **_describe_place(subscription, item)
                )
        else:
            log.warning(
                "delivery.failed",
                trace_id=read_trace_id(traceparent),
                failure=outcome.failure.value,
                status=outcome.status,
                attempt=made.number,
                state=made.state.name.lower(),
                **_describe_place(subscription, item),
            )
        return made


def _find_agency_sink(subscription: Subscription) -> AgencySink:
    """The sink of a subscription that is sent to, and not to a webhook."""
    sink = subscription.sink
    assert isinstance(sink, AgencySink)  # noqa: S101 - no run is made of a subscription that is pulled
    return sink


def _count_attempts(subscription: Subscription, attempts: Sequence[Attempt]) -> None:
    """Count the outcomes of a run. A run at a time, since a counter's lock takes longer than counting."""
    kind = "webhook" if isinstance(subscription.sink, Webhook) else _find_agency_sink(subscription).adapter
    for told, count in Counter(_name_outcome(one) for one in attempts if one.was_made).items():
        DELIVERIES.labels(kind, told).inc(count)
        SUBSCRIPTION_ATTEMPTS.labels(subscription.participant, subscription.id, told).inc(count)


def _name_outcome(attempt: Attempt) -> str:
    return attempt.failure if attempt.failure is not None else "delivered"


def read_traceparent(body: bytes) -> str | None:
    """The `traceparent` of an event. Events without one are not parsed."""
    if b'"traceparent":' not in body:
        return None
    value = json.loads(body).get("traceparent")
    return value if isinstance(value, str) else None


def _describe_place(subscription: Subscription, item: Item) -> dict[str, object]:
    return {"subscription": subscription.id, "participant": subscription.participant, "position": item.leased.position}


def name_message(subscription: int, item: Item) -> str:
    """The `webhook-id` of a delivery.

    The position alone does not name an event for good. A bus that is restored gives the positions since the back-up to other
    events. A receiver that knew the id would take such an event for a repetition. So the id has the moment of recording.
    """
    return f"msg_{subscription}_{item.leased.position}_{item.entry.recorded_at:x}"
