import logging

import httpx
import pytest
import respx

from adapters.kemendagri.adapter import FACTORY, KemendagriAdapter
from adapters.kemendagri.client import KemendagriSettings
from adapters.kemendagri.simulator import SIMULATOR
from bus.kit import (
    DELIVERED,
    AgencyFault,
    AgencyRefused,
    AgencyUnavailable,
    Event,
    Failure,
    Question,
    QuotaExhausted,
    SimulatedFaults,
    make_population,
    read_wilayah,
)
from tests import no_tls

BASE = "https://dukcapil.example"
LOOKUP = f"{BASE}/dukcapil/get_json/kab_lamongan/CALL_NIK"
BALIKAN = f"{BASE}/dukcapil/data_balikan"
NIK = "3524010101909001"


def settings(**changes):
    return KemendagriSettings(base_url=BASE, **{**SIMULATOR.settings, **changes})


class AQuota:
    """A quota of so many calls."""

    def __init__(self, left):
        self.left = left

    async def take(self):
        if not self.left:
            raise QuotaExhausted("Used up.")
        self.left -= 1

    async def believe(self, left):
        self.left = min(self.left, left)


class Registry:
    """The adapter before its own simulator, and what the simulator received."""

    def __init__(self, *faults, calls=1000, clock=lambda: 1000.0, **changes):
        self._app = SIMULATOR.create_app(SimulatedFaults(SIMULATOR.faults, faults))
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url=BASE)
        self.adapter = KemendagriAdapter(settings(**changes), self._http, clock=clock)
        self.quota = AQuota(calls)

    def ask(self, nik=NIK, participant="dinkes", **changes):
        question = Question(
            "kependudukan.cari-nik", {"nik": nik}, participant, quota=self.quota, **{"cache_seconds": 3600, **changes}
        )
        return self.adapter.query("cari-nik", question)

    def verify(self, **elements):
        question = Question("kependudukan.verifikasi-nik", {"nik": NIK, **elements}, "dinkes")
        return self.adapter.query("verifikasi-nik", question)

    async def received(self):
        return (await self._http.get("/_simulator/received")).json()["received"]


@pytest.mark.parametrize("resident", make_population()[:6], ids=lambda resident: resident["nik"])
async def test_the_registry_knows_the_residents_of_the_sample_apps(resident):
    answer = await Registry().ask(resident["nik"])
    known = answer["penduduk"]
    assert known["nama"].casefold() == resident["nama"].casefold()
    for name in ("nik", "nomor_kk", "tanggal_lahir", "jenis_kelamin", "agama", "hubungan_keluarga"):
        assert known[name] == resident[name]
    for name in ("kode_wilayah", "rt", "rw"):
        assert known["alamat"][name] == resident["alamat"][name]


async def test_any_other_resident_lives_in_a_village_of_the_kecamatan_of_the_nik():
    address = (await Registry().ask("3524270101909001"))["penduduk"]["alamat"]
    assert (address["kode_wilayah"], address["desa"].casefold()) in {
        (place.kode, place.nama.casefold()) for place in read_wilayah() if place.kode.startswith("35.24.27.")
    }


def an_adapter(**changes):
    return KemendagriAdapter(settings(**changes), no_tls.AsyncClient(base_url=BASE))


def usage(pelanggan="RM-1", lembaga="dinkes"):
    data = {"nik": NIK, "lembaga": lembaga, "id_pelanggan": pelanggan, "waktu_akses": "2026-01-31T09:30:00+07:00"}
    return Event(id=pelanggan, source="/simpus", type="kependudukan.data-balikan", data=data)


async def test_a_resident_is_found(violations):
    answer = await Registry().ask()
    assert answer["penduduk"]["nik"] == NIK
    assert not violations("kependudukan/cari-nik.answer", answer)


@pytest.mark.parametrize("faults", [(), ("old",)])
async def test_an_unknown_nik_is_not_found(faults):
    assert await Registry(*faults).ask("3524010101909999") == {
        "ditemukan": False,
        "keterangan": "data tidak ditemukan",
    }


@pytest.mark.parametrize("faults", [(), ("old",)])
@pytest.mark.parametrize(("serial", "word"), [("9411", "meninggal"), ("9412", "ganda"), ("9414", "nonaktif")])
async def test_a_special_status_comes_with_a_remark(serial, word, faults):
    answer = await Registry(*faults).ask(NIK[:12] + serial)
    assert answer["ditemukan"]
    assert word in answer["keterangan"]


async def test_elements_are_verified(violations):
    registry = Registry()
    known = (await registry.ask())["penduduk"]
    answer = await registry.verify(
        nama="Bukan Namanya", tanggal_lahir=known["tanggal_lahir"], alamat=known["alamat"]["jalan"], rt="000"
    )
    assert answer == {
        "ditemukan": True,
        "kecocokan": {
            "nama": {"sesuai": False, "skor": 59},
            "tanggal_lahir": {"sesuai": True},
            "alamat": {"sesuai": True, "skor": 100},
            "rt": {"sesuai": False},
        },
    }
    assert not violations("kependudukan/verifikasi-nik.answer", answer)


async def test_the_same_question_is_asked_once():
    registry = Registry()
    assert await registry.ask() == await registry.ask()
    assert len(await registry.received()) == 1


async def test_an_answer_ends_with_its_time():
    seconds = [1000.0]
    registry = Registry(clock=lambda: seconds[0], cache_seconds=60.0)
    for later in (0, 59, 1):
        seconds[0] += later
        await registry.ask()
    assert len(await registry.received()) == 2


async def test_an_answer_that_was_not_asked_for_lately_makes_room():
    registry = Registry(cache_size=2)
    for serial in (1, 2, 3, 3, 2, 1):
        await registry.ask(f"352401010190900{serial}")
    assert len(await registry.received()) == 4


async def test_an_answer_is_given_again_no_longer_than_its_contract_allows():
    seconds = [1000.0]
    registry = Registry(clock=lambda: seconds[0], cache_seconds=60.0)
    for later in (0, 9, 1):
        seconds[0] += later
        await registry.ask(cache_seconds=10)
    assert len(await registry.received()) == 2


async def test_a_contract_that_allows_no_cache_has_none():
    registry = Registry()
    await registry.ask(cache_seconds=0)
    await registry.ask(cache_seconds=0)
    assert len(await registry.received()) == 2


async def test_no_time_keeps_nothing():
    registry = Registry(cache_seconds=0)
    await registry.ask()
    await registry.ask()
    assert len(await registry.received()) == 2


async def test_nobody_can_tell_by_the_time_that_another_participant_asked_before():
    registry = Registry()
    await registry.ask()
    await registry.ask(participant="bapenda")
    await registry.ask(participant="bapenda")
    assert len(await registry.received()) == 2


async def test_an_answer_is_given_to_all_where_the_contract_shares_them():
    registry = Registry()
    await registry.ask(shares_cache=True)
    await registry.ask(participant="bapenda", shares_cache=True)
    assert len(await registry.received()) == 1
    await registry.ask(participant="bapenda")
    assert len(await registry.received()) == 2


async def test_another_question_is_asked():
    registry = Registry()
    await registry.ask()
    await registry.ask("3524010101909002")
    assert len(await registry.received()) == 2


async def test_a_call_beyond_the_quota_never_reaches_the_registry():
    registry = Registry(calls=1)
    await registry.ask()
    with pytest.raises(QuotaExhausted):
        await registry.ask("3524010101909002")
    assert len(await registry.received()) == 1


async def test_a_cached_answer_costs_no_quota():
    registry = Registry(calls=1)
    await registry.ask()
    assert (await registry.ask())["ditemukan"]


@pytest.mark.parametrize(
    ("fault", "refused"),
    [
        ("down", AgencyUnavailable),
        ("garbage", AgencyUnavailable),
        ("outside-hours", AgencyUnavailable),
        ("login", AgencyRefused),
        ("ip", AgencyRefused),
        ("unknown-ip", AgencyRefused),
        ("no-account", AgencyRefused),
        ("incomplete", AgencyRefused),
        ("institution-inactive", AgencyRefused),
        ("inactive", AgencyRefused),
        ("denied", AgencyUnavailable),
        ("quota", QuotaExhausted),
    ],
)
@pytest.mark.parametrize("age", [(), ("old",)])
async def test_a_fault_of_the_registry_is_a_refusal(fault, refused, age):
    with pytest.raises(refused):
        await Registry(fault, *age).ask()


@pytest.mark.parametrize("age", [(), ("old",)])
async def test_a_nik_that_the_registry_cannot_process_is_not_found(age):
    assert (await Registry("unprocessable", *age).ask())["ditemukan"] is False


async def test_a_wrong_password_is_refused_by_the_registry():
    with pytest.raises(AgencyRefused):
        await Registry(password="salah").ask()


@pytest.mark.parametrize("age", [(), ("old",)])
async def test_a_quota_used_up_by_the_registrys_count_is_told_to_the_bus(age):
    registry = Registry("quota", *age)
    with pytest.raises(QuotaExhausted):
        await registry.ask()
    assert registry.quota.left == 0


@respx.mock
async def test_calls_that_the_registry_counted_for_others_are_counted_here_too():
    route = respx.post(f"{BASE}/dukcapil/get_json/kab_lamongan/CALL_VERIFY_BY_ELEMEN")
    route.respond(json={"content": [{"NIK": "Sesuai"}], "quotaLimiter": 0})
    quota = AQuota(1000)
    asked = {"nik": NIK, "nama": "Sutarjo"}
    await an_adapter().query("verifikasi-nik", Question("kependudukan.verifikasi-nik", asked, "dinkes", quota=quota))
    assert quota.left == 0


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ({"side_effect": httpx.ReadTimeout("slow")}, AgencyUnavailable),
        ({"side_effect": httpx.ConnectError("refused")}, AgencyUnavailable),
        ({"return_value": httpx.Response(502)}, AgencyUnavailable),
        ({"return_value": httpx.Response(200, content=b"\xff\xfe")}, AgencyUnavailable),
        ({"return_value": httpx.Response(200, json={"content": None})}, AgencyUnavailable),
        ({"return_value": httpx.Response(403)}, AgencyRefused),
        ({"return_value": httpx.Response(302, headers={"location": "/login"})}, AgencyRefused),
        ({"return_value": httpx.Response(400)}, AgencyRefused),
    ],
)
@respx.mock
async def test_a_fault_of_the_way_is_a_refusal_without_personal_data(answer, refused, caplog):
    respx.post(LOOKUP).mock(**answer)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(refused) as caught:
        await an_adapter().query("cari-nik", Question("kependudukan.cari-nik", {"nik": NIK}, "dinkes"))
    for secret in (NIK, "sandi-simulasi"):
        assert secret not in caught.value.detail + caplog.text


async def test_usage_data_is_returned():
    registry = Registry()
    outcomes = await registry.adapter.deliver("data-balikan", [usage("RM-1"), usage("WP-1", lembaga="bapenda")])
    assert outcomes == [DELIVERED, DELIVERED]
    assert [item["CUSTOMER_ID"] for item in await registry.received()] == ["RM-1", "WP-1"]


async def test_usage_data_sent_before_counts_as_delivered():
    registry = Registry()
    await registry.adapter.deliver("data-balikan", [usage()])
    assert await registry.adapter.deliver("data-balikan", [usage()]) == [DELIVERED]
    assert len(await registry.received()) == 1


async def test_a_batch_with_one_item_sent_before_still_brings_the_others():
    registry = Registry()
    await registry.adapter.deliver("data-balikan", [usage("RM-1")])
    outcomes = await registry.adapter.deliver("data-balikan", [usage("RM-1"), usage("RM-2")])
    assert outcomes == [DELIVERED, DELIVERED]
    assert [item["CUSTOMER_ID"] for item in await registry.received()] == ["RM-1", "RM-2"]


async def test_a_refused_token_closes_the_sink():
    with pytest.raises(AgencyFault) as caught:
        await Registry("balikan-token").adapter.deliver("data-balikan", [usage()])
    assert caught.value.failure is Failure.SINK_DOWN


@respx.mock
async def test_a_poison_item_fails_alone():
    def judge(request):
        return httpx.Response(422 if b"RM-2" in request.content else 200, json={"message": "Success"})

    respx.post(BALIKAN).mock(side_effect=judge)
    outcomes = await an_adapter().deliver("data-balikan", [usage("RM-1"), usage("RM-2"), usage("RM-3")])
    assert [outcome.failure for outcome in outcomes] == [None, Failure.PERMANENT, None]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"json": {"message": "Gagal"}}, Failure.TRANSIENT),
        ({"json": {"message": "Diterima dengan catatan"}}, Failure.TRANSIENT),
        ({"json": {"message": "Token tidak valid"}}, Failure.SINK_DOWN),
        ({"json": ["Success"]}, Failure.TRANSIENT),
        ({"text": "<html>Success</html>"}, Failure.TRANSIENT),
        ({"text": ""}, Failure.TRANSIENT),
    ],
)
@respx.mock
async def test_usage_data_that_the_registry_does_not_say_it_took_are_tried_again(answer, failure):
    respx.post(BALIKAN).respond(200, **answer)
    with pytest.raises(AgencyFault) as caught:
        await an_adapter().deliver("data-balikan", [usage()])
    assert caught.value.failure is failure


@pytest.mark.parametrize("status", [200, 400, 409])
@respx.mock
async def test_usage_data_that_were_sent_before_are_delivered_at_any_status(status):
    respx.post(BALIKAN).respond(status, json={"message": "Data sudah pernah dikirim"})
    assert await an_adapter().deliver("data-balikan", [usage()]) == [DELIVERED]


@pytest.mark.parametrize("status", [200, 400, 409])
@respx.mock
async def test_words_about_something_else_that_happened_before_were_taken_for_sent(status):
    respx.post(BALIKAN).respond(status, json={"message": "Token ini sudah pernah diblokir"})
    try:
        [outcome] = await an_adapter().deliver("data-balikan", [usage()])
    except AgencyFault as fault:
        outcome = fault.to_outcome()
    assert outcome.failure is not None


@respx.mock
async def test_a_question_waits_as_long_as_the_registry_says():
    respx.post(LOOKUP).respond(503, headers={"retry-after": "120"})
    with pytest.raises(AgencyUnavailable) as caught:
        await an_adapter().query("cari-nik", Question("kependudukan.cari-nik", {"nik": NIK}, "dinkes"))
    assert caught.value.headers == {"Retry-After": "120"}


@respx.mock
async def test_a_registry_that_says_when_is_believed():
    respx.post(BALIKAN).respond(429, headers={"retry-after": "120"})
    with pytest.raises(AgencyFault) as caught:
        await an_adapter().deliver("data-balikan", [usage()])
    assert (caught.value.failure, caught.value.retry_after) == (Failure.TRANSIENT, 120.0)


async def test_the_factory_makes_an_adapter_from_the_simulators_settings():
    made = FACTORY.create(FACTORY.settings(base_url=BASE, **SIMULATOR.settings))
    await made.close()


def test_the_settings_hide_their_secrets():
    assert "simulasi" not in repr(settings(user_id="u"))
