"""A lane does the jobs of runs in their order. It never does more at once than it may, and forgets none."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from random import Random

import pytest

from bus.delivery.circuit import CircuitPolicy
from bus.delivery.lane import Lane, compute_width
from bus.delivery.ledger import LeasedDelivery
from bus.delivery.run import OwedDelivery, list_candidates
from bus.kit import Failure, Outcome


def a_lane(concurrency: int = 2) -> Lane:
    return Lane(concurrency, CircuitPolicy(), Random(1))


class Sink:
    """Takes jobs and holds them until it is let go."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.go = asyncio.Event()

    async def take(self, number: int) -> None:
        self.begun.append(number)
        await self.go.wait()


async def settled() -> None:
    """Until everything that can go on has gone on; nothing here waits for time."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_more_is_in_flight_than_may_be_over_all_runs():
    lane, sink = a_lane(concurrency=3), Sink()
    runs = [asyncio.create_task(lane.make([partial(sink.take, n) for n in numbers])) for numbers in ([1, 2], [3, 4, 5])]
    await settled()
    assert sink.begun == [1, 2, 3]
    sink.go.set()
    await asyncio.gather(*runs)
    assert sink.begun == [1, 2, 3, 4, 5]


async def test_a_job_that_comes_just_as_the_last_sender_ends_is_done():
    lane, sink = a_lane(concurrency=1), Sink()
    sink.go.set()

    for number in range(50):
        async with asyncio.timeout(5):
            await lane.make([partial(sink.take, number)])
    assert sink.begun == list(range(50))


async def test_a_defect_of_one_job_is_told_to_its_run_alone():
    lane, sink = a_lane(concurrency=1), Sink()
    sink.go.set()

    async def fails() -> None:
        raise LookupError("a defect")

    bad = asyncio.create_task(lane.make([fails, partial(sink.take, 1)]))
    good = asyncio.create_task(lane.make([partial(sink.take, 2)]))
    with pytest.raises(LookupError):
        await bad
    await good
    assert 2 in sink.begun


async def test_what_nobody_has_begun_of_a_run_given_up_is_not_begun():
    lane, sink = a_lane(concurrency=1), Sink()
    run = asyncio.create_task(lane.make([partial(sink.take, n) for n in (1, 2)]))
    await settled()
    run.cancel()
    await asyncio.wait([run])
    sink.go.set()
    await settled()
    assert sink.begun == [1]


async def test_nothing_to_do_is_done():
    await a_lane().make([])


def test_a_slow_sink_gets_fewer_at_once_and_a_quick_one_more_step_by_step():
    assert compute_width(32, seconds=0.1, most=32) == 32
    assert compute_width(32, seconds=4.0, most=32) == 16
    assert compute_width(32, seconds=15.0, most=32) == 4
    assert compute_width(32, seconds=1000.0, most=32) == 1
    assert compute_width(4, seconds=0.1, most=32) == 5


async def test_a_lane_whose_sink_is_slow_sends_less_at_once_and_ends_nothing_early():
    lane, sink = a_lane(concurrency=8), Sink()
    run = asyncio.create_task(lane.make([partial(sink.take, n) for n in range(40)]))
    await settled()
    assert len(sink.begun) == 8
    lane.note(Outcome(), seconds=16.0)
    sink.go.set()
    await run
    assert sorted(sink.begun) == list(range(40))
    sink.go.clear()
    sink.begun.clear()
    run = asyncio.create_task(lane.make([partial(sink.take, n) for n in range(40)]))
    await settled()
    assert len(sink.begun) == 1
    lane.note(Outcome(), seconds=0.1)
    await settled()
    assert len(sink.begun) == 2
    sink.go.set()
    await run


def owed(*attempts: int, keys: Sequence[int | None] = ()) -> list[OwedDelivery]:
    """Deliveries at positions 1, 2, …, each tried so often."""
    every = keys or [None] * len(attempts)
    return [
        OwedDelivery(LeasedDelivery(n, key, tried, 7), 10)
        for n, (tried, key) in enumerate(zip(attempts, every, strict=True), 1)
    ]


def candidates(run: Sequence[OwedDelivery]) -> list[int]:
    return [one.leased.position for one in list_candidates(run)]


def test_what_was_tried_least_is_what_may_go_as_the_probe():
    assert candidates(owed(3, 1, 0, 0, 2)) == [3, 4]
    assert candidates(owed(3, 2, 2)) == [2, 3]


def test_what_is_behind_another_of_its_key_may_not_go_as_the_probe():
    assert candidates(owed(3, 0, 1, 0, keys=[1, 1, 2, 2])) == [3]


def test_the_oldest_delivery_was_the_probe_each_time():
    lane, run = a_lane(), owed(0, 0, 0, 0, 0)
    assert {lane.pick_probe(run).leased.position for _ in range(100)} == {1, 2, 3, 4, 5}


async def test_a_run_that_waits_for_the_circuit_is_known_until_it_goes():
    lane, now = a_lane(), time.monotonic()
    for _ in range(5):
        lane.note(Outcome(Failure.SINK_DOWN))
    waiting = asyncio.create_task(lane.wait_until_admits(now + 60))
    await settled()
    assert lane.is_awaited
    assert 0 < lane.compute_pause() <= CircuitPolicy().first + 1
    lane.note(Outcome())
    assert await waiting
    assert not lane.is_awaited
