"""The health of a subscription, as the outcomes of its deliveries leave it."""

import sqlalchemy as sa

from bus.delivery.health import CircuitReport, write_health
from bus.delivery.state import DeliveryState
from bus.delivery.tables import SUBSCRIPTIONS
from bus.delivery.tally import Tally
from bus.storage import Storage
from tests.delivery.a_book import Book


def a_book(storage: Storage) -> Book:
    """A book whose subscription has a row."""
    with storage.write() as transaction:
        values = {
            "id": "sub_test",
            "participant": "dinkes",
            "contracts": "[]",
            "sink": "{}",
            "filters": "[]",
            "state": "active",
            "secrets": "",
            "created_at": 0,
        }
        transaction.execute(sa.delete(SUBSCRIPTIONS))
        transaction.execute(sa.insert(SUBSCRIPTIONS).values(**values))
        number = transaction.value(sa.select(SUBSCRIPTIONS.c.number))
    return Book(storage, number=number)


def tally(book: Book) -> Tally:
    return book.deliveries.tally(book.subscription)


def test_what_waits_is_counted_with_the_oldest_and_what_was_delivered_by_the_outcomes(storage: Storage):
    book = a_book(storage)
    book.owe(*[None] * 6)
    (lease,) = book.lease(ordered=False, window=4)
    first, second, third, fourth = book.load(lease)
    book.record(book.attempt(second), book.attempt(third), book.dead(fourth), book.skipped(first))
    found = tally(book)
    assert found.counts == {"pending": 2, "delivered": 2, "dead": 1, "discarded": 1}
    assert found.oldest == 5
    assert found.count(DeliveryState.DEAD) == 1


def test_a_sink_fails_since_the_first_failure_after_the_last_success(storage: Storage):
    book = a_book(storage)
    book.owe(*[None] * 4)
    (lease,) = book.lease(ordered=False)
    first, second, third, fourth = book.load(lease)
    book.record(book.attempt(first))
    assert tally(book).health.failing_since is None
    book.now += 10
    book.record(book.again(second, after=99))
    since = tally(book).health.failing_since
    book.now += 10
    book.record(book.dead(third))
    health = tally(book).health
    assert since is not None
    assert (health.failing_since, health.failure, health.status) == (since, "transient", 500)
    assert health.failed_at is not None
    assert health.failed_at > since
    book.now += 10
    book.record(book.attempt(fourth))
    health = tally(book).health
    assert (health.failing_since, health.detail) == (None, "it failed inside")
    assert health.succeeded_at is not None


def test_a_circuit_is_open_since_it_opened_however_often_it_is_reported(storage: Storage):
    book = a_book(storage)
    book.owe(*[None] * 3)
    (lease,) = book.lease(ordered=False)
    first, second, third = book.load(lease)
    opened = {book.number: CircuitReport(is_closed=False, until=5)}
    with storage.write() as transaction:
        book.ledger.record(transaction, [book.again(first)], opened)
    since = tally(book).health.circuit_since
    assert since is not None
    with storage.write() as transaction:
        book.ledger.record(transaction, [book.again(second)], opened)
    assert tally(book).health.circuit_since == since
    # Pulls have no circuit: what they settle leaves it.
    book.record(book.attempt(third))
    assert tally(book).health.circuit_since == since
    with storage.write() as transaction:
        write_health(transaction, [], {book.number: CircuitReport(is_closed=True)})
    assert tally(book).health.circuit_since is None
