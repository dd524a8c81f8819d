"""The ledger on SQLite and PostgreSQL: handing over, leases, outcomes, and what keeps a key's order."""

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import cast

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus import clock
from bus.delivery.deliveries import Deliveries
from bus.delivery.ledger import (
    Attempt,
    DeliveryState,
    Lease,
    Leased,
    Ledger,
    NewDelivery,
    relayed,
    set_relayed,
)
from bus.delivery.ordering import PARKED
from bus.delivery.subscriptions import Subscription
from bus.delivery.tables import ATTEMPTS, DELIVERIES
from bus.storage import Storage

LEASE = 1_000_000
TICK = 100
"""Microseconds between two looks of the relay, which has to read the database for each: no two leases end at once."""

KEY, OTHER = 7, 8
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Named:
    """As much of a subscription as deliveries ask for."""

    number: int
    id: str = "sub_test"


@dataclass
class Book:
    """The ledger of one subscription, with a clock that stands still."""

    storage: Storage
    number: int = field(default_factory=lambda: next(_numbers))
    now: int = 1_000_000

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.storage)
        self.deliveries = Deliveries(self.storage)

    @property
    def subscription(self) -> Subscription:
        return cast("Subscription", Named(self.number))

    def owe(self, *keys: int | None, again: bool = False) -> None:
        """Owe deliveries at positions 1, 2, …, one for each key."""
        made = [NewDelivery(self.number, position, key) for position, key in enumerate(keys, 1)]
        with self.storage.write() as connection:
            self.ledger.add(connection, made, self.now, again=again)

    def lease(self, window: int = 100, most: int = 10, *, ordered: bool = True) -> list[Lease]:
        self.now += TICK
        return self.ledger.lease(self.number, self.now, self.now + LEASE, window, most, ordered=ordered)

    def load(self, lease: Lease) -> list[Leased]:
        with self.storage.read() as connection:
            return self.ledger.leased(connection, lease)

    def positions(self, lease: Lease) -> list[int]:
        return [one.position for one in self.load(lease)]

    def handed_over(self, **how: int) -> list[list[int]]:
        return [self.positions(lease) for lease in self.lease(**how)]

    def record(self, *attempts: Attempt) -> None:
        with self.storage.write() as connection:
            self.ledger.record(connection, attempts)

    def attempt(
        self, leased: Leased, state: DeliveryState = DeliveryState.DELIVERED, due_at: int | None = None
    ) -> Attempt:
        """What became of a delivery: by default it was delivered."""
        failure = None if state is DeliveryState.DELIVERED else "transient"
        return Attempt(
            subscription=self.number,
            position=leased.position,
            key=leased.key,
            number=leased.attempts + 1,
            state=state,
            due_at=due_at,
            at=self.now,
            failure=failure,
            status=200 if failure is None else 500,
            detail="" if failure is None else "it failed inside",
            duration_ms=3,
        )

    def again(self, leased: Leased, after: int = 0) -> Attempt:
        """It failed, and is due again after some microseconds."""
        return self.attempt(leased, DeliveryState.PENDING, self.now + after)

    def dead(self, leased: Leased) -> Attempt:
        return self.attempt(leased, DeliveryState.DEAD)

    def parked(self, leased: Leased) -> Attempt:
        """It was not tried, since an earlier one of its key failed."""
        untried = (leased.attempts, DeliveryState.PENDING, PARKED, self.now, None, None, "", 0)
        return Attempt(self.number, leased.position, leased.key, *untried)

    def states(self) -> list[str]:
        wanted = sa.select(DELIVERIES.c.state).where(DELIVERIES.c.subscription == self.number)
        with self.storage.read() as connection:
            rows = connection.execute(wanted.order_by(DELIVERIES.c.position))
            return [DeliveryState(row.state).name.lower() for row in rows]

    def failures(self) -> list[tuple[int, int]]:
        """(position, number) of each attempt that failed."""
        wanted = sa.select(ATTEMPTS.c.position, ATTEMPTS.c.number).where(ATTEMPTS.c.subscription == self.number)
        with self.storage.read() as connection:
            return [(row.position, row.number) for row in connection.execute(wanted)]


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
    book.ledger.release(book.lease(), book.now)
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
    assert book.deliveries.redrive(book.subscription) == 1
    book.now = clock.micros(clock.now())
    assert book.handed_over() == [[1, 2]]


def test_discarding_a_dead_delivery_lets_the_next_go(book: Book):
    book.owe(KEY, KEY)
    (lease,) = book.lease()
    poison, behind = book.load(lease)
    book.record(book.dead(poison), book.parked(behind))
    book.deliveries.discard(book.subscription, 1)
    book.now = clock.micros(clock.now())
    assert book.handed_over() == [[2]]


def test_discarding_what_is_in_flight_strands_nothing_behind_it(book: Book):
    book.owe(KEY, KEY)
    (lease,) = book.lease()
    first, behind = book.load(lease)
    book.deliveries.discard(book.subscription, 1)
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


def test_a_delivery_that_got_through_is_delivered_whatever_a_late_worker_says(book: Book):
    book.owe(None)
    (late,) = book.lease()
    (given_up,) = book.load(late)
    book.now += LEASE
    (lease,) = book.lease()
    (mine,) = book.load(lease)
    book.record(book.dead(given_up))
    book.record(book.attempt(mine))
    book.record(book.dead(given_up))
    assert book.states() == ["delivered"]


def test_a_failure_that_came_too_late_leaves_no_attempt(book: Book):
    book.owe(None)
    (lease,) = book.lease()
    (one,) = book.load(lease)
    book.record(book.attempt(one))
    book.record(book.again(one))
    assert book.failures() == []


def test_attempts_are_counted_on_after_a_redrive(book: Book):
    book.owe(None)
    for _ in range(2):
        (lease,) = book.lease()
        book.record(book.dead(book.load(lease)[0]))
        book.deliveries.redrive(book.subscription)
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


def test_how_far_the_journal_was_fanned_out_is_kept(book: Book):
    with book.storage.write() as connection:
        before = relayed(connection)
        set_relayed(connection, 41)
        set_relayed(connection, 42)
    with book.storage.read() as connection:
        assert (before, relayed(connection)) == (0, 42)


@dataclass
class Sink:
    """A sink that remembers what it was sent; `poison` positions it never takes."""

    keys: Sequence[int | None]
    poison: set[int]
    given_up: set[int] = field(default_factory=set)
    taken: list[int] = field(default_factory=list)

    def send(self, position: int, *, fails: bool) -> bool:
        """Whether the sink took an event; every earlier one of its key must have come, or been given up."""
        key = self.keys[position - 1]
        earlier = {p for p in range(1, position) if key is not None and self.keys[p - 1] == key}
        missing = earlier - set(self.taken) - self.given_up
        assert not missing, f"{position} came before {missing} of the same key"
        if fails or position in self.poison:
            return False
        self.taken.append(position)
        return True


def make(book: Book, sink: Sink, items: Iterable[Leased], fails: Callable[[], bool]) -> list[Attempt]:
    """Make a run as the worker does: chains in their order, the rest of one parked where an item fails."""
    attempts: list[Attempt] = []
    held: set[int] = set()
    for item in items:
        if item.key in held:
            attempts.append(book.parked(item))
        elif sink.send(item.position, fails=fails()):
            attempts.append(book.attempt(item))
        else:
            is_poison = item.position in sink.poison
            attempts.append(book.dead(item) if is_poison else book.again(item, after=LEASE // 4))
            if item.key is not None:
                held.add(item.key)
    return attempts


STEPS = ["lease", "lease", "make", "make", "record", "record", "wait", "crash", "discard", "come"]
an_example = st.tuples(
    st.lists(st.sampled_from([None, 1, 2, 3]), min_size=1, max_size=14),
    st.sets(st.integers(1, 14), max_size=2),
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9)), max_size=50),
)
few = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def play(book: Book, sink: Sink, steps: Iterable[tuple[str, int]]) -> None:
    """Let relay, workers, owner and time act in any order, crashes and late outcomes included."""
    owed = max(1, len(sink.keys) // 2)
    book.owe(*sink.keys[:owed])
    handed_over: list[Lease] = []
    made: list[list[Attempt]] = []
    for step, number in steps:
        if step == "lease":
            handed_over += book.lease(window=6, most=1 + number % 4)
        elif step == "make" and handed_over:
            items = book.load(handed_over.pop(number % len(handed_over)))
            made.append(make(book, sink, items, lambda number=number: number == 0))
        elif step == "record" and made:
            if attempts := made.pop(number % len(made)):
                book.record(*attempts)
        elif step == "crash":
            handed_over, made = handed_over[1:], made[1:]
        elif step == "wait":
            book.now += LEASE // (1 + number)
        elif step == "come":
            book.owe(*sink.keys)
        elif step == "discard" and number < owed and book.states()[number] in ("pending", "dead"):
            book.deliveries.discard(book.subscription, number + 1)
            sink.given_up.add(number + 1)
    book.owe(*sink.keys)


def settle(book: Book, sink: Sink) -> None:
    """Let nothing go wrong any more, until nothing is due however long one waits."""
    for _ in range(200):
        book.now = max(book.now, clock.micros(clock.now())) + 2 * LEASE
        leases = book.lease()
        if not leases:
            return
        for lease in leases:
            book.record(*make(book, sink, book.load(lease), lambda: False))
    raise AssertionError("there is always something due")


@few
@given(an_example)
def test_whatever_happens_all_is_delivered_and_each_key_in_its_order(
    storage: Storage, example: tuple[list[int | None], set[int], list[tuple[str, int]]]
):
    keys, poison, steps = example
    book, sink = Book(storage), Sink(keys, poison & set(range(1, len(keys) + 1)))
    everything = set(range(1, len(keys) + 1))
    play(book, sink, steps)
    settle(book, sink)
    held = sink.poison - sink.given_up
    waiting = {p for p in everything if any(keys[h - 1] == keys[p - 1] is not None and h < p for h in held)}
    assert everything - held - waiting <= set(sink.taken) | sink.given_up
    sink.poison.clear()
    book.deliveries.redrive(book.subscription)
    settle(book, sink)
    assert everything <= set(sink.taken) | sink.given_up
    assert set(book.states()) <= {"delivered", "discarded"}


def test_a_relay_and_workers_side_by_side_deliver_all_in_order(book: Book):
    keys = [Random(3).randint(1, 12) for _ in range(200)]
    sink, lock, random = Sink(keys, set()), threading.Lock(), Random(4)
    messages: queue.SimpleQueue[Lease | None] = queue.SimpleQueue()
    wrong: list[Exception] = []

    def work() -> None:
        while (lease := messages.get()) is not None:
            try:
                with lock:
                    attempts = make(book, sink, book.load(lease), lambda: random.random() < 0.03)
                if attempts:
                    book.record(*attempts)
            except Exception as error:  # noqa: BLE001 - handed to the test
                wrong.append(error)
                return

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    deadline = time.monotonic() + 60
    try:
        for start in range(0, len(keys), 50):
            book.owe(*keys[: start + 50])
        while set(book.states()) != {"delivered"} and not wrong and time.monotonic() < deadline:
            book.now = clock.micros(clock.now())
            for lease in book.lease(window=60, most=20):
                messages.put(lease)
    finally:
        for _ in workers:
            messages.put(None)
        for worker in workers:
            worker.join()
    assert not wrong
    assert set(book.states()) == {"delivered"}
