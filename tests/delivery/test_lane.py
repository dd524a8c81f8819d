"""A lane does the jobs of runs in their order, no more at once than it may, and none is forgotten."""

import asyncio
from functools import partial
from random import Random

import pytest

from bus.delivery.circuit import CircuitPolicy
from bus.delivery.lane import Lane


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
