"""Each fault has its class, and is over when the agency is well again."""

from typing import Final

import pytest

from bus.kit.conformance.case import AdapterCase, run
from bus.kit.conformance.running_agency import RunningAgency
from bus.kit.failure import Failure

_EXPECTED: Final = {
    "expired-token": {Failure.SINK_DOWN},
    # Half of an error, such as of CKAN's 404 for what is not there yet, leaves its status alone to judge.
    "cut": {Failure.TRANSIENT, Failure.SINK_DOWN},
}
"""The failures that an outage may be; any other is transient."""


class FailureTests(AdapterCase):
    """What the bus does next depends on the class of the failure."""

    def test_an_outage_is_waited_out(self, agency: RunningAgency, operation: str, outage: str) -> None:
        """An answer that is none is no success, and no event dies of it. A refused account stops the queue."""
        if outage in ("latency", "slow"):
            return self._check_late_answer(agency, operation, outage)
        expected = _EXPECTED.get(outage, {Failure.TRANSIENT})

        async def check() -> None:
            agency.switch_on(outage)
            async with self.open(agency.address) as adapter:
                result = await self.call(adapter, operation)
                assert result.failure in expected, f"{outage}: {result.text or 'taken for success'}"
                agency.switch_off()
                await self.expect_success(adapter, operation)

        return run(check())

    def _check_late_answer(self, agency: RunningAgency, operation: str, outage: str) -> None:
        async def check() -> None:
            agency.switch_on("latency:seconds=0.01" if outage == "latency" else "slow")
            async with self.open(agency.address, timeout_seconds=5.0 if outage == "latency" else 0.1) as adapter:
                result = await self.call(adapter, operation)
                assert result.failure is (None if outage == "latency" else Failure.TRANSIENT)

        run(check())

    def test_a_fault_of_the_agency_has_its_class(self, agency: RunningAgency, operation: str, own_fault: str) -> None:
        """As the case says in `faults`. An operation that the fault does not concern goes on."""
        what = self.faults.get(own_fault, {})
        expected = what if isinstance(what, Failure) else what.get(operation)

        async def check() -> None:
            agency.switch_on(own_fault)
            async with self.open(agency.address) as adapter:
                result = await self.call(adapter, operation)
                assert result.failure is expected, result.text

        run(check())

    @pytest.mark.parametrize("refusal", ["down", "quota"])
    def test_the_agency_is_given_the_time_that_it_asks_for(
        self, agency: RunningAgency, operation: str, refusal: str
    ) -> None:
        """`Retry-After` reaches the bus, which waits so long."""
        if not self.is_general(refusal):
            pytest.skip(f"the agency has a {refusal} of its own")

        async def check() -> None:
            agency.switch_on(f"{refusal}:seconds=77")
            async with self.open(agency.address) as adapter:
                result = await self.call(adapter, operation)
                assert result.retry_after == 77

        run(check())
