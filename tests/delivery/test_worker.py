"""The worker, broken off in the middle of a run: what it writes must not let a later event overtake one that failed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from bus import clock, json
from bus.delivery.claims import NoClaims
from bus.delivery.handover import Here
from bus.delivery.ledger import Attempt, Lease, Leased
from bus.delivery.ordering import PARKED
from bus.delivery.outcome import Batch
from bus.delivery.retry import RetryPolicy
from bus.delivery.run import Item, Owed
from bus.delivery.subscription import AgencySink, Subscription, SubscriptionState
from bus.delivery.worker import Worker, WorkerPolicy
from bus.journal import Entry
from bus.kit import Classification, Does, Event, Failure, Operation, Outcome

SUBSCRIPTION = Subscription(
    1, "sub_1", "kemendagri", ("a.contract",), AgencySink("kemendagri", "many"), (), "/key", SubscriptionState.ACTIVE,
    0, None, None, (), datetime(2026, 11, 24, tzinfo=UTC), None,
)  # fmt: skip


class Agency:
    """Takes two events at a time: fails the first two, and never answers for the next."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_hanging = asyncio.Event()

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        self.asked += 1
        if self.asked == 1:
            return [Outcome(Failure.TRANSIENT, "it failed inside")] * len(events)
        self.is_hanging.set()
        await asyncio.Event().wait()
        return []


class Writer:
    """Keeps what it is to write."""

    def __init__(self) -> None:
        self.written: list[Attempt] = []
        self.given_back: list[Lease] = []

    def write(self, batches: Sequence[Batch]) -> Sequence[bool]:
        self.written += [attempt for batch in batches for attempt in batch.attempts]
        return [False] * len(batches)

    def give_back(self, leases: Sequence[Lease]) -> None:
        self.given_back += leases


def an_item(position: int, key: int, lease: Lease) -> Item:
    body = json.dumps({"specversion": "1.0", "id": str(position), "source": "/here", "type": "a.contract", "data": {}})
    entry = Entry(position, 1, 1, "dukcapil-lamongan", None, None, clock.now_micros(), body)
    return Item(Leased(position, key, 0, lease.due_at), entry, body, None)


async def test_what_is_behind_a_failure_is_parked_also_where_the_rest_is_broken_off():
    lease = Lease(1, clock.now_micros() + 60_000_000)
    chains = [[an_item(position, key, lease) for position in (key, key + 3)] for key in (1, 2, 3)]
    agency, writer, handover = Agency(), Writer(), Here()
    worker = a_worker(handover, agency, writer, chains)
    worker.start()
    assert handover.send(lease, None)
    await asyncio.wait_for(agency.is_hanging.wait(), 10)
    await worker.stop(0.01)
    assert {one.position for one in writer.written if one.failure} == {1, 2}
    assert {4, 5} <= {one.position for one in writer.written if one.due_at == PARKED}
    assert writer.given_back == [lease]


def a_worker(handover: Here, agency: Agency, writer: Writer, chains: list[list[Item]]) -> Worker:
    async def owed(*_: object) -> list[Owed]:
        return sorted(Owed(item.leased, len(item.entry.body)) for chain in chains for item in chain)

    @asynccontextmanager
    async def loaded(*_: object) -> AsyncIterator[list[list[Item]]]:
        yield chains

    operation = Operation("many", Does.DELIVER, batch=2, least=Classification.PUBLIC)
    subscriptions = SimpleNamespace(all=lambda: [SUBSCRIPTION], numbered={1: SUBSCRIPTION}.get)
    agencies = SimpleNamespace(find_operation=lambda *_: operation, find_deliver=lambda *_: (agency, operation))
    catalogue, webhooks = SimpleNamespace(), SimpleNamespace()
    policy = WorkerPolicy(concurrency=4, timeout=1.0, lease=60.0, retry=RetryPolicy())
    stubs = cast(
        "Any", (subscriptions, catalogue, SimpleNamespace(owed=owed, loaded=loaded), writer, webhooks, agencies)
    )
    return Worker(handover, NoClaims(), AgencySink, *stubs, policy, lambda is_due: None)
