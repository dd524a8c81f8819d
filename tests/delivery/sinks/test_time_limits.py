"""A request that takes too long is ended; others are not touched."""

import asyncio

import pytest

from bus.delivery.sinks.time_limits import TimeLimits


async def request(limits: TimeLimits, answered: asyncio.Event) -> None:
    async with asyncio.timeout(None) as limit:
        limits.add(limit)
        try:
            await answered.wait()
        finally:
            limits.remove(limit)


async def test_a_request_that_takes_too_long_ends_with_a_timeout():
    with pytest.raises(TimeoutError):
        await request(TimeLimits(0.05), asyncio.Event())


async def test_a_later_request_outlives_an_earlier_one_that_took_too_long():
    limits, answered = TimeLimits(0.2), asyncio.Event()
    early = asyncio.create_task(request(limits, asyncio.Event()))
    await asyncio.sleep(0.15)
    late = asyncio.create_task(request(limits, answered))
    await asyncio.wait([early])
    assert isinstance(early.exception(), TimeoutError)
    assert not late.done()
    answered.set()
    await late


async def test_a_request_that_was_cancelled_is_cancelled_and_not_late():
    limits = TimeLimits(60)
    cancelled = asyncio.create_task(request(limits, asyncio.Event()))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    assert cancelled.cancelled()


async def test_no_timer_runs_when_nothing_is_asked():
    limits, answered = TimeLimits(0.05), asyncio.Event()
    answered.set()
    await request(limits, answered)
    async with asyncio.timeout(10):
        while limits._timer is not None:  # noqa: ASYNC110 - the timer tells nobody of its end
            await asyncio.sleep(0)
