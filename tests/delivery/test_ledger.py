"""The ledger on SQLite and PostgreSQL: handing over, leases, outcomes, and what keeps a key's order."""

from collections.abc import Callable

import pytest

from bus import clock
from bus.delivery.attempts import Attempt
from bus.delivery.ledger import LeasedDelivery
from bus.delivery.relayed import read_relayed, write_relayed
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.delivery.a_book import LEASE, TICK, Book

KEY, OTHER = 7, 8


@pytest.fixture
def book(storage: Storage) -> Book:
    return Book(storage)


def test_what_is_due_is_handed_over_in_runs(book: Book):
    book.owe(*[None] * 5)
    assert book.handed_over(most=2) == [[1, 2], [3, 4], [5]]


def test_what_was_handed_over_is_not_handed_over_again_while_its_lease_holds(book: Book):
    book.owe(None)
    book.lease()
    book.now += LEASE - 2 * TICK
    assert book.lease() == []


def test_a_lease_that_ended_is_handed_over_again(book: Book):
    book.owe(None)
    book.lease()
    book.now += LEASE
    assert book.handed_over() == [[1]]


def test_a_message_that_comes_after_its_lease_finds_nothing(book: Book):
    book.owe(None)
    (first,) = book.lease()
    book.now += LEASE
    book.lease()
    assert book.load(first) == []


def test_a_message_that_comes_twice_finds_nothing_the_second_time(book: Book):
    book.owe(None)
    (lease,) = book.lease()
    book.record(*map(book.attempt, book.load(lease)))
    assert book.load(lease) == []


@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_than_the_window_is_in_flight(book: Book, ordered: bool):
    book.owe(*range(10))
    assert sum(map(len, [book.positions(lease) for lease in book.lease(window=4, ordered=ordered)])) == 4
    assert book.lease(window=4, ordered=ordered) == []


def test_what_the_broker_did_not_take_is_due_again_at_once(book: Book):
    book.owe(None)
    book.release(*book.lease())
    assert book.handed_over() == [[1]]


def test_a_failed_delivery_waits_for_its_moment(book: Book):
    book.owe(None)
    (lease,) = book.lease()
    book.record(book.again(book.load(lease)[0], after=2 * TICK))
    assert book.lease() == []
    book.now += TICK
    assert book.handed_over() == [[1]]


def test_a_key_is_in_one_run_even_when_others_lie_between(book: Book):
    book.owe(KEY, OTHER, KEY, OTHER, KEY)
    runs = book.handed_over(most=3)
    assert sorted(runs) == [[1, 3, 5], [2, 4]]


def test_a_chain_is_no_longer_than_a_run(book: Book):
    book.owe(*[KEY] * 5)
    assert book.handed_over(most=2) == [[1, 2]]


def test_an_event_that_comes_behind_one_in_flight_waits_for_it(book: Book):
    book.owe(KEY)
    (lease,) = book.lease()
    book.owe(KEY, KEY)
    assert book.lease() == []
    book.record(*map(book.attempt, book.load(lease)))
    assert book.handed_over() == [[2]]


def test_a_dead_delivery_holds_up_its_own_key_alone(book: Book):
    book.owe(KEY, OTHER, KEY, OTHER)
    (lease,) = book.lease()
    poison, first, behind, second = book.load(lease)
    book.record(book.dead(poison), book.parked(behind), book.attempt(first), book.attempt(second))
    book.now += 10 * LEASE
    assert book.lease() == []
    assert book.states() == ["dead", "delivered", "pending", "delivered"]


def test_a_redriven_delivery_takes_along_what_waited_behind_it(book: Book):
    book.owe(KEY, KEY)
    (lease,) = book.lease()
    poison, behind = book.load(lease)
    book.record(book.dead(poison), book.parked(behind))
    assert book.deliveries.redrive(book.subscription, OPERATOR) == 1
    book.now = clock.micros(clock.now())
    assert book.handed_over() == [[1, 2]]


def test_discarding_a_dead_delivery_lets_the_next_go(book: Book):
    book.owe(KEY, KEY)
    (lease,) = book.lease()
    poison, behind = book.load(lease)
    book.record(book.dead(poison), book.parked(behind))
    book.deliveries.discard(book.subscription, 1, OPERATOR)
    book.now = clock.micros(clock.now())
    assert book.handed_over() == [[2]]


def test_discarding_what_is_in_flight_strands_nothing_behind_it(book: Book):
    book.owe(KEY, KEY)
    (lease,) = book.lease()
    first, behind = book.load(lease)
    book.deliveries.discard(book.subscription, 1, OPERATOR)
    book.record(book.again(first), book.parked(behind))
    assert book.handed_over() == [[2]]


def test_a_worker_that_outlived_its_lease_strands_nothing(book: Book):
    book.owe(KEY, KEY)
    (late,) = book.lease()
    first, behind = book.load(late)
    book.now += LEASE
    (lease,) = book.lease()
    mine, failed = book.load(lease)
    book.record(book.attempt(mine), book.again(failed, after=10))
    book.record(book.again(first), book.parked(behind))
    book.now += 10
    assert book.handed_over() == [[2]]


@pytest.mark.parametrize("outcome", [Book.again, Book.dead, Book.released, Book.parked, Book.skipped])
def test_what_is_no_success_changes_nothing_in_a_later_run(
    book: Book, outcome: Callable[[Book, LeasedDelivery], Attempt]
):
    book.owe(KEY)
    (late,) = book.lease()
    (head,) = book.load(late)
    book.owe(KEY, KEY)
    assert book.lease() == []
    book.now += LEASE
    (lease,) = book.lease()
    book.record(outcome(book, head))
    # Without the head, what went along would be sent first.
    assert [(one.position, one.attempts) for one in book.load(lease)] == [(1, 0), (2, 0)]
    assert (book.states(), book.failures()) == (["pending", "pending"], [])


@pytest.mark.parametrize("outcome", [Book.again, Book.dead])
def test_a_failure_counts_after_its_lease_while_there_is_no_other(
    book: Book, outcome: Callable[[Book, LeasedDelivery], Attempt]
):
    book.owe(None)
    (lease,) = book.lease()
    (one,) = book.load(lease)
    book.now += 2 * LEASE
    book.record(outcome(book, one))
    assert book.failures() == [(1, 1)]


def test_a_late_failure_leaves_alone_what_was_redriven(book: Book):
    book.owe(None)
    (late,) = book.lease()
    (one,) = book.load(late)
    book.record(book.dead(one))
    book.deliveries.redrive(book.subscription, OPERATOR)
    book.record(book.dead(one))
    assert book.states() == ["pending"]


def test_a_late_success_counts_though_a_later_run_gave_up(book: Book):
    book.owe(None)
    (late,) = book.lease()
    (through,) = book.load(late)
    book.now += LEASE
    (lease,) = book.lease()
    (given_up,) = book.load(lease)
    book.record(book.dead(given_up))
    assert book.states() == ["dead"]
    book.record(book.attempt(through))
    assert book.states() == ["delivered"]


def test_what_a_failure_parks_behind_a_late_success_is_not_stranded(book: Book):
    book.owe(KEY)
    (late,) = book.lease()
    (through,) = book.load(late)
    book.owe(KEY, KEY)
    book.now += LEASE
    (lease,) = book.lease()
    failed, behind = book.load(lease)
    book.record(book.attempt(through))
    book.record(book.again(failed), book.parked(behind))
    assert book.handed_over() == [[2]]


@pytest.mark.parametrize("key", [None, KEY])
def test_what_was_discarded_in_flight_stays_discarded(book: Book, key: int | None):
    book.owe(key)
    (lease,) = book.lease()
    (one,) = book.load(lease)
    book.deliveries.discard(book.subscription, 1, OPERATOR)
    book.record(book.again(one))
    assert (book.states(), book.failures()) == (["discarded"], [])


def test_a_failure_that_came_too_late_leaves_no_attempt(book: Book):
    book.owe(None)
    (lease,) = book.lease()
    (one,) = book.load(lease)
    book.record(book.attempt(one))
    book.record(book.again(one))
    assert (book.states(), book.failures()) == (["delivered"], [])


def test_attempts_are_counted_on_after_a_redrive(book: Book):
    book.owe(None)
    for _ in range(2):
        (lease,) = book.lease()
        book.record(book.dead(book.load(lease)[0]))
        book.deliveries.redrive(book.subscription, OPERATOR)
        book.now = clock.micros(clock.now())
    assert book.failures() == [(1, 1), (1, 2)]


def test_a_delivery_is_made_once(book: Book):
    book.owe(None)
    (lease,) = book.lease()
    book.record(*map(book.attempt, book.load(lease)))
    book.owe(None)
    assert book.lease() == []


def test_a_replay_makes_what_is_over_again_and_leaves_what_is_in_flight(book: Book):
    book.owe(None)
    (lease,) = book.lease()
    book.record(*map(book.attempt, book.load(lease)))
    book.owe(None, None)
    (flying,) = book.lease()
    book.owe(None, None, again=True)
    assert book.handed_over() == [[1]]
    assert book.positions(flying) == [2]


def test_a_retry_of_what_is_in_flight_takes_along_what_goes_behind_it(book: Book):
    book.owe(KEY, KEY, OTHER)
    (lease,) = book.lease()
    book.deliveries.retry(book.subscription, 1, OPERATOR)
    assert book.positions(lease) == [3]
    book.now = clock.micros(clock.now())
    assert book.handed_over(most=2) == [[1, 2], [3]]


def test_a_retry_of_what_waits_behind_one_in_flight_lets_it_wait(book: Book):
    book.now = clock.micros(clock.now())
    book.owe(KEY, KEY, KEY)
    (lease,) = book.lease(window=1)
    book.deliveries.retry(book.subscription, 2, OPERATOR)
    book.now = clock.micros(clock.now())
    assert book.lease() == []
    assert book.positions(lease) == [1]


def test_a_replay_leaves_a_later_run_of_its_key_whole(book: Book):
    book.owe(KEY, KEY, KEY)
    book.deliveries.discard(book.subscription, 1, OPERATOR)
    (later,) = book.lease()
    book.owe(KEY, again=True)
    (replayed,) = book.lease()
    assert book.positions(replayed) == [1]
    assert book.positions(later) == [2, 3]


def test_how_far_the_journal_was_fanned_out_is_kept(book: Book):
    with book.storage.write() as transaction:
        before = read_relayed(transaction)
        write_relayed(transaction, 41)
        write_relayed(transaction, 42)
    with book.storage.read() as transaction:
        assert (before, read_relayed(transaction)) == (0, 42)
