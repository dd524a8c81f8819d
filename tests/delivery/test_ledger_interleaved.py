"""Relay, workers, owner, time and crashes in any order, on the real ledger: nothing is lost, and each key keeps its order."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from itertools import chain, repeat
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus import clock
from bus.delivery.attempts import Attempt
from bus.delivery.ledger import Lease, LeasedDelivery
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.delivery.a_book import LEASE, TICK, Book


class Answer(Enum):
    """What comes of trying to send."""

    TAKES = auto()
    FAILS = auto()
    NOT_ASKED = auto()
    """There was no time left."""


@dataclass
class Sink:
    """A sink that remembers what it was sent; `poison` positions it never takes, and of `hidden` ones its view shows nothing."""

    keys: Sequence[int | None]
    poison: set[int] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
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


def make(book: Book, sink: Sink, items: Iterable[LeasedDelivery], answers: Iterator[Answer]) -> list[Attempt]:
    """Make a run as the worker does: chains in their order, the rest of one parked where an item fails or time is up."""
    attempts: list[Attempt] = []
    held: set[int | None] = set()
    for item in items:
        if item.key in held:
            attempts.append(book.parked(item))
        elif item.position in sink.hidden:
            sink.given_up.add(item.position)
            attempts.append(book.skipped(item))
        elif (answer := next(answers)) is Answer.NOT_ASKED:
            attempts.append(book.released(item))
            held |= {item.key} - {None}
        elif sink.send(item.position, fails=answer is Answer.FAILS):
            attempts.append(book.attempt(item))
        else:
            is_poison = item.position in sink.poison
            attempts.append(book.dead(item) if is_poison else book.again(item, after=LEASE // 4))
            held |= {item.key} - {None}
    return attempts


class World:
    """Relay, workers, owner and time: each step is what one of them does, with a number that chooses how."""

    def __init__(self, book: Book, sink: Sink) -> None:
        self.book = book
        self.sink = sink
        self.owed = max(1, len(sink.keys) // 2)
        self.messages: list[Lease] = []
        self.unwritten: list[Callable[[], None]] = []
        # Ahead of the owner's clock, which is the real one: what becomes due by them is due.
        book.now = clock.micros(clock.now()) + 3_600_000_000
        book.owe(*sink.keys[: self.owed])

    def lease(self, number: int) -> None:
        self.messages += self.book.lease(window=6, most=1 + number % 4)

    def begin(self, number: int) -> None:
        begun = self.book.begin(*self.sink.keys[: max(self.owed, number)], window=6, most=1 + number % 4)
        self.messages += [run.lease for run in begun]

    def come(self, number: int) -> None:
        self.book.owe(*self.sink.keys)

    def refuse(self, number: int) -> None:
        """The broker does not take a run."""
        for lease in self._message(number):
            self.book.release(lease)

    def redeliver(self, number: int) -> None:
        """The broker brings a message twice."""
        for lease in self._message(number):
            self.messages += [lease, lease]

    def make(self, number: int) -> None:
        for lease in self._message(number):
            self._later(*make(self.book, self.sink, self.book.load(lease), self._answers(lease, number)))

    def give_back(self, number: int) -> None:
        """A worker does not begin a run, since its subscription is paused."""
        for lease in self._message(number):
            self._later(*map(self.book.released, self.book.load(lease)))

    def break_off(self, number: int) -> None:
        """A worker that stops writes what it knows, one chain, and gives back the rest."""
        for lease in self._message(number):
            items = self.book.load(lease)
            begun = [item for item in items if item.key == items[0].key]
            self._later(*make(self.book, self.sink, begun, self._answers(lease, number)))
            self.unwritten.append(partial(self.book.release, lease))

    def write(self, number: int) -> None:
        if self.unwritten:
            self.unwritten.pop(number % len(self.unwritten))()

    def crash(self, number: int) -> None:
        del self.messages[:1], self.unwritten[:1]

    def wait(self, number: int) -> None:
        self.book.now += TICK // 2 + (LEASE if number < 5 else LEASE // 4)

    def discard(self, number: int) -> None:
        if number < self.owed and self.book.states()[number] in ("pending", "dead"):
            self.book.deliveries.discard(self.book.subscription, number + 1, OPERATOR)
            self.sink.given_up.add(number + 1)

    def redrive(self, number: int) -> None:
        self.book.deliveries.redrive(self.book.subscription, OPERATOR)

    def retry(self, number: int) -> None:
        if number < self.owed:
            self.book.deliveries.retry(self.book.subscription, number + 1, OPERATOR)

    def replay(self, number: int) -> None:
        self.book.owe(*self.sink.keys[: min(number, self.owed)], again=True)

    def _message(self, number: int) -> list[Lease]:
        return [self.messages.pop(number % len(self.messages))] if self.messages else []

    def _answers(self, lease: Lease, number: int) -> Iterator[Answer]:
        """A sink that is down, that fails once, that is not asked any more, or that takes everything."""
        if self.book.now >= lease.due_at:
            # Nothing is begun that could outlast its lease.
            return repeat(Answer.NOT_ASKED)
        if number == 0:
            return repeat(Answer.FAILS)
        if number < 4:
            return chain(repeat(Answer.TAKES, number - 1), [Answer.FAILS], repeat(Answer.TAKES))
        if number < 7:
            return chain(repeat(Answer.TAKES, number - 4), repeat(Answer.NOT_ASKED))
        return repeat(Answer.TAKES)

    def _later(self, *attempts: Attempt) -> None:
        if attempts:
            self.unwritten.append(partial(self.book.record, *attempts))


def settle(book: Book, sink: Sink) -> None:
    """Let nothing go wrong any more, until nothing is due however long one waits."""
    for _ in range(200):
        book.now = max(book.now, clock.micros(clock.now())) + 2 * LEASE
        leases = book.lease()
        if not leases:
            return
        for lease in leases:
            book.record(*make(book, sink, book.load(lease), repeat(Answer.TAKES)))
    raise AssertionError("there is always something due")


OFTEN = ["lease", "make", "write", "wait"]
SELDOM = ["begin", "come", "refuse", "redeliver", "give_back", "break_off", "crash", "discard"]
SELDOM += ["redrive", "retry", "replay"]
some_positions = st.sets(st.integers(1, 14), max_size=2)
an_example = st.tuples(
    st.lists(st.sampled_from([1, 1, 2, None]), min_size=1, max_size=14),
    some_positions,
    some_positions,
    st.lists(st.tuples(st.sampled_from(OFTEN * 4 + SELDOM), st.integers(0, 9)), min_size=50, max_size=100),
)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(an_example)
def test_whatever_happens_all_is_delivered_and_each_key_in_its_order(
    storage: Storage, example: tuple[list[int | None], set[int], set[int], list[tuple[str, int]]]
):
    keys, poison, hidden, steps = example
    everything = set(range(1, len(keys) + 1))
    book, sink = Book(storage), Sink(keys, poison & everything - hidden, hidden)
    world = World(book, sink)
    for step, number in steps:
        getattr(world, step)(number)
    book.owe(*keys)
    settle(book, sink)
    held = {p for p in sink.poison if book.states()[p - 1] != "discarded"}
    waiting = {p for p in everything if any(keys[h - 1] == keys[p - 1] is not None and h < p for h in held)}
    assert everything - held - waiting <= set(sink.taken) | sink.given_up
    sink.poison.clear()
    book.deliveries.redrive(book.subscription, OPERATOR)
    settle(book, sink)
    assert everything <= set(sink.taken) | sink.given_up
    assert set(book.states()) <= {"delivered", "discarded"}


def test_a_relay_and_workers_side_by_side_deliver_all_in_order(storage: Storage):
    book = Book(storage)
    keys = [Random(3).randint(1, 12) for _ in range(200)]
    sink, lock, random = Sink(keys), threading.Lock(), Random(4)
    messages: queue.SimpleQueue[Lease | None] = queue.SimpleQueue()
    moody = iter(lambda: Answer.FAILS if random.random() < 0.03 else Answer.TAKES, None)
    wrong: list[Exception] = []

    def work() -> None:
        while (lease := messages.get()) is not None:
            try:
                with lock:
                    attempts = make(book, sink, book.load(lease), moody)
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
