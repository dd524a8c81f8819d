"""New deliveries that go at once, on SQLite and PostgreSQL: leased as they are made, none before an earlier one of its key."""

import pytest

from bus import clock
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.delivery.a_book import LEASE, Book

KEY, OTHER = 7, 8


@pytest.fixture
def book(storage: Storage) -> Book:
    return Book(storage)


def test_a_run_that_goes_at_once_holds_what_its_lease_names(book: Book):
    (run,) = book.begin(KEY, None)
    assert book.positions(run.lease) == [one.position for one in run.deliveries] == [1, 2]
    assert book.lease() == []


def test_its_lease_ends_as_any_other(book: Book):
    book.begin(KEY, None)
    book.now += LEASE
    assert book.handed_over() == [[1, 2]]


def test_what_goes_at_once_is_cut_into_runs(book: Book):
    assert [book.positions(run.lease) for run in book.begin(*[None] * 5, most=2)] == [[1, 2], [3, 4], [5]]


def test_no_more_than_the_window_goes_at_once(book: Book):
    assert [book.positions(run.lease) for run in book.begin(None, None, None, window=2)] == [[1, 2]]
    assert book.begin(None, None, None, None, window=2) == []


def test_what_found_no_room_is_due(book: Book):
    (run,) = book.begin(KEY, OTHER, OTHER, window=1)
    book.record(*map(book.attempt, book.load(run.lease)))
    assert book.handed_over() == [[2, 3]]


def test_a_new_delivery_waits_for_the_one_of_its_key_that_is_in_flight(book: Book):
    (first,) = book.begin(KEY)
    assert book.begin(KEY, KEY) == []
    assert book.lease() == []
    book.record(*map(book.attempt, book.load(first.lease)))
    assert book.handed_over() == [[2]]


def test_a_new_delivery_waits_for_a_dead_one_of_its_key(book: Book):
    (first,) = book.begin(KEY)
    book.record(*map(book.dead, book.load(first.lease)))
    assert book.begin(KEY, KEY) == []
    book.deliveries.redrive(book.subscription, OPERATOR)
    book.now = clock.micros(clock.now())
    assert book.handed_over() == [[1, 2]]


def test_a_new_delivery_goes_at_once_when_those_of_its_key_are_done(book: Book):
    (first,) = book.begin(KEY)
    book.record(*map(book.attempt, book.load(first.lease)))
    assert [book.positions(run.lease) for run in book.begin(KEY, KEY)] == [[2]]


def test_nothing_waits_behind_what_was_made_before_and_is_done(book: Book):
    (first,) = book.begin(KEY)
    book.record(*map(book.attempt, book.load(first.lease)))
    book.begin(KEY, KEY, most=1)
    assert book.handed_over() == [[2]]
