"""An agency that always has more: its poll pauses all the same, and what is refused of it does not fill the log."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import structlog

from bus.agencies.poller import Poller
from bus.agencies.registry import Agencies
from bus.agencies.round import PollPolicy
from bus.kit import Adapter, AdapterSettings, AgencyFault, Classification, Does, Event, Failure, Operation, Polled
from bus.storage import leadership
from tests.a_bus import Bus
from tests.an_agency import AGENCY, AFactory, AnAdapter
from tests.builders import WARGA, a_document, a_person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

POLL = Operation("tarik", Does.POLL, contract=WARGA, interval=3600.0, least=Classification.PERSONAL, person="/nik")


@dataclass
class AnEndlessAgency(AnAdapter):
    """Has the same number of new rows at each step, until a step of which it cannot be read."""

    data: Callable[[int], Any] = a_person
    rows: int = 10
    last: int = 1_000_000
    polls: int = 0

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        self.polls += 1
        if self.polls > self.last:
            raise AgencyFault(Failure.TRANSIENT, "away")
        first = self.polls * self.rows
        made = [
            Event(id=f"e{n}", source="/badan", type=WARGA, data=self.data(n)) for n in range(first, first + self.rows)
        ]
        return Polled(made, str(self.polls), more=True)


@dataclass
class AnEndlessFactory(AFactory):
    operations: ClassVar[tuple[Operation, ...]] = (POLL,)
    settings: ClassVar[type[AdapterSettings]] = AdapterSettings

    def create(self, settings: AdapterSettings) -> Adapter:
        return self.adapter


async def poll_until_pause(bus: Bus, agency: AnEndlessAgency, policy: PollPolicy) -> list[Any]:
    """Run the poller until it pauses; what it logged."""
    bus.apply(a_document(producers=[AGENCY], adapters=[{"adapter": AGENCY, "operation": POLL.name}]))
    agencies = Agencies({AGENCY: {"base_url": "https://badan.example"}}, {AGENCY: lambda: AnEndlessFactory(agency)})
    rooms = bus.rooms
    leads = leadership(rooms.storage, "poller")
    poller = Poller(rooms.storage, agencies, rooms.gate, rooms.recorder, rooms.appender, leads, rooms.heavy, policy)
    with structlog.testing.capture_logs() as logged:
        running = asyncio.create_task(poller.run())
        try:
            async with asyncio.timeout(30):
                await _no_more_polls(agency)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    return logged


async def _no_more_polls(agency: AnEndlessAgency) -> None:
    """Return when the agency was not polled for half a second, which is longer than a step takes."""
    polls = -1
    while not agency.polls or polls != agency.polls:
        polls = agency.polls
        await asyncio.sleep(0.5)


@pytest.mark.parametrize(
    "policy", [PollPolicy(events=50), PollPolicy(steps=5), PollPolicy(size=10)], ids=["events", "steps", "bytes"]
)
async def test_an_agency_that_always_has_more_waits_for_the_next_round(bus: Bus, policy: PollPolicy):
    agency = AnEndlessAgency()
    await poll_until_pause(bus, agency, policy)
    assert agency.polls == (1 if policy.size == 10 else 5)
    assert bus.rooms.journal.last_position() == agency.polls * agency.rows


async def test_events_that_are_refused_have_a_line_for_the_first_and_one_for_the_round(bus: Bus):
    agency = AnEndlessAgency(data=lambda _: {})
    logged = await poll_until_pause(bus, agency, PollPolicy(events=100))
    lines = [line for line in logged if line["event"] in ("poll.event_refused", "poll.events_refused")]
    assert [line["event"] for line in lines] == ["poll.event_refused", "poll.events_refused"]
    assert (lines[1]["count"], lines[1]["reasons"]) == (100, {"data-invalid": 100})


async def test_a_round_that_ends_with_a_fault_tells_what_was_refused(bus: Bus):
    agency = AnEndlessAgency(data=lambda _: {}, last=2)
    logged = await poll_until_pause(bus, agency, PollPolicy())
    assert [line["count"] for line in logged if line["event"] == "poll.events_refused"] == [20]
