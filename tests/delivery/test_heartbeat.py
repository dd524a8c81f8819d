"""Heartbeats: who is taken for dead, and who stops before that."""

from dataclasses import dataclass

from bus.delivery.heartbeat import Heartbeat, Pulse, beats
from bus.storage import Storage


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def observed(pulse: Pulse, clock: Clock, beats: list[int], process: str = "process_a") -> list[list[str]]:
    """What the pulse says of a process, second by second."""
    said: list[list[str]] = []
    for beat in beats:
        clock.now += 1
        said.append(pulse.stopped([process], {process: beat}))
    return said


def test_a_process_whose_heartbeat_changes_lives_whatever_its_clock_says():
    clock = Clock()
    assert observed(Pulse(clock), clock, [5, 5, 6, 6, 7, 7] * 5) == [[]] * 30


def test_a_process_whose_heartbeat_stopped_is_dead_within_seconds():
    clock = Clock()
    said = observed(Pulse(clock), clock, [5] * 12)
    assert said[:10] == [[]] * 10
    assert said[10:] == [["process_a"]] * 2


def test_a_process_without_a_heartbeat_is_dead_too():
    clock = Clock()
    pulse = Pulse(clock)
    for _ in range(11):
        clock.now += 1
        said = pulse.stopped(["process_a"], {})
    assert said == ["process_a"]


def test_an_observer_that_was_away_takes_nobody_for_dead():
    clock = Clock()
    pulse = Pulse(clock)
    observed(pulse, clock, [5])
    clock.now += 60
    assert observed(pulse, clock, [5]) == [[]]


def test_a_process_stops_sending_before_others_take_it_for_dead(storage: Storage):
    clock = Clock()
    heartbeat = Heartbeat(storage, ["worker"], "process_a", clock)
    heartbeat.beat()
    observer = Clock()
    pulse = Pulse(observer)
    while not pulse.stopped(["process_a"], beats(storage)):
        observer.now += 1
        clock.now += 1
    assert not heartbeat.is_regular


def test_a_process_that_could_beat_again_goes_on(storage: Storage):
    clock = Clock()
    heartbeat = Heartbeat(storage, ["worker"], "process_a", clock)
    clock.now += 60
    assert not heartbeat.is_regular
    heartbeat.beat()
    assert heartbeat.is_regular
