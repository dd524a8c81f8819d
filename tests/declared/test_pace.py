"""The pace: requests are spread, and a day's requests end at midnight in WIB."""

import asyncio
from datetime import UTC, datetime

import pytest

from bus.declared.document import Limits
from bus.declared.pace import DayUsedUp, Pace
from bus.kit import QuotaExhausted

EVENING = datetime(2026, 3, 1, 16, 59, 50, tzinfo=UTC)
"""Ten seconds before midnight in Lamongan."""


def limits(**given: float) -> Limits:
    return Limits.model_validate(given)


async def test_requests_are_spread_evenly():
    waits, time = list[float](), [100.0]

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))

    pace = Pace("Badan", limits(requests_per_second=2), clock=lambda: time[0], sleep=sleep)
    for moved in (0.0, 0.0, 0.2, 5.0):
        time[0] += moved
        async with pace.hold():
            pass
    # The third comes 0.2 s after the second asked; the fourth long after.
    assert waits == [0.0, 0.5, 0.8, 0.0]


async def test_only_so_many_requests_are_under_way():
    pace, under_way, most = Pace("Badan", limits(at_once=2)), 0, 0

    async def request() -> None:
        nonlocal under_way, most
        async with pace.hold():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(request() for _ in range(6)))
    assert most == 2


async def test_a_day_ends_at_midnight_in_wib():
    moment = [EVENING]
    pace = Pace("Badan", limits(requests_per_day=1), now=lambda: moment[0])
    async with pace.hold():
        pass
    with pytest.raises(DayUsedUp) as used_up:
        async with pace.hold():
            pass
    assert used_up.value.retry_after == 11.0
    refusal = used_up.value.to_refusal()
    assert isinstance(refusal, QuotaExhausted)
    assert refusal.headers["Retry-After"] == "11"
    moment[0] = datetime(2026, 3, 1, 17, 0, 1, tzinfo=UTC)
    async with pace.hold():
        pass
