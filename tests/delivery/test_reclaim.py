"""Reclaim: when a relay makes due what others had leased, and when it leaves that alone."""

from dataclasses import dataclass

import pytest

from bus import clock
from bus.delivery.heartbeat import Heartbeat
from bus.delivery.leases import Leases
from bus.delivery.ledger import Lease
from bus.delivery.reclaim import Reclaim
from bus.storage import Storage
from tests.delivery.a_book import Book

HOUR = 3_600_000_000


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def book(storage: Storage) -> Book:
    return Book(storage, now=clock.now_micros())


@pytest.fixture
def lease(book: Book) -> Lease:
    """A run of one delivery, leased for an hour."""
    book.owe(None)
    book.now += 1
    with book.storage.write() as transaction:
        handed = book.ledger.lease(transaction, book.number, book.now, book.now + HOUR, 100, 10, ordered=False)
        Leases(book.storage).add(transaction, handed.leases)
    (lease,) = handed.leases
    return lease


def looks(reclaim: Reclaim, time: Clock, seconds: int, heartbeat: Heartbeat | None = None) -> list[bool]:
    """What the looks of some seconds found; a worker may live beside them."""
    found: list[bool] = []
    for _ in range(seconds):
        time.now += 1
        if heartbeat is not None:
            heartbeat.beat()
        found.append(reclaim.look())
    return found


def test_a_process_that_starts_alone_finds_everything_due(storage: Storage, book: Book, lease: Lease):
    assert Reclaim(storage, is_alone=True).begin()
    assert book.load(lease) == []


def test_a_process_that_leads_again_leaves_its_own_runs_alone(storage: Storage, book: Book):
    reclaim = Reclaim(storage, is_alone=True)
    reclaim.begin()
    book.owe(None)
    with storage.write() as transaction:
        handed = book.ledger.lease(transaction, book.number, book.now, book.now + HOUR, 100, 10, ordered=False)
        Leases(storage).add(transaction, handed.leases)
    assert not reclaim.begin()
    assert book.load(*handed.leases)


def test_a_process_that_stood_by_leaves_the_runs_of_its_predecessor_alone(storage: Storage, book: Book, lease: Lease):
    reclaim = Reclaim(storage, is_alone=True)
    reclaim.stand_by()
    assert not reclaim.begin()
    assert book.load(lease)


def test_a_relay_beside_a_broker_leaves_runs_alone_when_it_starts(storage: Storage, book: Book, lease: Lease):
    assert not Reclaim(storage, is_alone=False).begin()
    assert book.load(lease)


def test_the_runs_of_a_worker_without_a_heartbeat_are_due_within_seconds(storage: Storage, book: Book, lease: Lease):
    time = Clock()
    Leases(storage).claim("process_dead", [lease])
    found = looks(Reclaim(storage, is_alone=False, clock=time), time, 15)
    assert found.count(True) == 1
    assert book.load(lease) == []


def test_the_runs_of_a_worker_that_lives_stay_its_own(storage: Storage, book: Book, lease: Lease):
    time = Clock()
    Leases(storage).claim("process_alive", [lease])
    heartbeat = Heartbeat(storage, ["worker"], "process_alive")
    assert not any(looks(Reclaim(storage, is_alone=False, clock=time), time, 30, heartbeat))
    assert book.load(lease)


def test_a_run_that_nobody_claimed_waits_for_its_lease(storage: Storage, book: Book, lease: Lease):
    time = Clock()
    assert not any(looks(Reclaim(storage, is_alone=False, clock=time), time, 30))
    assert book.load(lease)
