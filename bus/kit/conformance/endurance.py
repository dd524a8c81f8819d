"""Time-outs, cancellation, broken sockets, many calls at once, a clock that jumps, and a foreign proxy."""

import asyncio
import time
from datetime import datetime, timedelta, tzinfo
from typing import Final, Self

import pytest

from bus.kit.conformance.broken_agency import MANNERS, BrokenAgency
from bus.kit.conformance.case import AdapterCase, run
from bus.kit.conformance.running_agency import RunningAgency
from bus.kit.failure import Failure
from bus.kit.operation import Does

_AT_ONCE: Final = 30
_SHORT: Final = 0.1
"""A time-out in seconds, to spare the suite the wait."""


class EnduranceTests(AdapterCase):
    """An agency, its network and its machine do what they like."""

    @pytest.mark.parametrize("manner", MANNERS)
    def test_a_broken_connection_is_waited_out(self, operation: str, manner: str) -> None:
        """The connection is half closed, silent, full of nonsense, or gone."""

        async def check(address: str) -> None:
            async with self.open(address, timeout_seconds=_SHORT) as adapter:
                result = await self.call(adapter, operation)
                assert result.failure is Failure.TRANSIENT, result.text or "taken for success"

        with BrokenAgency(manner) as broken:
            run(check(broken.address))

    def test_a_call_that_is_cancelled_ends_and_holds_up_no_other(self, agency: RunningAgency, operation: str) -> None:
        """The bus cancels a call when it stops, or when the participant that asked is gone."""

        async def check() -> None:
            agency.switch_on("slow")
            async with self.open(agency.address, timeout_seconds=self.longest) as adapter:
                call = asyncio.create_task(self.call(adapter, operation))
                await asyncio.to_thread(agency.wait_for_request)
                call.cancel()
                async with asyncio.timeout(self.longest / 3):
                    await asyncio.wait([call])
                assert call.cancelled(), "the adapter swallowed the cancellation"
                agency.switch_off()
                await self.expect_success(adapter, operation)

        run(check())

    def test_many_calls_at_once_all_end(self, agency: RunningAgency, operation: str) -> None:
        """The bus asks and polls from several tasks. Deliveries of one event are never at once, so one is enough."""
        count = 1 if self.get_operation(operation).does is Does.DELIVER else _AT_ONCE

        async def check() -> None:
            async with self.open(agency.address) as adapter:
                await asyncio.gather(*(self.expect_success(adapter, operation) for _ in range(count)))

        run(check())

    def test_a_clock_that_jumps_changes_nothing(
        self, agency: RunningAgency, operation: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The machine's clock is set a week ahead and back, between two calls."""

        async def check() -> None:
            async with self.open(agency.address) as adapter:
                for days in (0, 7, -7, 0):
                    _set_clock(monkeypatch, timedelta(days=days))
                    await self.expect_success(adapter, operation)

        run(check())

    def test_a_proxy_of_the_environment_is_not_used(
        self, agency: RunningAgency, operation: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`HTTP_PROXY` could send persons' data through a stranger's proxy."""

        async def check(proxy: str) -> None:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy)
            async with self.open(agency.address) as adapter:
                await self.expect_success(adapter, operation)

        with BrokenAgency("closes") as proxy:
            run(check(proxy.address))


def _set_clock(monkeypatch: pytest.MonkeyPatch, shift: timedelta) -> None:
    """Move the wall clock of `bus.kit.now` and of `time.time`. The monotonic clock goes on, as on a real machine."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(_REAL_TIME() + shift.total_seconds(), tz)

    monkeypatch.setattr("bus.clock.datetime", Shifted)
    monkeypatch.setattr(time, "time", lambda: _REAL_TIME() + shift.total_seconds())


_REAL_TIME: Final = time.time
