"""The last failure of a poll is kept, so that the operator sees why nothing comes, and until when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bus import clock
from bus.agencies import PollFailure, PollFailureKind
from bus.agencies.poll_failure import note_failure
from bus.kit import AgencyFault, Failure, Polled
from bus.refusals import Poll
from tests.a_bus import Bus
from tests.agencies.a_polled_agency import CLOSED, POLL, APolledAgency, APolledBus, a_row
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY
from tests.services.waiting import until

MINE = Poll(AGENCY, POLL.name)
REFUSED = AgencyFault(Failure.SINK_DOWN, "Badan refuses the account", retry_after=0.01)


@dataclass
class AFailingAgency(APolledAgency):
    """Raises `error` at each step, if there is one."""

    error: Exception | None = REFUSED

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        if self.error is not None:
            self.polls += 1
            raise self.error
        return await super().poll(operation, cursor)


@pytest.fixture
def agency() -> AFailingAgency:
    return AFailingAgency(entries=[a_row(1)])


@pytest.fixture
def polled(bus: Bus, agency: AFailingAgency) -> APolledBus:
    return APolledBus(bus, agency)


@asynccontextmanager
async def polling(polled: APolledBus) -> AsyncIterator[None]:
    running = asyncio.create_task(polled.poller.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def read(polled: APolledBus, poll: Poll = MINE) -> PollFailure | None:
    return next((one.failure for one in polled.holds.report() if one.poll == poll), None)


def in_a_row(polled: APolledBus) -> int:
    failure = read(polled)
    return 0 if failure is None else failure.in_a_row


async def test_a_poll_whose_account_is_refused_tells_since_when_and_how_often_until_it_is_mended(
    polled: APolledBus, agency: AFailingAgency
) -> None:
    polled.agree(schema=CLOSED)
    async with polling(polled):
        await asyncio.to_thread(until, lambda: in_a_row(polled) > 2)
        failure = read(polled)
        assert failure is not None
        assert (failure.kind, failure.detail) == (PollFailureKind.DOWN, "Badan refuses the account")
        assert failure.since is not None
        assert failure.since < failure.at
        assert failure.is_troubled
        agency.error = None
        await asyncio.to_thread(until, lambda: in_a_row(polled) == 0)
    ended = read(polled)
    assert ended is not None
    assert (ended.detail, ended.since, ended.is_troubled) == ("Badan refuses the account", None, False)


async def test_a_process_that_starts_goes_on_counting(polled: APolledBus, agency: AFailingAgency) -> None:
    polled.agree(schema=CLOSED)
    async with polling(polled):
        await asyncio.to_thread(until, lambda: in_a_row(polled) > 0)
    before = read(polled)
    again = APolledBus(polled.bus, agency)
    async with polling(again):
        await asyncio.to_thread(until, lambda: before is not None and in_a_row(again) > before.in_a_row)
    after = read(again)
    assert before is not None
    assert after is not None
    assert after.since == before.since


async def test_a_poll_that_no_contract_names_rests_and_troubles_nobody(polled: APolledBus) -> None:
    async with polling(polled):
        await asyncio.to_thread(until, lambda: in_a_row(polled) > 0)
    failure = read(polled)
    assert failure is not None
    assert (failure.kind, failure.is_troubled) == (PollFailureKind.UNBOUND, False)
    assert polled.agency.polls == 0


async def test_a_failure_from_before_a_pause_troubles_nobody(polled: APolledBus) -> None:
    polled.agree(schema=CLOSED)
    async with polling(polled):
        await asyncio.to_thread(until, lambda: in_a_row(polled) > 0)
        polled.bus.rooms.pauses.pause(AGENCY, None, "pemeliharaan", OPERATOR)
        await asyncio.to_thread(until, lambda: read(polled) is None)


async def test_what_a_defective_adapter_says_is_not_kept(polled: APolledBus, agency: AFailingAgency) -> None:
    polled.agree(schema=CLOSED)
    agency.error = KeyError("Sumiyati")
    async with polling(polled):
        await asyncio.to_thread(until, lambda: in_a_row(polled) > 0)
    failure = read(polled)
    assert failure is not None
    assert (failure.kind, failure.detail) == (PollFailureKind.DEFECT, "the adapter failed with KeyError")


async def test_the_failure_of_a_poll_that_is_no_more_is_forgotten(polled: APolledBus) -> None:
    gone = Poll("balai", "tarik")
    with polled.bus.rooms.storage.write() as transaction:
        note_failure(transaction, gone, PollFailureKind.DOWN, "Balai is away", clock.now_micros())
    assert read(polled, gone) is not None
    async with polling(polled):
        await asyncio.to_thread(until, lambda: read(polled, gone) is None)
