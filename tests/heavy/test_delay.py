"""The watchdog of the event loop."""

import asyncio
import threading
from collections.abc import Callable

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bus.heavy.delay import LoopDelay


def _looks(bucket: str) -> float:
    return REGISTRY.get_sample_value("bus_loop_delay_seconds_bucket", {"le": bucket}) or 0.0


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the loop that is watched has to go round
            await asyncio.sleep(0.002)


async def test_a_loop_that_is_held_is_measured_and_the_operator_is_told_once() -> None:
    late = _looks("+Inf") - _looks("0.05")
    watching = asyncio.ensure_future(LoopDelay(look=0.005, late=0.05, tell=100).follow())
    with capture_logs() as lines:
        for _ in range(2):
            before = _looks("+Inf")
            await _until(lambda before=before: _looks("+Inf") > before)
            threading.Event().wait(0.1)
        await _until(lambda: _looks("+Inf") - _looks("0.05") >= late + 2)
    watching.cancel()
    assert [line["event"] for line in lines] == ["loop.held"]
    assert lines[0]["seconds"] >= 0.05


async def test_a_loop_that_goes_on_is_measured_too() -> None:
    before = _looks("+Inf")
    watching = asyncio.ensure_future(LoopDelay(look=0.001).follow())
    await _until(lambda: _looks("+Inf") > before + 3)
    watching.cancel()
