"""A poll goes on from its cursor alone: after a crash, and after a step that failed."""

from typing import Any

from bus.json import dump_canonical
from bus.kit.adapter import Adapter, Poll, Polled
from bus.kit.conformance.case import AdapterCase, run
from bus.kit.conformance.running_agency import RunningAgency
from bus.kit.fault import AgencyFault

Found = list[tuple[str | None, Any]]


class CursorTests(AdapterCase):
    """The bus keeps the cursor together with what was read, and nothing else."""

    def test_a_poll_goes_on_from_its_cursor_alone(self, agency: RunningAgency, poll: str) -> None:
        """A round in which each step is an adapter of its own reads the same as a round by one adapter."""

        async def check() -> None:
            async with self.open(agency.address) as adapter:
                whole = [found async for found in self._walk(adapter, agency, poll, restart=False)]
                parts = [found async for found in self._walk(adapter, agency, poll, restart=True)]
            assert any(whole), "the simulator has no rows to poll"
            assert parts == whole

        run(check())

    def test_a_step_that_failed_is_read_again_from_its_cursor(self, agency: RunningAgency, poll: str) -> None:
        """An answer is lost at each step in turn. The step then reads what it would have read."""

        async def check() -> None:
            async with self.open(agency.address) as adapter:
                assert isinstance(adapter, Poll)
                cursor, more = None, True
                while more:
                    plain = await adapter.poll(poll, cursor)
                    agency.switch_on("drop:count=1")
                    assert await self._fails(adapter, poll, cursor), "a lost answer was taken for an empty one"
                    agency.switch_off()
                    again = await adapter.poll(poll, cursor)
                    assert (_read(again), again.cursor, again.more) == (_read(plain), plain.cursor, plain.more)
                    cursor, more = plain.cursor, plain.more

        run(check())

    def test_rows_are_json_with_keys_of_their_own(self, agency: RunningAgency, poll: str) -> None:
        """The bus can publish each row that the simulator gives, unless the row has a fault."""

        async def check() -> None:
            async with self.open(agency.address) as adapter:
                found = [one async for step in self._walk(adapter, agency, poll, restart=False) for one in step]
            keys = [key for key, _ in found]
            assert None not in keys
            assert len(keys) == len(set(keys))
            for _, data in found:
                dump_canonical(data)

        run(check())

    async def _walk(self, adapter: Adapter, agency: RunningAgency, name: str, *, restart: bool) -> Any:
        """What each step of one round reads."""
        cursor: str | None = None
        passed: set[str | None] = set()
        while cursor not in passed:
            passed.add(cursor)
            if restart:
                async with self.open(agency.address) as another:
                    assert isinstance(another, Poll)
                    step = await another.poll(name, cursor)
            else:
                assert isinstance(adapter, Poll)
                step = await adapter.poll(name, cursor)
            yield _read(step)
            cursor = step.cursor
            if not step.more:
                return
        raise AssertionError(f"a round of {name} comes back to a cursor, so it has no end")

    async def _fails(self, adapter: Poll, name: str, cursor: str | None) -> bool:
        try:
            return (await adapter.poll(name, cursor)).fault is not None
        except AgencyFault:
            return True


def _read(step: Polled) -> Found:
    rows = () if step.rows is None else step.rows.rows
    return [(event.id, event.data) for event in step.events] + [
        (row.key, row.data) for row in rows if row.fault is None
    ]
