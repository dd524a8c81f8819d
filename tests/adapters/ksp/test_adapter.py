import json

import httpx
import pytest
import respx

from adapters.ksp.adapter import FACTORY, KspAdapter
from adapters.ksp.client import KspSettings
from adapters.ksp.simulator import COMPLAINTS, SIMULATOR
from bus.kit import DELIVERED, AgencyFault, Event, Failure, SimulatedFaults
from tests import no_tls

BASE = "https://splp.example"
COMPLAINTS_URL = f"{BASE}/t/lamongankab.go.id/lapor/1.0/complaints"


def settings(**changes):
    return KspSettings(base_url=BASE, **{**SIMULATOR.settings, **changes})


class Lapor:
    """The adapter before its own simulator, and what the simulator received."""

    def __init__(self, *faults, **changes):
        app = SIMULATOR.create_app(SimulatedFaults(SIMULATOR.faults, faults))
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)
        self.adapter = KspAdapter(settings(**changes), self._http)

    async def poll(self, cursor=None):
        return await self.adapter.poll("laporan", cursor)

    async def round(self, cursor=None):
        """The rows of all steps until there is nothing more, and the cursor after them."""
        rows, more = [], True
        while more:
            polled = await self.poll(cursor)
            rows += polled.rows.rows if polled.rows else []
            cursor, more = polled.cursor, polled.more
        return rows, cursor

    async def deliver(self, *events):
        return await self.adapter.deliver("tindak-lanjut", events)

    async def received(self):
        return (await self._http.get("/_simulator/received")).json()["received"]


@pytest.fixture
def splp():
    with respx.mock(assert_all_called=False) as mock:
        mock.post(f"{BASE}/oauth2/token").respond(json={"access_token": "t", "expires_in": 3600})
        yield mock


def an_adapter():
    return KspAdapter(settings(), no_tls.AsyncClient(base_url=BASE))


def a_followup(number="9000101", id="1", **changes):
    data = {"nomor_laporan": number, "instansi": "dpupr", "isi": "Sudah ditambal.", "status": "selesai"}
    data |= {"waktu": "2026-03-05T15:40:00+07:00"} | changes
    return Event(id=id, source="/dpupr", type="pengaduan.tindak-lanjut", data=data)


async def test_a_round_reads_all_pages(violations):
    rows, _ = await Lapor().round()
    assert [row.key for row in rows] == [str(9000100 + number) for number in range(1, COMPLAINTS + 1)]
    for row in rows:
        assert row.data["nomor_laporan"] == row.key
        assert not violations("pengaduan/laporan", row.data)


async def test_no_reporter_leaves_the_adapter():
    rows, _ = await Lapor().round()
    told = repr(rows).casefold()
    for trace in ("pelapor", "rekaan", "0812", "contoh.example", "35240101019080"):
        assert trace not in told


async def test_the_next_round_reads_the_same_rows():
    lapor = Lapor()
    first, cursor = await lapor.round()
    second, _ = await lapor.round(cursor)
    assert second == first


async def test_each_step_reads_one_page():
    first = await Lapor().poll()
    assert (len(first.rows.rows), first.rows.is_whole) == (5, False)
    assert first.more


async def test_an_installation_that_does_not_page_ends_the_round(splp):
    route = splp.get(COMPLAINTS_URL).respond(json=[{"tracking_id": "9000001", "title": "x", "content": "y"}])
    adapter, cursor, more, steps = an_adapter(), None, True, 0
    while more and steps < 5:
        polled = await adapter.poll("laporan", cursor)
        cursor, more, steps = polled.cursor, polled.more, steps + 1
    assert route.call_count == 2


async def test_an_odd_entry_of_a_page_keeps_no_other_from_being_read(splp):
    odd = b'{"tracking_id": "9000001", "content": "potong\\ud83d"}, "x", {"tracking_id": {"a": 1}}'
    splp.get(COMPLAINTS_URL).respond(content=b'[%b, {"tracking_id": "9000002", "content": "utuh"}]' % odd)
    polled = await an_adapter().poll("laporan", None)
    assert [row.key for row in polled.rows.rows] == ["9000001", None, None, "9000002"]
    assert [row.data["isi"] for row in polled.rows.rows[::3]] == ["potong\ud83d", "utuh"]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("down", Failure.TRANSIENT),
        ("garbage", Failure.TRANSIENT),
        ("login", Failure.SINK_DOWN),
        ("token", Failure.SINK_DOWN),
        ("not-subscribed", Failure.SINK_DOWN),
        ("throttled", Failure.TRANSIENT),
        ("backend-down", Failure.TRANSIENT),
    ],
)
async def test_complaints_that_cannot_be_read_are_a_fault(fault, failure):
    with pytest.raises(AgencyFault) as caught:
        await Lapor(fault).poll()
    assert caught.value.failure is failure


async def test_tokens_that_are_revoked_after_each_call_stop_nothing():
    rows, _ = await Lapor("expired-token").round()
    assert len(rows) == COMPLAINTS


async def test_the_gateways_token_and_the_regencys_go_into_headers_of_their_own(splp):
    route = splp.get(COMPLAINTS_URL).respond(json=[])
    await an_adapter().poll("laporan", None)
    headers = route.calls.last.request.headers
    assert headers["auth"] == "Bearer t"
    assert headers["token"] == SIMULATOR.settings["token"]
    assert "authorization" not in headers


async def test_a_followup_reaches_lapor():
    lapor = Lapor()
    assert await lapor.deliver(a_followup()) == [DELIVERED]
    (received,) = await lapor.received()
    assert received["tracking_id"] == "9000101"
    assert received["content"] == f"Sudah ditambal.\n\n(Ref. {a_followup().reference})"


async def test_two_followups_with_the_same_words_are_two():
    lapor = Lapor()
    answers = [a_followup(id="1"), a_followup(id="2", waktu="2026-03-12T15:40:00+07:00")]
    assert await lapor.deliver(*answers) == [DELIVERED] * 2
    assert await lapor.deliver(*answers) == [DELIVERED] * 2
    contents = [received["content"] for received in await lapor.received()]
    assert contents == [f"Sudah ditambal.\n\n(Ref. {one.reference})" for one in answers]


async def test_a_followup_that_comes_twice_is_added_once():
    lapor = Lapor()
    assert await lapor.deliver(a_followup(), a_followup()) == [DELIVERED, DELIVERED]
    assert len(await lapor.received()) == 1


async def test_a_followup_whose_answer_was_lost_is_not_added_again():
    lapor = Lapor("lost-answer")
    (first,) = await lapor.deliver(a_followup())
    assert first.failure is Failure.TRANSIENT
    assert await lapor.deliver(a_followup()) == [DELIVERED]
    assert len(await lapor.received()) == 1


async def test_a_repeat_is_found_on_a_later_page():
    lapor = Lapor()
    answers = [a_followup(id=str(step), status="diproses") for step in range(12)]
    await lapor.deliver(*answers)
    assert await lapor.deliver(answers[-1]) == [DELIVERED]
    assert len(await lapor.received()) == 12


async def test_followups_of_an_installation_that_does_not_page_are_read_once(splp):
    url = f"{COMPLAINTS_URL}/9000101/followups"
    listed = splp.get(url).respond(json=[{"content": "lain", "status": "Diproses"}])
    added = splp.post(url).respond(201)
    assert await an_adapter().deliver("tindak-lanjut", [a_followup()]) == [DELIVERED]
    assert (listed.call_count, added.call_count) == (2, 1)


async def test_a_followup_to_a_complaint_that_lapor_does_not_know_is_dead():
    (outcome,) = await Lapor().deliver(a_followup("7"))
    assert (outcome.failure, outcome.status) == (Failure.PERMANENT, 404)


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(
    ("listed", "failure"),
    [
        ({"status_code": 200, "json": []}, Failure.PERMANENT),
        ({"status_code": 403}, Failure.SINK_DOWN),
        ({"status_code": 404}, Failure.SINK_DOWN),
        ({"status_code": 200, "text": "<html>"}, Failure.SINK_DOWN),
    ],
)
async def test_a_refusal_is_about_one_complaint_only_if_the_others_are_shown(splp, status, listed, failure):
    splp.get(f"{COMPLAINTS_URL}/9000101/followups").respond(status, json={"message": "tidak"})
    splp.get(COMPLAINTS_URL).respond(**listed)
    (outcome,) = await an_adapter().deliver("tindak-lanjut", [a_followup()])
    assert outcome.failure is failure


async def test_a_gateway_that_does_not_know_the_api_kills_no_followup(splp):
    body = {"code": "404", "type": "Status report", "message": "Not Found", "description": "not available"}
    splp.get(f"{COMPLAINTS_URL}/9000101/followups").respond(404, json=body)
    splp.get(COMPLAINTS_URL).respond(json=[])
    (outcome,) = await an_adapter().deliver("tindak-lanjut", [a_followup()])
    assert outcome.failure is Failure.SINK_DOWN


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"status_code": 201}, None),
        ({"status_code": 201, "json": {"id": 7}}, None),
        ({"status_code": 200, "json": {"status": "success"}}, None),
        ({"status_code": 200, "json": {"message": "Berhasil disimpan"}}, None),
        ({"status_code": 200}, Failure.TRANSIENT),
        ({"status_code": 202}, Failure.TRANSIENT),
        ({"status_code": 204}, Failure.TRANSIENT),
        ({"status_code": 200, "text": "<html>ok</html>"}, Failure.TRANSIENT),
        ({"status_code": 200, "json": ["success"]}, Failure.TRANSIENT),
        ({"status_code": 200, "json": {"status": "error", "message": "gagal"}}, Failure.TRANSIENT),
        ({"status_code": 201, "json": {"status": "error"}}, Failure.TRANSIENT),
        ({"status_code": 200, "json": {"status": "error", "message": "Token tidak dikenal"}}, Failure.SINK_DOWN),
        ({"status_code": 200, "json": {"fault": {"code": 101504, "message": "timeout"}}}, Failure.TRANSIENT),
    ],
)
async def test_a_followup_has_arrived_only_if_lapor_says_so(splp, answer, failure):
    url = f"{COMPLAINTS_URL}/9000101/followups"
    splp.get(url).respond(json=[])
    splp.post(url).respond(**answer)
    (outcome,) = await an_adapter().deliver("tindak-lanjut", [a_followup()])
    assert outcome.failure is failure


async def test_a_followup_that_lapor_took_without_saying_so_is_looked_for(splp):
    url = f"{COMPLAINTS_URL}/9000101/followups"
    taken = []
    splp.get(url).mock(side_effect=lambda _: httpx.Response(200, json=[{"content": text} for text in taken]))

    def take(request):
        taken.append(json.loads(request.content)["content"])
        return httpx.Response(202)

    splp.post(url).mock(side_effect=take)
    assert await an_adapter().deliver("tindak-lanjut", [a_followup()]) == [DELIVERED]
    assert len(taken) == 1


@pytest.mark.parametrize("page", [{"status": "error", "data": []}, ["rusak"], {"data": None}])
async def test_a_page_that_says_failure_is_no_end_of_the_list(splp, page):
    url = f"{COMPLAINTS_URL}/9000101/followups"
    splp.get(url).respond(json=page)
    added = splp.post(url).respond(201)
    (outcome,) = await an_adapter().deliver("tindak-lanjut", [a_followup()])
    assert (outcome.failure, added.called) == (Failure.TRANSIENT, False)


async def test_a_wrong_address_of_the_list_is_no_dead_event(splp):
    splp.get(COMPLAINTS_URL).respond(404)
    with pytest.raises(AgencyFault) as caught:
        await an_adapter().poll("laporan", None)
    assert caught.value.failure is Failure.SINK_DOWN


async def test_a_refused_token_of_the_regency_opens_the_circuit():
    (outcome,) = await Lapor("token").deliver(a_followup())
    assert outcome.failure is Failure.SINK_DOWN


@pytest.mark.parametrize("error", [httpx.ReadTimeout("…"), httpx.ConnectError("…")])
async def test_a_followup_without_an_answer_is_tried_again(splp, error):
    splp.get(f"{COMPLAINTS_URL}/9000101/followups").mock(side_effect=error)
    (outcome,) = await an_adapter().deliver("tindak-lanjut", [a_followup()])
    assert outcome.failure is Failure.TRANSIENT
    assert "9000101" not in outcome.detail


async def test_the_factory_makes_an_adapter_from_the_simulators_settings():
    made = FACTORY.create(FACTORY.settings(base_url=BASE, **SIMULATOR.settings))
    await made.close()


def test_the_settings_hide_their_secrets():
    assert SIMULATOR.settings["token"] not in repr(settings())
