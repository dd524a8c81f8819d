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
    fault = await poll_in_vain(adapter)
    assert fault.failure is failure
    assert APIKEY not in str(fault) + fault.detail
    assert fault.__cause__ is None


async def poll_in_vain(adapter: BappenasAdapter) -> AgencyFault:
    """The fault of a poll: it ends the round, or the round tells it with the step that could not be read."""
    try:
        polled = await adapter.poll("dak", None)
    except AgencyFault as fault:
        return fault
    assert polled.fault is not None
    return polled.fault


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


REFUSED = {"success": False, "error": {"__type": "Authorization Error", "message": "Access denied"}}


@pytest.mark.parametrize(
    ("shown", "mine", "failure"),
    [
        pytest.param({"organization": {"name": "provinsi"}}, None, Failure.PERMANENT, id="another organisation's"),
        pytest.param({"owner_org": "kabupaten-lamongan"}, None, Failure.SINK_DOWN, id="our own"),
        pytest.param(None, [{"name": "kabupaten-lamongan"}], Failure.PERMANENT, id="hidden, and the token is good"),
        pytest.param(None, [{"name": "provinsi"}], Failure.SINK_DOWN, id="hidden, and the token has no rights"),
        pytest.param(None, [], Failure.SINK_DOWN, id="hidden, and nobody's token"),
        pytest.param(None, None, Failure.TRANSIENT, id="nobody says"),
    ],
)
@respx.mock
async def test_a_refused_dataset_stops_the_queue_only_if_the_account_is_refused(
    adapter: BappenasAdapter, shown: Any, mine: Any, failure: Failure
) -> None:
    answer = {"status_code": 403, "json": REFUSED} if shown is None else {"json": {"success": True, "result": shown}}
    respx.post(f"{CKAN}/package_show").respond(**answer)
    respx.post(f"{CKAN}/package_update").respond(403, json=REFUSED)
    listed = {"status_code": 400, "json": "Action name not known"} if mine is None else None
    respx.post(f"{CKAN}/organization_list_for_user").respond(**(listed or {"json": {"success": True, "result": mine}}))
    [outcome] = await adapter.deliver("dataset", [DATASET])
    assert outcome.failure is failure


@pytest.mark.parametrize(
    ("fields", "failure"),
    [
        ({"name": ["That URL is already in use."]}, Failure.TRANSIENT),
        ({"name": ["URL tersebut sudah digunakan."]}, Failure.TRANSIENT),
        ({"name": ["Must be purely lowercase alphanumeric (ascii) characters"]}, Failure.PERMANENT),
        ({"owner_org": ["Organization does not exist"]}, Failure.SINK_DOWN),
        ({"name": ["That URL is already in use."], "notes": ["Missing value"]}, Failure.PERMANENT),
    ],
)
@respx.mock
async def test_a_name_that_ckan_refuses_is_tried_again_only_if_it_is_in_use(
    adapter: BappenasAdapter, fields: dict[str, list[str]], failure: Failure
) -> None:
    for action in ("package_show", "package_update"):
        respx.post(f"{CKAN}/{action}").respond(404, json=MISSING)
    error = {"success": False, "error": {"__type": "Validation Error", **fields}}
    respx.post(f"{CKAN}/package_create").respond(409, json=error)
    [outcome] = await adapter.deliver("dataset", [DATASET])
    assert outcome.failure is failure


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"data": {"kode_sub_giat": "1"}}, None),
        ({"status": "success"}, None),
        ({"data": None, "message": "Gagal menyimpan"}, Failure.TRANSIENT),
        ({"data": []}, Failure.TRANSIENT),
        ({"data": {"kode_sub_giat": "1"}, "status": False}, Failure.TRANSIENT),
        ({"data": {"kode_sub_giat": "1"}, "api_status": 0}, Failure.TRANSIENT),
        ({"data": [{"kode_sub_giat": "1", "pagu": 1}]}, None),
        ({"data": {"kode_sub_giat": "2"}}, Failure.TRANSIENT),
        ({"data": {"pesan": "kode tidak terdaftar"}}, Failure.TRANSIENT),
        ({"data": [None]}, Failure.TRANSIENT),
        ({"data": ["gagal"]}, Failure.TRANSIENT),
        ({"data": [], "message": "Apikey tidak valid"}, Failure.SINK_DOWN),
    ],
)
@respx.mock
async def test_an_activity_has_arrived_only_if_krisna_says_so(
    adapter: BappenasAdapter, answer: dict[str, Any], failure: Failure | None
) -> None:
    respx.post(f"{KRISNA}/kegiatan/2026").respond(json=answer)
    data = {"kode_sub_kegiatan": "1", "tahun_anggaran": 2026}
    [outcome] = await adapter.deliver("kegiatan", [Event(id="1", source="/x", type="perencanaan.kegiatan", data=data)])
    assert outcome.failure is failure


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
    assert polled.rows is not None
    assert [row.key for row in polled.rows.rows] == ["2026-7"]


@respx.mock
async def test_the_key_in_the_query_is_in_no_log(adapter: BappenasAdapter, caplog: pytest.LogCaptureFixture) -> None:
    respx.get(f"{KRISNA}/dak/2026").respond(json={"data": []})
    with caplog.at_level(logging.DEBUG):
        await adapter.poll("dak", None)
    assert APIKEY not in caplog.text
