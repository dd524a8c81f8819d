"""Deliveries are idempotent: an event that is sent twice, or whose answer was lost, is at the agency once."""

from typing import Any, Final

import pytest

from bus.json import dump_canonical
from bus.kit.conformance.case import AdapterCase, run
from bus.kit.conformance.running_agency import RunningAgency

_MOST_ATTEMPTS: Final = 5


class RepetitionTests(AdapterCase):
    """What the agency holds is the same after each of these as after one delivery."""

    def test_an_event_that_is_sent_again_changes_nothing(self, agency: RunningAgency, delivery: str) -> None:
        """The same events again, by the same adapter and by another one."""

        async def check() -> None:
            async with self.open(agency.address) as adapter:
                await self.expect_success(adapter, delivery)
                once = _read_state(agency)
                assert once, "the simulator shows no state: give `make_simulator_app` a `show_state`"
                await self.expect_success(adapter, delivery)
                assert _read_state(agency) == once
            async with self.open(agency.address) as another:
                await self.expect_success(another, delivery)
                assert _read_state(agency) == once

        run(check())

    @pytest.mark.parametrize("loss", ["drop", "drop-answer", "drop-midway", "cut"])
    def test_an_event_whose_answer_was_lost_arrives_once(self, agency: RunningAgency, delivery: str, loss: str) -> None:
        """The answer to each of the requests of a delivery is lost in turn, and the delivery is tried again."""

        async def check() -> None:
            async with self.open(agency.address) as adapter:
                await self.expect_success(adapter, delivery)
            once, requests = _read_state(agency), dict.fromkeys(agency.list_requests())
            for method, path in requests:
                agency.renew(f"{loss}:count=1,method={method},path={path}")
                async with self.open(agency.address) as adapter:
                    attempts = [await self.call(adapter, delivery)]
                    while attempts[-1].failure is not None and len(attempts) < _MOST_ATTEMPTS:
                        attempts.append(await self.call(adapter, delivery))
                assert attempts[-1].failure is None, attempts[-1].text
                assert _read_state(agency) == once, f"after {len(attempts)} attempts; the loss was at {method} {path}"

        run(check())


def _read_state(agency: RunningAgency) -> Any:
    """What the agency holds. Several events of a batch may arrive in any order."""
    return _sort(agency.read_state())


def _sort(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sort(part) for name, part in value.items()}
    return sorted(map(_sort, value), key=dump_canonical) if isinstance(value, list) else value
