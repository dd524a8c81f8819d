"""How the Bappenas adapter takes what goes wrong on the wire, made as the bus makes it."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from adapters.bappenas.adapter import FACTORY, BappenasAdapter, BappenasSettings
from bus.kit import AgencyFault, Event, Failure

APIKEY = "kunci-rahasia"
TOKEN = "token-rahasia"
KRISNA = "https://krisna.test/api/v1"
CKAN = "https://ckan.test/api/3/action"

DATASET = Event(id="1", source="/x", type="satudata.dataset", subject="a", data={"nama": "a"})
MISSING = {"success": False, "error": {"__type": "Not Found Error"}}

WIRE_FAULTS = [
    (httpx.ReadTimeout("late"), Failure.TRANSIENT),
    (httpx.ConnectError("refused"), Failure.TRANSIENT),
    (httpx.Response(503), Failure.TRANSIENT),
    (httpx.Response(401), Failure.SINK_DOWN),
    (httpx.Response(404), Failure.SINK_DOWN),
    (httpx.Response(200, text="<html>"), Failure.TRANSIENT),
    (httpx.Response(200, json=[]), Failure.TRANSIENT),
    (httpx.Response(200, json={}), Failure.TRANSIENT),
]


@pytest.fixture
async def adapter() -> AsyncIterator[BappenasAdapter]:
    given: dict[str, Any] = {"krisna_apikey": APIKEY, "ckan_token": TOKEN, "kode_pemda": "3524", "tahun": "2026"}
    settings = BappenasSettings(base_url="https://krisna.test", ckan_url="https://ckan.test", **given)
    made = FACTORY.create(settings)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        *WIRE_FAULTS,
        (httpx.Response(200, json={"data": "tidak ada"}), Failure.TRANSIENT),
        (httpx.Response(200, json={"Message": f"APIKEY {APIKEY} salah"}), Failure.SINK_DOWN),
    ],
)
@respx.mock
async def test_krisnas_faults_are_classed_and_keep_the_key_to_themselves(
    adapter: BappenasAdapter, reply: Any, failure: Failure
) -> None:
    respx.get(f"{KRISNA}/dak/2026").mock(side_effect=[reply])
    with pytest.raises(AgencyFault) as fault:
        await adapter.poll("dak", None)
    assert fault.value.failure is failure
    assert APIKEY not in str(fault.value) + fault.value.detail
    assert fault.value.__cause__ is None


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        *WIRE_FAULTS,
        (httpx.Response(400, json="JSON Error: Error decoding JSON data."), Failure.PERMANENT),
        (httpx.Response(500, json={"success": False, "error": {"__type": "Search Index Error"}}), Failure.TRANSIENT),
        (httpx.Response(200, json={"success": False, "error": "sibuk"}), Failure.TRANSIENT),
    ],
)
@respx.mock
async def test_ckans_faults_are_classed(adapter: BappenasAdapter, reply: Any, failure: Failure) -> None:
    respx.post(f"{CKAN}/package_show").respond(404, json=MISSING)
    respx.post(f"{CKAN}/package_update").mock(side_effect=[reply])
    [outcome] = await adapter.deliver("dataset", [DATASET])
    assert outcome.failure is failure
    assert TOKEN not in outcome.detail


@respx.mock
async def test_an_organisation_that_ckan_does_not_know_stops_the_queue(adapter: BappenasAdapter) -> None:
    for action in ("package_show", "package_update", "package_create"):
        respx.post(f"{CKAN}/{action}").respond(404, json=MISSING)
    [outcome] = await adapter.deliver("dataset", [DATASET])
    assert outcome.failure is Failure.SINK_DOWN


@respx.mock
async def test_krisna_is_asked_for_the_regency_and_keys_are_read_in_any_case(adapter: BappenasAdapter) -> None:
    route = respx.get(f"{KRISNA}/dak/2026").respond(json={"DATA": [{"ID_Detail_Rincian": "7 ", "Bidang": "Jalan"}]})
    polled = await adapter.poll("dak", None)
    assert dict(route.calls.last.request.url.params) == {"apikey": APIKEY, "kode_pemda": "3524"}
    assert [event.subject for event in polled.events] == ["2026-7"]


@respx.mock
async def test_the_key_in_the_query_is_in_no_log(adapter: BappenasAdapter, caplog: pytest.LogCaptureFixture) -> None:
    respx.get(f"{KRISNA}/dak/2026").respond(json={"data": []})
    with caplog.at_level(logging.DEBUG):
        await adapter.poll("dak", None)
    assert APIKEY not in caplog.text
