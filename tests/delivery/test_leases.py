"""Leases: what a dead process had leased is due at once, and nothing else is."""

from collections.abc import Sequence

import pytest

from bus import clock
from bus.delivery.leases import Leases
from bus.delivery.ledger import Lease
from bus.storage import Storage
from tests.delivery.a_book import Book

HOUR = 3_600_000_000


@pytest.fixture
def book(storage: Storage) -> Book:
    return Book(storage, now=clock.now_micros())


@pytest.fixture
def leases(storage: Storage) -> Leases:
    return Leases(storage)


def leased(book: Book, leases: Leases, *keys: int | None, most: int = 1) -> Sequence[Lease]:
    """Runs of some deliveries each, leased for an hour and noted."""
    book.owe(*keys)
    book.now += 1
    with book.storage.write() as transaction:
        handed = book.ledger.lease(transaction, book.number, book.now, book.now + HOUR, 100, most, ordered=True)
        leases.add(transaction, handed.leases)
    return handed.leases


def due(book: Book) -> list[int]:
    """The positions that are due by the clock."""
    book.now = clock.now_micros()
    return sorted(position for run in book.handed_over() for position in run)


def test_what_was_leased_is_due_when_all_is_released(book: Book, leases: Leases):
    leased(book, leases, None, None)
    assert due(book) == []
    assert leases.release_all() == 2
    assert due(book) == [1, 2]


def test_a_retry_does_not_come_early(book: Book, leases: Leases):
    first, _ = leased(book, leases, None, None)
    (delivery,) = book.load(first)
    book.record(book.again(delivery, after=2 * HOUR))
    assert leases.release_all() == 1
    assert due(book) == [2]


def test_what_waits_behind_another_one_stays_parked(book: Book, leases: Leases):
    (first,) = leased(book, leases, 7, 7, most=2)
    leading, behind = book.load(first)
    book.record(book.again(leading, after=2 * HOUR), book.parked(behind))
    assert leases.release_all() == 0
    assert due(book) == []


def test_what_one_process_claimed_is_released_alone(book: Book, leases: Leases):
    first, second, _ = leased(book, leases, None, None, None)
    leases.claim("process_a", [first])
    leases.claim("process_b", [second])
    assert sorted(leases.find_holders()) == ["process_a", "process_b"]
    assert leases.release_held("process_a") == 1
    assert due(book) == [1]
    assert leases.find_holders() == ["process_b"]


def test_a_lease_that_ended_is_forgotten(book: Book, leases: Leases):
    ended = Lease(book.number, book.now - 1)
    (held,) = leased(book, leases, None)
    with book.storage.write() as transaction:
        leases.add(transaction, [ended])
    leases.claim("process_a", [held, ended])
    leases.forget_ended()
    assert leases.release_held("process_a") == 1


def test_a_claim_that_comes_late_names_nothing(book: Book, leases: Leases):
    (held,) = leased(book, leases, None)
    leases.release_all()
    leases.claim("process_a", [held])
    assert leases.find_holders() == []
