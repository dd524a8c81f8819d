"""Kominfo's adapter, and its twin that a document describes: both pass every test."""

from pathlib import Path

import httpx
import pytest
import respx

from adapters.kominfo.adapter import FACTORY, KominfoAdapter
from adapters.kominfo.client import KominfoSettings
from adapters.kominfo.simulator import SIMULATOR
from bus.declared import DeclaredFactory, Mapper, Surroundings, load_document
from bus.heavy import Here
from bus.kit import DELIVERED, GATEWAY_APIKEY, AgencyFault, Event, Failure, SimulatedFaults
from tests import no_tls

HOST = "splp.example"
BASE = f"https://{HOST}"
INDICATORS = f"{BASE}/t/lamongankab.go.id/satu-data-indikator/1.0/indikator"
DOCUMENT = Path(__file__).parents[3] / "contracts" / "adapter" / "splp.yaml"
CATALOGUE = f"{BASE}/t/lamongankab.go.id/katalog-layanan/1.0/layanan"


class Twin:
    """Makes the adapter of Kominfo: the one in Python, or the one that a document describes."""

    def __init__(self, *, is_declared):
        self._is_declared = is_declared

    def make(self, transport, **changes):
        given = {**SIMULATOR.settings, **changes}
        if not self._is_declared:
            http = httpx.AsyncClient(transport=transport, base_url=BASE)
            return KominfoAdapter(KominfoSettings(base_url=BASE, **given), http)
        around = Surroundings(transport=transport, mapper=Mapper("splp", Here()))
        factory = DeclaredFactory(load_document(DOCUMENT), around)
        hosts = {"consumer_key_hosts": HOST, "consumer_secret_hosts": HOST}
        return factory.create(factory.settings(base_url=BASE, **given, **hosts))

    def on_the_wire(self):
        """The adapter before what `respx` answers."""
        return self.make(httpx.AsyncHTTPTransport(verify=no_tls.NOBODY))

    def kominfo(self, *faults, **changes):
        return Kominfo(self, faults, changes)


CODED = Twin(is_declared=False)
"""What depends on settings that the document does not have is tried with this one."""


@pytest.fixture(params=["coded", "declared"])
def twin(request):
    return Twin(is_declared=request.param == "declared")


class Kominfo:
    """The adapter before its own simulator, and what the simulator received."""

    def __init__(self, twin, faults, changes):
        transport = httpx.ASGITransport(SIMULATOR.create_app(SimulatedFaults(SIMULATOR.faults, faults)))
        self._http = httpx.AsyncClient(transport=transport, base_url=BASE)
        self.adapter = twin.make(transport, **changes)

    async def deliver(self, *events):
        return await self.adapter.deliver("katalog", events)

    async def poll(self, cursor=None):
        return await self.adapter.poll("indikator", cursor)

    async def received(self):
        return (await self._http.get("/_simulator/received")).json()["received"]


def a_service(code="dpmptsp.izin", *, deleted=False, **changes):
    data = {
        "kode_layanan": code,
        "nama": "Izin usaha",
        "opd": "dpmptsp",
        "deskripsi": "Penerbitan izin.",
        "sasaran": "pelaku usaha",
        "biaya": 0,
        "status": "aktif",
        "kanal": [{"jenis": "web"}],
    }
    content = None if deleted else data | changes
    return Event(id=code, source="/portal", type="layanan.katalog", subject=code, data=content)


async def test_a_service_reaches_the_catalogue(twin):
    kominfo = twin.kominfo()
    assert await kominfo.deliver(a_service()) == [DELIVERED]
    (received,) = await kominfo.received()
    assert received["kode_layanan"] == "dpmptsp.izin"


async def test_a_service_can_come_twice(twin):
    kominfo = twin.kominfo()
    assert await kominfo.deliver(a_service(), a_service()) == [DELIVERED, DELIVERED]


async def test_a_deleted_service_is_taken_out(twin):
    kominfo = twin.kominfo()
    await kominfo.deliver(a_service())
    assert await kominfo.deliver(a_service(deleted=True)) == [DELIVERED]
    assert (await kominfo.received())[-1] == {"operation": "hapus", "kode_layanan": "dpmptsp.izin"}


async def test_a_service_that_is_not_there_counts_as_taken_out(twin):
    assert await twin.kominfo().deliver(a_service(deleted=True)) == [DELIVERED]


async def test_a_refusal_at_http_200_is_permanent_and_says_what_to_mend(twin):
    kominfo = twin.kominfo()
    good, bad = await kominfo.deliver(a_service(), a_service("x", nama=""))
    assert good == DELIVERED
    assert bad.failure is Failure.PERMANENT
    assert "nama_layanan" in bad.detail


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("down", Failure.TRANSIENT),
        ("garbage", Failure.TRANSIENT),
        ("login", Failure.SINK_DOWN),
        ("not-subscribed", Failure.SINK_DOWN),
        ("throttled", Failure.TRANSIENT),
        ("suspended", Failure.SINK_DOWN),
        ("backend-down", Failure.TRANSIENT),
        ("refused", Failure.PERMANENT),
    ],
)
async def test_a_fault_of_the_gateway_is_classed(twin, fault, failure):
    (outcome,) = await twin.kominfo(fault).deliver(a_service())
    assert outcome.failure is failure


async def test_a_throttled_delivery_waits_as_long_as_the_gateway_says(twin):
    (outcome,) = await twin.kominfo("throttled").deliver(a_service())
    assert 0 < outcome.retry_after <= 60


async def test_tokens_that_are_revoked_after_each_call_stop_nothing(twin):
    kominfo = twin.kominfo("expired-token")
    assert await kominfo.deliver(a_service("a"), a_service("b"), a_service("c")) == [DELIVERED] * 3


async def test_a_wrong_secret_opens_the_circuit(twin):
    (outcome,) = await twin.kominfo(consumer_secret="salah").deliver(a_service())
    assert outcome.failure is Failure.SINK_DOWN


async def test_the_list_becomes_records_of_the_contract(twin, violations):
    polled = await twin.kominfo().poll()
    assert (polled.rows.source, polled.rows.is_whole) == ("/kominfo/splp/indikator", True)
    assert [row.key for row in polled.rows.rows] == ["1", "2", "3", "4", "5"]
    for row in polled.rows.rows:
        assert row.data["id_indikator"] == row.key
        assert not violations("satudata/indikator", row.data)


@respx.mock
async def test_an_odd_entry_of_the_list_keeps_no_other_from_being_read(twin):
    respx.post(f"{BASE}/oauth2/token").respond(json={"access_token": "t", "expires_in": 60})
    odd = b'{"id": 1, "variabel": "potong\\ud83d"}, "x", {"id": {}, "nilai": [1]}, {"id": true}, null'
    respx.get(INDICATORS).respond(content=b'{"api_status": 1, "data": [%b, {"id": 2, "nilai": 3}]}' % odd)
    polled = await twin.on_the_wire().poll("indikator", None)
    assert [row.key for row in polled.rows.rows] == ["1", None, None, None, None, "2"]


@pytest.mark.parametrize("fault", ["down", "garbage", "list-failed"])
async def test_a_list_that_cannot_be_read_is_a_fault(twin, fault):
    with pytest.raises(AgencyFault) as caught:
        await twin.kominfo(fault).poll()
    assert caught.value.failure is Failure.TRANSIENT


@pytest.mark.parametrize("data", [None, "kosong", {"id": 1}])
@respx.mock
async def test_a_list_that_is_no_list_is_a_fault(twin, data):
    respx.post(f"{BASE}/oauth2/token").respond(json={"access_token": "t", "expires_in": 60})
    respx.get(INDICATORS).respond(json={"api_status": 1, "data": data})
    with pytest.raises(AgencyFault):
        await twin.on_the_wire().poll("indikator", None)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"api_status": 1, "api_message": "success"}, None),
        ({"api_status": "1 "}, None),
        ({"api_status": 0, "api_message": "Data tidak lengkap"}, Failure.PERMANENT),
        ({"api_status": 0, "api_message": "Token tidak valid"}, Failure.SINK_DOWN),
        ({"api_status": 2, "api_message": "antre"}, Failure.TRANSIENT),
        ({"message": "success"}, Failure.TRANSIENT),
        ({}, Failure.TRANSIENT),
    ],
)
@respx.mock
async def test_a_service_has_arrived_only_if_the_catalogue_says_so(twin, answer, failure):
    respx.post(f"{BASE}/oauth2/token").respond(json={"access_token": "t", "expires_in": 60})
    respx.post(CATALOGUE).respond(json=answer)
    adapter = twin.on_the_wire()
    (outcome,) = await adapter.deliver("katalog", [a_service()])
    assert outcome.failure is failure


@pytest.mark.parametrize(
    ("status", "answer", "failure"),
    [
        (200, {"api_status": 1}, None),
        (204, None, None),
        (404, {"api_status": 0, "api_message": "Layanan tidak ditemukan"}, None),
        (200, {"api_status": 0, "api_message": "Data tidak ditemukan"}, None),
        (200, {"api_status": 0, "api_message": "Layanan masih dipakai"}, Failure.PERMANENT),
        (200, {"message": "ok"}, Failure.TRANSIENT),
        (404, {"api_status": 0, "api_message": "Method tidak ditemukan"}, Failure.SINK_DOWN),
        (404, {"detail": "Not Found"}, Failure.SINK_DOWN),
        (404, {"code": "900906", "message": "No matching resource found", "description": ""}, Failure.SINK_DOWN),
    ],
)
@respx.mock
async def test_a_service_is_gone_only_if_the_catalogue_says_so(twin, status, answer, failure):
    respx.post(f"{BASE}/oauth2/token").respond(json={"access_token": "t", "expires_in": 60})
    respx.delete(url__startswith=CATALOGUE).respond(status, json=answer)
    adapter = twin.on_the_wire()
    (outcome,) = await adapter.deliver("katalog", [a_service(deleted=True)])
    assert outcome.failure is failure


@respx.mock
async def test_a_row_that_is_no_object_has_a_fault_of_its_own_and_the_others_are_read(twin):
    respx.post(f"{BASE}/oauth2/token").respond(json={"access_token": "t", "expires_in": 60})
    respx.get(INDICATORS).respond(json={"api_status": 1, "data": [{"id": 1}, None]})
    polled = await twin.on_the_wire().poll("indikator", None)
    assert polled.rows is not None
    assert [(row.key, row.fault is None) for row in polled.rows.rows] == [("1", True), (None, False)]


@respx.mock
async def test_a_service_that_timed_out_is_tried_again_later(twin):
    respx.post(f"{BASE}/oauth2/token").respond(json={"access_token": "t", "expires_in": 60})
    respx.post(CATALOGUE).mock(side_effect=httpx.ReadTimeout("…"))
    adapter = twin.on_the_wire()
    (outcome,) = await adapter.deliver("katalog", [a_service()])
    assert outcome.failure is Failure.TRANSIENT


async def test_the_factory_makes_an_adapter_from_the_simulators_settings():
    made = FACTORY.create(FACTORY.settings(base_url=BASE, **SIMULATOR.settings))
    await made.close()


async def test_an_api_that_takes_apikey_is_called_without_a_token():
    keys = {"katalog_apikey": GATEWAY_APIKEY, "indikator_apikey": GATEWAY_APIKEY}
    kominfo = CODED.kominfo("login", **keys)
    assert await kominfo.deliver(a_service(), a_service(deleted=True)) == [DELIVERED, DELIVERED]
    assert (await kominfo.poll()).rows.rows


async def test_a_wrong_apikey_stops_the_queue_and_is_not_repeated():
    (outcome,) = await CODED.kominfo(katalog_apikey="kunci-salah").deliver(a_service())
    assert outcome.failure is Failure.SINK_DOWN
    assert "kunci-salah" not in outcome.detail


async def test_a_gateway_that_takes_authorizationsplp_gets_the_token_there():
    requests = []

    def answer(request):
        requests.append(request)
        token = {"access_token": "t1", "expires_in": 3600}
        return httpx.Response(200, json=token if request.url.path == "/oauth2/token" else {"api_status": 1})

    adapter = CODED.make(httpx.MockTransport(answer), token_header="AuthorizationSPLP")
    assert await adapter.deliver("katalog", [a_service()]) == [DELIVERED]
    assert requests[-1].headers["AuthorizationSPLP"] == "Bearer t1"
    assert "authorization" not in requests[-1].headers


async def test_indicators_that_are_an_object_where_a_list_was_documented_are_read(twin):
    def answer(request):
        token = {"access_token": "t1", "expires_in": 3600}
        listed = {"api_status": 1, "data": {"0": {"id": 1}, "3": {"id": 2}}}
        return httpx.Response(200, json=token if request.url.path == "/oauth2/token" else listed)

    polled = await twin.make(httpx.MockTransport(answer)).poll("indikator", None)
    assert [row.key for row in polled.rows.rows] == ["1", "2"]
