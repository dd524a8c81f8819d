"""Handover within one process: the events come with the run, once, for a moment, and within their bytes."""

from dataclasses import dataclass

from bus.delivery.handover import Here, Loaded, Received
from bus.delivery.handover.here import FRESH_SECONDS
from bus.delivery.ledger import Lease, LeasedDelivery
from bus.journal import Entry

LEASE, OTHER = Lease(1, 1_000), Lease(1, 1_001)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def a_run(size: int = 10) -> Loaded:
    entry = Entry(1, 1, 1, "dpmptsp", None, None, 0, b"x" * size)
    return [(LeasedDelivery(1, None, 0, LEASE.due_at), entry)]


def listening(here: Here) -> list[Received]:
    received: list[Received] = []
    here.make_receiver(lambda: {1}, received.append).start()
    return received


def test_the_events_come_with_the_run_once():
    here = Here()
    received = listening(here)
    here.send(LEASE, a_run())
    assert received[0].take_loaded() == a_run()
    assert received[0].take_loaded() is None


def test_a_run_arrives_before_its_sending_ends():
    here = Here()
    received = listening(here)
    here.send(LEASE, a_run())
    assert [one.lease for one in received] == [LEASE]


def test_after_a_moment_the_events_are_to_be_read_again():
    clock = Clock()
    here = Here(clock=clock)
    received = listening(here)
    here.send(LEASE, a_run())
    clock.now = FRESH_SECONDS
    assert received[0].take_loaded() is None


def test_runs_beyond_the_bytes_come_without_their_events():
    here = Here(most_bytes=10)
    received = listening(here)
    here.send(LEASE, a_run())
    here.send(OTHER, a_run())
    assert received[1].take_loaded() is None
    assert received[0].take_loaded() == a_run()


def test_a_run_that_was_taken_makes_room():
    here = Here(most_bytes=10)
    received = listening(here)
    for lease in (LEASE, OTHER):
        here.send(lease, a_run())
        assert received[-1].take_loaded() == a_run()


def test_a_run_that_was_finished_without_its_events_makes_room():
    here = Here(most_bytes=10)
    received = listening(here)
    here.send(LEASE, a_run())
    received[0].done()
    here.send(OTHER, a_run())
    assert received[1].take_loaded() == a_run()


def test_a_run_that_nobody_listens_for_takes_no_room():
    here = Here(most_bytes=10)
    assert here.send(Lease(2, 1_000), a_run())
    received = listening(here)
    here.send(LEASE, a_run())
    assert received[0].take_loaded() == a_run()


def test_a_worker_that_stopped_receives_nothing():
    here, received = Here(), list[Received]()
    receiver = here.make_receiver(lambda: {1}, received.append)
    receiver.start()
    receiver.stop()
    here.send(LEASE, a_run())
    assert received == []
