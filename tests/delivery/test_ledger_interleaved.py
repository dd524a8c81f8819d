"""Relay, workers, owner, time and crashes in any order, on the real ledger: nothing is lost, and each key keeps its order."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus import clock
from bus.delivery.ledger import Attempt, Lease, Leased
from bus.storage import Storage
from tests.delivery.a_book import LEASE, Book


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


STEPS = ["lease", "lease", "make", "make", "record", "record", "wait", "crash", "discard", "come", "begin"]
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
            made.append(make(book, sink, items, partial(bool, number == 0)))
        elif step == "record" and made:
            if attempts := made.pop(number % len(made)):
                book.record(*attempts)
        elif step == "crash":
            handed_over, made = handed_over[1:], made[1:]
        elif step == "wait":
            book.now += LEASE // (1 + number)
        elif step == "come":
            book.owe(*sink.keys)
        elif step == "begin":
            begun = book.begin(*sink.keys[: max(owed, number)], window=6, most=1 + number % 4)
            handed_over += [run.lease for run in begun]
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


def test_a_relay_and_workers_side_by_side_deliver_all_in_order(storage: Storage):
    book = Book(storage)
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
