"""The worker, broken off in the middle of a run: what it writes must not let a later event overtake one that failed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from bus import clock
from bus.agencies import Agencies, Pauses
from bus.delivery.claims import NoClaims
from bus.delivery.handover import Here
from bus.delivery.ledger import Lease, LeasedDelivery, Ledger, NewDelivery
from bus.delivery.ordering import PARKED
from bus.delivery.outcome import OutcomeWriter
from bus.delivery.retry import RetryPolicy
from bus.delivery.room import Room
from bus.delivery.run import Item, RunLoader
from bus.delivery.sinks.webhook import WebhookSink
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import AgencySink
from bus.delivery.tables import ATTEMPTS, DELIVERIES
from bus.delivery.worker import Worker, WorkerPolicy, name_message
from bus.disclosures import DisclosureLog
from bus.identity.keys import Keys
from bus.journal import Entry, NothingBeside, Persons
from bus.kit import AgencyFault, Classification, Does, Event, Failure, Operation, Outcome
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY, TAKE, AFactory, AnAdapter
from tests.builders import WARGA, a_grant, a_new_subscription
from tests.delivery.a_relay import Site

KEYS = (1, 2, 3)
POLICY = WorkerPolicy(concurrency=4, timeout=1.0, lease=60.0, retry=RetryPolicy())


@dataclass
class FallsSilent(AnAdapter):
    """Fails the first events that it is given, and never answers for the next."""

    calls: int = 0
    is_hanging: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        self.calls += 1
        if self.calls == 1:
            return [Outcome(Failure.TRANSIENT, "it failed inside")] * len(events)
        self.is_hanging.set()
        await asyncio.Event().wait()
        return []


@dataclass
class RefusesThrice(AnAdapter):
    """Refuses its first three requests whole, and takes the others."""

    failure: AgencyFault = field(default_factory=lambda: AgencyFault(Failure.SINK_DOWN, "no such host"))
    calls: int = 0
    is_taken: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        self.calls += 1
        if self.calls <= 3:
            raise self.failure
        if self.calls == 5:
            self.is_taken.set()
        return [Outcome()] * len(events)


class InPairs(AFactory):
    """Its operation takes two events at a time."""

    operations: ClassVar[tuple[Operation, ...]] = (Operation(TAKE, Does.DELIVER, batch=2, least=Classification.PUBLIC),)


@pytest.fixture
async def site(storage: Storage, bus_keys: Keys) -> Site:
    """A bus with ten events for its agency."""
    site = Site(storage, bus_keys, a_grant(AGENCY), adapters=[{"adapter": AGENCY, "operation": TAKE}])
    await site.append(NothingBeside(), *[site.submission(number) for number in range(1, 11)])
    return site


def lease_to_the_agency(site: Site, keys: Sequence[int | None] = (*KEYS, *KEYS)) -> Lease:
    """Hand all events over in one run."""
    order = a_new_subscription(AGENCY, contracts=[WARGA], sink=AgencySink(AGENCY, TAKE))
    number = site.subscriptions.add(order, OPERATOR).number
    now, ledger = clock.now_micros(), Ledger(site.storage)
    new = [NewDelivery(number, position, key) for position, key in enumerate(keys, 1)]
    with site.storage.write() as transaction:
        ledger.add(transaction, new, now, again=False)
        handed = ledger.lease(transaction, number, now, now + 60_000_000, 100, 100, ordered=False)
    (lease,) = handed.leases
    return lease


def a_worker(site: Site, handover: Here, adapter: AnAdapter, pauses: Pauses | None = None) -> Worker:
    """A worker for agencies, of which one is set up."""
    agencies = Agencies(
        {AGENCY: {"base_url": "https://badan.example"}}, {AGENCY: lambda: InPairs(adapter)}, pauses=pauses
    )
    ledger = Ledger(site.storage)
    loader = RunLoader(site.storage, site.journal, site.catalogue, ledger, agencies, Room())
    writer = OutcomeWriter(site.storage, ledger, DisclosureLog(site.storage, Persons(site.storage)))
    return Worker(
        handover,
        NoClaims(),
        AgencySink,
        site.subscriptions,
        site.catalogue,
        loader,
        writer,
        WebhookSink([]),
        agencies,
        POLICY,
        lambda is_due: None,
    )


def positions(site: Site, *where: sa.ColumnElement[bool]) -> set[int]:
    """The deliveries of which something is true."""
    with site.storage.read() as transaction:
        return {row.position for row in transaction.rows(sa.select(DELIVERIES.c.position).where(*where))}


def count_attempts(site: Site, outcome: str) -> int:
    """The attempts with an outcome of the one subscription, as metrics tell them."""
    (known,) = site.subscriptions.all()
    labels = {"participant": AGENCY, "subscription": known.id, "outcome": outcome}
    return int(REGISTRY.get_sample_value("bus_subscription_attempts_total", labels) or 0)


def failed(site: Site) -> set[int]:
    with site.storage.read() as transaction:
        return {row.position for row in transaction.rows(sa.select(ATTEMPTS.c.position))}


async def test_what_is_behind_a_failure_is_parked_also_where_the_rest_is_broken_off(site: Site):
    adapter, handover = FallsSilent(), Here()
    lease = lease_to_the_agency(site)
    worker = a_worker(site, handover, adapter)
    worker.start()
    assert handover.send(lease, None)
    await asyncio.wait_for(adapter.is_hanging.wait(), 10)
    await worker.stop(0.01)
    handover.close()
    assert failed(site) == {1, 2}
    assert positions(site, DELIVERIES.c.due_at == PARKED) >= {4, 5}
    # What nobody tried is given back, and need not wait for its lease.
    assert 3 in positions(site, DELIVERIES.c.due_at <= clock.now_micros())


async def test_a_request_of_many_events_that_fails_was_taken_for_as_many_failures_of_the_agency(site: Site):
    adapter, handover = RefusesThrice(), Here()
    lease = lease_to_the_agency(site, [None] * 10)
    worker = a_worker(site, handover, adapter)
    worker.start()
    assert handover.send(lease, None)
    await asyncio.wait_for(adapter.is_taken.wait(), 2)
    await worker.stop(5)
    handover.close()
    assert positions(site, DELIVERIES.c.state == DeliveryState.DELIVERED) == {7, 8, 9, 10}
    assert positions(site, DELIVERIES.c.state == DeliveryState.PENDING) == {1, 2, 3, 4, 5, 6}
    assert count_attempts(site, "delivered") == 4
    assert sum(count_attempts(site, failure.value) for failure in Failure) == 6


async def test_deliveries_to_a_paused_agency_wait_without_an_attempt(site: Site):
    adapter, handover, pauses = RefusesThrice(), Here(), Pauses(site.storage)
    pauses.pause(AGENCY, TAKE, "pemeliharaan", OPERATOR)
    lease = lease_to_the_agency(site, [None] * 10)
    worker = a_worker(site, handover, adapter, pauses)
    worker.start()
    before = clock.now_micros()
    assert handover.send(lease, None)
    async with asyncio.timeout(10):
        while len(positions(site, DELIVERIES.c.due_at < lease.due_at)) < 10:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)
    await worker.stop(5)
    handover.close()
    assert adapter.calls == 0
    assert failed(site) == set()
    assert positions(site, DELIVERIES.c.state == DeliveryState.PENDING, DELIVERIES.c.due_at > before) == set(
        range(1, 11)
    )


def test_an_event_after_a_restore_had_the_webhook_id_of_another_that_was_delivered_before():
    """A restored bus gives the positions since its back-up again. A receiver dropped such an event as a repetition."""
    before, after = an_item(recorded_at=1_000_000), an_item(recorded_at=9_000_000)
    assert name_message(1, before) == name_message(1, an_item(recorded_at=1_000_000))
    assert name_message(1, before) != name_message(1, after)


def an_item(recorded_at: int) -> Item:
    entry = Entry(21, 1, 1, "dinkes", None, None, recorded_at, b"{}")
    return Item(LeasedDelivery(21, None, 1, 0), entry, b"{}", None)
