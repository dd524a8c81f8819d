"""Deliveries that wait for their next attempt go at once after a mend; those under way stay where they are."""

from random import Random

from bus import clock
from bus.delivery.circuit import CircuitPolicy
from bus.delivery.lane import Lane
from bus.delivery.leases import Leases
from bus.kit import Failure, Outcome
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.delivery.a_book import Book

HOUR = 3_600_000_000


def test_what_waits_in_backoff_is_due_and_what_is_leased_or_parked_is_not(storage: Storage):
    book = Book(storage, now=clock.now_micros())
    book.owe(None, None, 7, 7)
    (lease,) = book.lease(window=1, ordered=False)
    (first,) = book.load(lease)
    book.record(book.again(first, after=HOUR))
    flying, *_ = book.lease(window=2, most=1, ordered=False)
    with storage.write() as transaction:
        Leases(storage).add(transaction, [flying])
    assert book.deliveries.hasten(book.subscription, OPERATOR) >= 1
    assert book.positions(flying) == [2]
    found = {one.position: one.next_attempt for one in book.deliveries.listed([book.subscription], None, (0, 0), 10)}
    assert found[1] is not None
    assert clock.micros(found[1]) <= clock.now_micros()


def test_a_word_that_the_sink_is_mended_lets_the_next_delivery_through_and_an_old_word_does_not():
    lane = Lane(4, CircuitPolicy(threshold=1), Random(1), lambda: 10.0, hastened_at=5)
    lane.note(Outcome(Failure.SINK_DOWN))
    assert not lane.admits
    lane.hasten(5)
    assert not lane.admits
    lane.hasten(6)
    assert lane.admits
    assert not lane.is_flowing
