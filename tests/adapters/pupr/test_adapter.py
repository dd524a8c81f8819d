"""The PUPR adapter against its simulator."""

from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapters.pupr.adapter import PuprAdapter
from adapters.pupr.client import FeatureLayer
from adapters.pupr.simulator import LAYER, MOST_RECORDS, SIMULATOR, TOKEN
from bus.kit import AgencyFault, Event, Failure, Outcome, SimulatedFaults

LINE = {"type": "LineString", "coordinates": [[112.41, -7.11], [112.42, -7.12]]}


def a_segment(number: str = "R-001", **other: Any) -> Event:
    data = {
        "nomor_ruas": number,
        "nama_ruas": "Sukorame – Bluluk",
        "panjang_km": 7.4,
        "kondisi": "sedang",
        "tahun_survei": 2026,
        "geometri": LINE,
    } | other
    return Event(id="1", source="/dpupr", type="infrastruktur.ruas-jalan", subject=number, data=data)


def a_deletion(number: str = "R-001") -> Event:
    return Event(id="2", source="/dpupr", type="infrastruktur.ruas-jalan", subject=number, data=None)


class Pupr:
    """The simulator, and the adapter that speaks to it."""

    def __init__(self, *faults: str, token: str = TOKEN) -> None:
        transport = httpx.ASGITransport(SIMULATOR.create_app(SimulatedFaults(SIMULATOR.faults, faults)))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://pupr.test")
        self.layer = FeatureLayer(self.http, LAYER, SecretStr(token))
        self.adapter = PuprAdapter(self.layer)

    async def deliver(self, *events: Event) -> list[Failure | None]:
        return [outcome.failure for outcome in await self.outcomes(*events)]

    async def outcomes(self, *events: Event) -> list[Outcome]:
        return list(await self.adapter.deliver("ruas-jalan", events))

    async def received(self, kind: str) -> list[Any]:
        answer = await self.http.get("/_simulator/received")
        return [value for edits in answer.json()["received"] for value in edits[kind]]

    async def features(self, numbers: Iterable[str]) -> dict[str, int]:
        there = await self.layer.find_existing(list(numbers))
        return {number: len(ids) for number, ids in there.ids.items()}


async def test_a_segment_is_drawn() -> None:
    pupr = Pupr()
    assert await pupr.deliver(a_segment()) == [None]
    assert [item["attributes"]["NO_RUAS"] for item in await pupr.received("adds")] == ["R-001"]


async def test_a_segment_that_comes_again_is_updated_not_drawn_twice() -> None:
    pupr = Pupr()
    await pupr.deliver(a_segment())
    await pupr.deliver(a_segment(kondisi="baik"))
    assert await pupr.features(["R-001"]) == {"R-001": 1}
    assert [item["attributes"]["KONDISI"] for item in await pupr.received("updates")] == ["baik"]


async def test_the_last_of_several_events_of_a_segment_is_sent_and_answers_for_all() -> None:
    pupr = Pupr()
    assert await pupr.deliver(a_segment(kondisi="sedang"), a_segment("R-002"), a_segment(kondisi="baik")) == [None] * 3
    assert [item["attributes"]["KONDISI"] for item in await pupr.received("adds")] == ["baik", "sedang"]


async def test_a_deleted_segment_is_taken_off_the_map() -> None:
    pupr = Pupr()
    await pupr.deliver(a_segment())
    assert await pupr.deliver(a_deletion()) == [None]
    assert await pupr.features(["R-001"]) == {}


async def test_a_deletion_of_what_is_not_there_has_arrived() -> None:
    assert await Pupr().deliver(a_deletion("R-404")) == [None]


async def test_a_segment_drawn_twice_by_a_lost_answer_is_drawn_once_again() -> None:
    pupr = Pupr()
    await pupr.deliver(a_segment())
    form = {"token": TOKEN, "adds": '[{"attributes": {"NO_RUAS": "R-001"}}]'}
    await pupr.http.post(f"{LAYER}/applyEdits", data=form)
    await pupr.deliver(a_segment())
    assert await pupr.features(["R-001"]) == {"R-001": 1}


async def test_segments_beyond_the_first_page_of_a_query_are_found_too() -> None:
    pupr = Pupr()
    segments = [a_segment(f"R-{number:03}") for number in range(2 * MOST_RECORDS + 5)]
    await pupr.deliver(*segments)
    await pupr.deliver(*segments)
    assert len(await pupr.received("updates")) == len(segments)


async def test_a_segment_that_fails_alone_is_retried_alone() -> None:
    pupr = Pupr("partial")
    await pupr.deliver(a_segment("R-001"))
    assert await pupr.deliver(a_segment("R-001"), a_segment("R-002")) == [None, Failure.TRANSIENT]
    assert await pupr.deliver(a_segment("R-002")) == [None]


async def test_an_unfit_segment_is_refused_for_good_and_holds_up_no_other() -> None:
    outcomes = await Pupr().deliver(a_segment("R-001"), a_segment("R-002", kondisi="hancur"))
    assert outcomes == [None, Failure.PERMANENT]


@pytest.mark.parametrize(("faults", "token"), [(["token"], TOKEN), ([], "salah")])
async def test_a_refused_token_stops_the_queue_and_is_not_repeated(faults: list[str], token: str) -> None:
    with pytest.raises(AgencyFault) as fault:
        await Pupr(*faults, token=token).deliver(a_segment())
    assert fault.value.failure is Failure.SINK_DOWN
    assert token not in fault.value.detail


@pytest.mark.parametrize("outage", ["down", "garbage"])
async def test_an_outage_is_waited_out(outage: str) -> None:
    with pytest.raises(AgencyFault) as fault:
        await Pupr(outage).deliver(a_segment())
    assert fault.value.failure is Failure.TRANSIENT


async def test_a_simulator_that_is_down_still_shows_what_it_received() -> None:
    assert await Pupr("down").received("adds") == []
