"""A time limit that many tasks share: each sees its own end, as with a time-out of its own."""

import asyncio

import pytest

from bus.delivery.sinks.limit import TimeLimit

SHORT, LONG = 0.02, 30.0


async def waits(limit: TimeLimit, done: asyncio.Event | None = None) -> str:
    try:
        with limit:
            await (done or asyncio.Event()).wait()
    except TimeoutError:
        return "too long"
    return "done"


async def test_whoever_takes_too_long_is_told_so_and_can_go_on():
    limit = TimeLimit(SHORT)
    assert [await waits(limit), await waits(limit)] == ["too long", "too long"]
    # Nothing of the cancelling is left over.
    await asyncio.sleep(0)


async def test_each_task_has_its_own_end():
    limit, done = TimeLimit(SHORT), asyncio.Event()
    first = [asyncio.create_task(waits(limit, done)) for _ in range(3)]
    late = asyncio.create_task(waits(limit))
    await asyncio.sleep(0)
    done.set()
    assert await asyncio.gather(*first, late) == ["done", "done", "done", "too long"]
    later = asyncio.create_task(waits(limit))
    assert await later == "too long"


async def test_who_enters_while_another_waits_gets_all_of_the_time():
    limit, loop = TimeLimit(0.1), asyncio.get_running_loop()
    first = asyncio.create_task(waits(limit))
    await asyncio.sleep(0.05)
    begun = loop.time()
    assert await waits(limit) == "too long"
    # The loop's timers may fire a little early.
    assert loop.time() - begun > 0.095
    assert await first == "too long"


async def test_what_is_in_time_passes_on_its_own_errors():
    with pytest.raises(KeyError), TimeLimit(LONG):
        raise KeyError
    with pytest.raises(TimeoutError, match="its own"), TimeLimit(LONG):
        raise TimeoutError("its own")


async def test_cancelling_a_task_is_not_taken_for_the_limit():
    task = asyncio.create_task(waits(TimeLimit(LONG)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_was_cancelled_as_well_stays_cancelled():
    limit = TimeLimit(SHORT)

    async def is_slow_to_end() -> None:
        with limit:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                await asyncio.Event().wait()

    cancelled = asyncio.Event()
    task = asyncio.create_task(is_slow_to_end())
    await cancelled.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_within_a_time_out_leaves_it_its_own():
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SHORT):
            await waits(TimeLimit(LONG))
