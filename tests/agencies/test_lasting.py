"""An adapter whose place another version takes: calls under way end with it, and it is closed behind the last of them."""

import asyncio
from dataclasses import dataclass

import pytest

from bus.agencies.lasting import LastingAdapter
from bus.kit import AgencyFault, AgencyUnavailable, Failure, Question
from tests.an_agency import ASK, TAKE, AnAdapter

QUESTION = Question("uji.tanya", {}, "bapenda")


@dataclass
class AClosingAdapter(AnAdapter):
    closed: int = 0

    async def close(self) -> None:
        self.closed += 1


async def test_it_is_closed_once_its_last_call_has_ended() -> None:
    agency = AClosingAdapter()
    agency.open.clear()
    lasting = LastingAdapter(agency)
    calls = [asyncio.create_task(lasting.query(ASK, QUESTION)) for _ in range(2)]
    while len(agency.questions) < 2:  # noqa: ASYNC110 - the agency keeps what it was asked
        await asyncio.sleep(0)
    await lasting.retire()
    assert agency.closed == 0
    agency.open.set()
    assert [answer["ditemukan"] for answer in await asyncio.gather(*calls)] == [True, True]
    assert agency.closed == 1


async def test_it_is_closed_at_once_without_a_call_and_takes_none_any_more() -> None:
    agency = AClosingAdapter()
    lasting = LastingAdapter(agency)
    await lasting.retire()
    assert agency.closed == 1
    with pytest.raises(AgencyUnavailable):
        await lasting.query(ASK, QUESTION)
    with pytest.raises(AgencyFault) as refused:
        await lasting.deliver(TAKE, [])
    # Transient: the delivery is tried again, with the version that took the place.
    assert refused.value.failure is Failure.TRANSIENT
    assert agency.questions == []


async def test_a_call_that_fails_has_ended_too() -> None:
    agency = AClosingAdapter(refusal=AgencyUnavailable("tutup"))
    lasting = LastingAdapter(agency)
    with pytest.raises(AgencyUnavailable):
        await lasting.query(ASK, QUESTION)
    await lasting.retire()
    assert agency.closed == 1
