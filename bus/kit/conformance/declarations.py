"""The adapter does what its factory declares, and the test case names all of it."""

from typing import Final

from bus.kit.adapter import Deliver, Poll, Query
from bus.kit.conformance.case import AdapterCase, run
from bus.kit.conformance.running_agency import RunningAgency
from bus.kit.operation import Does
from bus.kit.push import Push

_PROTOCOLS: Final = {Does.DELIVER: Deliver, Does.POLL: Poll, Does.QUERY: Query, Does.PUSH: Push}


class DeclarationTests(AdapterCase):
    """Operations, settings and the test case agree."""

    def test_an_operation_is_done_by_a_method(self, agency: RunningAgency, operation: str) -> None:
        """The adapter implements `Deliver`, `Poll` or `Query`, as its operations need."""

        async def check() -> None:
            async with self.open(agency.address) as adapter:
                assert isinstance(adapter, _PROTOCOLS[self.get_operation(operation).does])

        run(check())

    def test_names_are_given_once(self) -> None:
        """No two operations have one name."""
        names = [one.name for one in self.factory.operations]
        assert len(names) == len(set(names))

    def test_the_case_names_what_each_operation_needs(self) -> None:
        """`events`, `questions` and `pushes` have each operation, and no more events than a batch holds."""
        assert self.events.keys() == set(self.list_operations(Does.DELIVER)), "give `events` for each delivery"
        assert self.questions.keys() == set(self.list_operations(Does.QUERY)), "give a question for each query"
        assert self.pushes.keys() == set(self.list_operations(Does.PUSH)), (
            "give a push for each operation that takes pushes"
        )
        for name, events in self.events.items():
            assert 1 <= len(events) <= self.get_operation(name).batch

    def test_the_case_names_each_fault_of_the_agency(self) -> None:
        """`faults` has each fault of the simulator that not every simulator has."""
        own = {name for name in self.simulator.faults if not self.is_general(name)}
        assert self.faults.keys() == own, "say in `faults` what each fault of the simulator does"
        named = {name for what in self.faults.values() if isinstance(what, dict) for name in what}
        assert named <= set(self.list_operations())

    def test_an_undisturbed_operation_succeeds(self, agency: RunningAgency, operation: str) -> None:
        """The agency does what it is asked."""

        async def check() -> None:
            async with self.open(agency.address) as adapter:
                await self.expect_success(adapter, operation)

        run(check())
