"""Events that an agency's adapter polled and the gate refused count as well."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest
import structlog

from bus.agencies.poller import Poller
from bus.agencies.registry import Agencies
from bus.heavy import HeavyWorkWaits, Here, Job, TooHeavy, TooMuchAtOnce
from bus.kit import Adapter, AdapterSettings, Classification, Does, Event, Operation, Polled
from bus.problem import Refused
from bus.storage import make_leadership
from tests.a_bus import Bus
from tests.an_agency import AGENCY, AFactory, AnAdapter
from tests.builders import WARGA, a_document, a_nik, a_person

CLOSED = {
    "type": "object",
    "properties": {"nik": {"type": "string"}},
    "required": ["nik"],
    "additionalProperties": False,
}
POLL = Operation("tarik", Does.POLL, contract=WARGA, interval=1.0, least=Classification.PERSONAL, person="/nik")
USES = [{"adapter": AGENCY, "operation": "tarik"}]


@dataclass
class NotedJobs(Here):
    """Jobs in threads, noted with the share that they run on; or refused."""

    refusal: Refused | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def run(self, job: Job, *parts: bytes, who: str) -> bytes:
        self.asked.append((job.__name__, who))
        if self.refusal is not None:
            raise self.refusal
        return await super().run(job, *parts, who=who)


@dataclass
class APolledAdapter(AnAdapter):
    """Polls what it is given."""

    events: Sequence[Event] = ()

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        return Polled(self.events, None)


@dataclass
class APolledFactory(AFactory):
    operations: ClassVar[tuple[Operation, ...]] = (POLL,)
    settings: ClassVar[type[AdapterSettings]] = AdapterSettings

    def create(self, settings: AdapterSettings) -> Adapter:
        return self.adapter


def a_polled_event(number: int, data: Any) -> Event:
    return Event(id=f"e{number}", source="/badan", type=WARGA, data=data)


async def poll(bus: Bus, *events: Event, **contract: Any) -> set[tuple[str, str, str, str, int]]:
    """Poll these events in one step; what the log of refusals has then."""
    bus.apply(a_document(producers=[AGENCY], adapters=USES, **contract))
    settings = {AGENCY: {"base_url": "https://badan.example"}}
    agencies = Agencies(settings, {AGENCY: lambda: APolledFactory(APolledAdapter(events=events))})
    rooms = bus.rooms
    leads = make_leadership(rooms.storage, "poller")
    await Poller(rooms.storage, agencies, rooms.gate, rooms.recorder, rooms.appender, leads, rooms.heavy).step(
        AGENCY, POLL
    )
    await rooms.recorder.flush()
    rows = [(one.refusal, one.count) for one in rooms.refusals.search()]
    return {(one.participant, one.client_id, one.rule, one.pointer, count) for one, count in rows}


async def test_a_polled_event_that_is_refused_counts_as_the_adapters(bus: Bus) -> None:
    found = await poll(bus, a_polled_event(1, {}), a_polled_event(2, a_person()), a_polled_event(3, {}))
    assert found == {(AGENCY, f"adapter:{AGENCY}", "required", "/data/nik", 2)}


async def test_a_polled_number_that_json_does_not_hold_refuses_its_row_alone(bus: Bus) -> None:
    odd, large = ({"nik": a_nik(number), "nama": Decimal("18446744073709551617")} for number in (1, 2))
    events = [
        a_polled_event(1, odd),
        a_polled_event(2, a_person(3)),
        a_polled_event(3, {**large, "desa": "x" * 40_000}),
    ]
    found = await poll(bus, *events)
    assert found == {(AGENCY, f"adapter:{AGENCY}", "number-changed", "/data/nama", 2)}
    assert bus.rooms.journal.last_position() == 1


HARD = {**CLOSED, "properties": {"nik": {"enum": [a_nik(number) for number in range(20_000)]}}}


async def test_a_polled_event_that_takes_long_to_check_is_checked_apart_on_the_adapters_share(bus: Bus) -> None:
    jobs = NotedJobs()
    bus.rooms = replace(bus.rooms, heavy=jobs)
    found = await poll(bus, a_polled_event(1, {"nik": a_nik(1)}), schema=HARD)
    assert (found, jobs.asked) == (set(), [("check_data", AGENCY)])
    assert bus.rooms.journal.last_position() == 1


async def test_a_polled_event_that_is_too_heavy_is_set_aside_and_one_that_only_waits_is_not(bus: Bus) -> None:
    bus.rooms = replace(bus.rooms, heavy=NotedJobs(TooHeavy("Send less.")))
    found = await poll(bus, a_polled_event(1, {"nik": a_nik(1)}), schema=HARD)
    assert found == {(AGENCY, f"adapter:{AGENCY}", "too-heavy", "", 1)}
    for waits in (HeavyWorkWaits("Wait."), TooMuchAtOnce("Wait.")):
        bus.rooms = replace(bus.rooms, heavy=NotedJobs(waits))
        with pytest.raises(type(waits)):
            await poll(bus, a_polled_event(2, {"nik": a_nik(2)}), schema=HARD)


async def test_a_polled_event_that_contradicts_an_earlier_one_counts(bus: Bus) -> None:
    found = await poll(bus, a_polled_event(1, a_person(1)), a_polled_event(1, a_person(2)))
    assert found == {(AGENCY, f"adapter:{AGENCY}", "event-conflict", "/id", 1)}


async def test_the_log_line_of_a_polled_event_holds_no_name_from_the_agency(bus: Bus) -> None:
    with structlog.testing.capture_logs() as logged:
        await poll(bus, a_polled_event(1, {"nik": a_nik(1), "Sumiyati": 1}), schema=CLOSED)
    (line,) = [one for one in logged if one["event"] == "poll.event_refused"]
    assert line["at"] == ["/data/<other>"]
