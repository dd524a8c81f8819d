"""How the PUPR adapter takes what goes wrong on the wire, made as the bus makes it."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from adapters.pupr.adapter import FACTORY, PuprAdapter, PuprSettings
from bus.kit import AgencyFault, Event, Failure

TOKEN = "token-rahasia"
LAYER = "https://pupr.test/peta/FeatureServer/0"


@pytest.fixture
async def adapter() -> AsyncIterator[PuprAdapter]:
    settings = PuprSettings(base_url="https://pupr.test", token=TOKEN, layer="/peta/FeatureServer/0")  # type: ignore[arg-type]
    made = FACTORY.create(settings)
    yield made
    await made.close()


@pytest.fixture
def wire() -> Any:
    with respx.mock(base_url=LAYER) as router:
        router.post("/query").respond(json={"features": []})
        yield router


def a_segment(number: str = "R-001") -> Event:
    data = {"nomor_ruas": number, "geometri": {"type": "LineString", "coordinates": [[112.4, -7.1], [112.5, -7.1]]}}
    return Event(id="1", source="/dpupr", type="infrastruktur.ruas-jalan", subject=number, data=data)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (httpx.ReadTimeout("late"), Failure.TRANSIENT),
        (httpx.ConnectTimeout("late"), Failure.TRANSIENT),
        (httpx.ConnectError("refused"), Failure.TRANSIENT),
        (httpx.RemoteProtocolError("cut"), Failure.TRANSIENT),
        (httpx.Response(503), Failure.TRANSIENT),
        (httpx.Response(403), Failure.SINK_DOWN),
        (httpx.Response(302, headers={"location": "https://elsewhere.test"}), Failure.SINK_DOWN),
        (httpx.Response(200, text="<html>"), Failure.TRANSIENT),
        (httpx.Response(200, json={"error": {"code": 498, "message": f"Invalid Token {TOKEN}"}}), Failure.SINK_DOWN),
        (httpx.Response(200, json={"ERROR": {"CODE": "500 ", "message": "x"}}), Failure.TRANSIENT),
    ],
)
async def test_a_fault_of_the_wire_is_classed_and_keeps_the_token_to_itself(
    adapter: PuprAdapter, wire: respx.Router, reply: Any, failure: Failure
) -> None:
    wire.post("/applyEdits").mock(side_effect=[reply])
    with pytest.raises(AgencyFault) as fault:
        await adapter.deliver("ruas-jalan", [a_segment()])
    assert fault.value.failure is failure
    assert TOKEN not in str(fault.value) + fault.value.detail
    assert fault.value.__cause__ is None


async def test_a_request_that_is_refused_whole_is_sent_again_segment_by_segment(
    adapter: PuprAdapter, wire: respx.Router
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        adds = json.loads(parse_qs(request.content.decode())["adds"][0])
        if "R-002" in [item["attributes"]["NO_RUAS"] for item in adds]:
            return httpx.Response(200, json={"error": {"code": 400, "message": "Invalid parameters"}})
        return httpx.Response(200, json={"addResults": [{"success": True} for _ in adds]})

    wire.post("/applyEdits").mock(side_effect=answer)
    outcomes = await adapter.deliver("ruas-jalan", [a_segment(f"R-00{n}") for n in (1, 2, 3)])
    assert [outcome.failure for outcome in outcomes] == [None, Failure.PERMANENT, None]


async def test_one_bad_feature_may_not_undo_the_others(adapter: PuprAdapter, wire: respx.Router) -> None:
    route = wire.post("/applyEdits").respond(json={"addResults": [{"success": True}]})
    await adapter.deliver("ruas-jalan", [a_segment()])
    assert parse_qs(route.calls.last.request.content.decode())["rollbackOnFailure"] == ["false"]


async def test_a_service_that_always_has_more_is_given_up(adapter: PuprAdapter, wire: respx.Router) -> None:
    page = {"exceededTransferLimit": True, "features": [{"attributes": {"NO_RUAS": "R-001", "OBJECTID": 1}}]}
    wire.post("/query").respond(json=page)
    with pytest.raises(AgencyFault, match="pages"):
        await adapter.deliver("ruas-jalan", [a_segment()])


async def test_the_token_is_in_no_url_and_no_log(
    adapter: PuprAdapter, wire: respx.Router, caplog: pytest.LogCaptureFixture
) -> None:
    route = wire.post("/applyEdits").respond(json={"addResults": [{"success": True}]})
    with caplog.at_level(logging.DEBUG):
        await adapter.deliver("ruas-jalan", [a_segment()])
    assert TOKEN not in str(route.calls.last.request.url) + caplog.text
