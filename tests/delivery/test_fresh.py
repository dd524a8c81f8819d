"""Fresh runs are there once, for a moment, and within their bytes."""

from dataclasses import dataclass

from bus.delivery.fresh import SECONDS, FreshRuns, Read
from bus.delivery.ledger import Lease, Leased
from bus.journal import Entry

LEASE = Lease(1, 1_000)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def a_run(size: int = 10) -> Read:
    entry = Entry(1, 1, 1, "dpmptsp", None, None, 0, b"x" * size)
    return [(Leased(1, None, 0, LEASE.due_at), entry)]


def test_a_run_is_there_once():
    fresh = FreshRuns()
    fresh.put(LEASE, a_run())
    assert fresh.take(LEASE) == a_run()
    assert fresh.take(LEASE) is None


def test_a_run_that_was_released_is_not_there():
    fresh = FreshRuns()
    fresh.put(LEASE, a_run())
    fresh.forget([LEASE])
    assert fresh.take(LEASE) is None


def test_after_a_moment_a_run_is_to_be_read_again():
    clock = Clock()
    fresh = FreshRuns(clock=clock)
    fresh.put(LEASE, a_run())
    clock.now = SECONDS
    assert fresh.take(LEASE) is None


def test_what_nobody_took_makes_room():
    clock = Clock()
    fresh = FreshRuns(most_bytes=10, clock=clock)
    fresh.put(LEASE, a_run())
    other = Lease(1, 1_001)
    fresh.put(other, a_run())
    assert fresh.take(other) is None
    clock.now = SECONDS
    fresh.put(other, a_run())
    assert fresh.take(other) == a_run()


def test_what_nobody_took_is_told():
    fresh = FreshRuns()
    other = Lease(1, 1_001)
    fresh.put(LEASE, a_run())
    fresh.put(other, a_run())
    fresh.take(LEASE)
    assert fresh.untaken() == [other]
