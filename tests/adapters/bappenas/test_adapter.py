"""The Bappenas adapter against its simulator."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from adapters.bappenas.adapter import BappenasAdapter, BappenasSettings
from adapters.bappenas.ckan import Ckan
from adapters.bappenas.krisna import Krisna
from adapters.bappenas.simulator import APIKEY, KODE_PEMDA, ORGANIZATION, ROWS_A_YEAR, SIMULATOR, TOKEN
from bus.kit import AgencyFault, Event, Failure, Outcome, SimulatedFaults

NAME = "jumlah-penduduk"
CODE = "7.01.02.2.01.0001"


def a_dataset(**other: Any) -> Event:
    data = {
        "nama": NAME,
        "judul": "Jumlah penduduk",
        "deskripsi": "Menurut kecamatan.",
        "produsen": "dukcapil-lamongan",
        "frekuensi": "tahunan",
        "lisensi": "CC-BY-4.0",
        "sumber_daya": [{"nama": "Data", "url": "https://data.contoh.id/a.csv", "format": "CSV"}],
    } | other
    return Event(id="1", source="/kominfo", type="satudata.dataset", subject=NAME, data=data)


def an_activity(**other: Any) -> Event:
    data = {
        "kode_sub_kegiatan": CODE,
        "nama_sub_kegiatan": "Penyusunan laporan",
        "tahun_anggaran": 2026,
        "opd": "bappeda",
        "pagu": 296187500,
        "indikator": [{"uraian": "Laporan", "target": 1, "satuan": "Laporan"}],
        "sumber_dana": [{"kode": "1.1", "nama": "PAD"}],
    } | other
    return Event(id="2", source="/bappeda", type="perencanaan.kegiatan", subject=CODE, data=data)


def a_deletion(kind: str, key: str) -> Event:
    return Event(id="3", source="/x", type=kind, subject=key, data=None)


class Bappenas:
    """The simulator, and the adapter that speaks to it."""

    def __init__(
        self, *faults: str, token: str = TOKEN, apikey: str = APIKEY, years: tuple[int, ...] = (2026,)
    ) -> None:
        transport = httpx.ASGITransport(SIMULATOR.create_app(SimulatedFaults(SIMULATOR.faults, faults)))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://bappenas.test")
        krisna = Krisna(self.http, SecretStr(apikey), KODE_PEMDA)
        ckan = Ckan(self.http, SecretStr(token), ORGANIZATION)
        self.adapter = BappenasAdapter(krisna, ckan, organization=ORGANIZATION, years=years)

    async def deliver(self, operation: str, event: Event) -> Outcome:
        [outcome] = await self.adapter.deliver(operation, [event])
        return outcome

    async def received(self) -> list[Any]:
        return list((await self.http.get("/_simulator/received")).json()["received"])

    async def shown(self) -> dict[str, Any]:
        answer = await self.http.post("/api/3/action/package_show", json={"id": NAME}, headers={"authorization": TOKEN})
        return dict(answer.json()["result"])


async def test_a_dataset_is_created() -> None:
    bappenas = Bappenas()
    assert await bappenas.deliver("dataset", a_dataset()) == Outcome()
    assert [list(item) for item in await bappenas.received()] == [["package_create"]]


async def test_a_dataset_that_comes_again_is_updated() -> None:
    bappenas = Bappenas()
    await bappenas.deliver("dataset", a_dataset())
    assert await bappenas.deliver("dataset", a_dataset(judul="Penduduk")) == Outcome()
    assert (await bappenas.shown())["title"] == "Penduduk"


async def test_a_resource_keeps_its_id_when_the_dataset_changes() -> None:
    bappenas = Bappenas()
    data = {"nama": "Data", "url": "https://data.contoh.id/a.csv", "format": "CSV"}
    await bappenas.deliver("dataset", a_dataset())
    for resources in ([data], [data | {"nama": "Data 2025"}], [data | {"nama": "Data 2025", "url": "https://x.id/b"}]):
        await bappenas.deliver("dataset", a_dataset(judul="Penduduk", sumber_daya=resources))
        assert [item["id"] for item in (await bappenas.shown())["resources"]] == ["res-1"]


@pytest.mark.parametrize("deleted", [False, True])
async def test_ten_datasets_whose_names_another_organisation_has_are_dead_and_stop_no_other(deleted: bool) -> None:
    bappenas = Bappenas()
    names = [f"provinsi-{number}" for number in range(10)]
    foreign = [
        a_deletion("satudata.dataset", name) if deleted else replace(a_dataset(nama=name), subject=name)
        for name in names
    ]
    outcomes = await bappenas.adapter.deliver("dataset", [*foreign, a_dataset()])
    assert [outcome.failure for outcome in outcomes] == [Failure.PERMANENT] * 10 + [None]
    assert "another organisation" in outcomes[0].detail
    assert not any("provinsi" in str(item) for item in await bappenas.received())


async def test_a_deleted_dataset_is_hidden_and_can_come_back() -> None:
    bappenas = Bappenas()
    await bappenas.deliver("dataset", a_dataset())
    assert await bappenas.deliver("dataset", a_deletion("satudata.dataset", NAME)) == Outcome()
    assert (await bappenas.shown())["state"] == "deleted"
    await bappenas.deliver("dataset", a_dataset())
    assert (await bappenas.shown())["state"] == "active"


async def test_a_deletion_of_what_is_not_there_has_arrived() -> None:
    assert await Bappenas().deliver("dataset", a_deletion("satudata.dataset", NAME)) == Outcome()


@pytest.mark.parametrize("also", [(), ("soft-errors",)])
@pytest.mark.parametrize(("fault", "failure"), [("validation", Failure.PERMANENT), ("login", Failure.SINK_DOWN)])
async def test_ckans_refusal_is_the_same_at_any_http_status(
    fault: str, failure: Failure, also: tuple[str, ...]
) -> None:
    assert (await Bappenas(fault, *also).deliver("dataset", a_dataset())).failure is failure


async def test_ckans_not_found_at_http_200_still_creates() -> None:
    bappenas = Bappenas("soft-errors")
    assert await bappenas.deliver("dataset", a_dataset()) == Outcome()
    assert (await bappenas.shown())["name"] == NAME


async def test_an_activity_is_handed_over_in_sipds_shape() -> None:
    bappenas = Bappenas()
    assert await bappenas.deliver("kegiatan", an_activity()) == Outcome()
    [received] = await bappenas.received()
    assert (received["kegiatan"]["kode_sub_giat"], received["kegiatan"]["pagu"]) == (CODE, "296187500")


async def test_a_dropped_activity_is_for_people_to_report() -> None:
    outcome = await Bappenas().deliver("kegiatan", a_deletion("perencanaan.kegiatan", CODE))
    assert outcome.failure is Failure.PERMANENT
    assert CODE in outcome.detail


async def test_each_event_has_its_own_outcome() -> None:
    events = [an_activity(), a_deletion("perencanaan.kegiatan", CODE)]
    outcomes = await Bappenas().adapter.deliver("kegiatan", events)
    assert [outcome.failure for outcome in outcomes] == [None, Failure.PERMANENT]


async def test_a_poll_takes_the_years_in_turn_and_then_rests() -> None:
    adapter = Bappenas(years=(2021, 2026)).adapter
    first = await adapter.poll("dak", None)
    second = await adapter.poll("dak", first.cursor)
    third = await adapter.poll("dak", second.cursor)
    assert [(step.rows and step.rows.source, step.more) for step in (first, second, third)] == [
        ("/krisna/dak/2021", True),
        ("/krisna/dak/2026", False),
        ("/krisna/dak/2021", True),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(500),
        httpx.Response(400),
        httpx.Response(200, json={"status": False, "message": "tahun belum dibuka"}),
        httpx.Response(200, text="<html>"),
    ],
)
async def test_a_year_that_krisna_lacks_held_up_all_other_years(answer: httpx.Response) -> None:
    adapter = a_krisna_that_says({2021: answer})
    first = await adapter.poll("dak", None)
    second = await adapter.poll("dak", first.cursor)
    assert (first.rows, first.more) == (None, True)
    assert first.fault is not None
    assert "budget year 2021" in first.fault.detail
    assert second.rows is not None
    assert (second.rows.source, second.fault) == ("/krisna/dak/2026", None)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401),
        httpx.Response(503, headers={"retry-after": "60"}),
        httpx.Response(200, json={"status": False, "message": "Akses Ditolak"}),
    ],
)
async def test_a_refused_account_and_a_wait_are_of_all_years(answer: httpx.Response) -> None:
    with pytest.raises(AgencyFault):
        await a_krisna_that_says({2021: answer}).poll("dak", None)


def a_krisna_that_says(answers: dict[int, httpx.Response]) -> BappenasAdapter:
    """The adapter for the years 2021 and 2026; a year without an answer of its own has an empty list."""

    def answer(request: httpx.Request) -> httpx.Response:
        year = int(request.url.path.rsplit("/", 1)[1])
        return answers.get(year, httpx.Response(200, json={"status": True, "data": []}))

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://krisna.test")
    krisna, ckan = Krisna(http, SecretStr(APIKEY), KODE_PEMDA), Ckan(http, SecretStr(TOKEN), ORGANIZATION)
    return BappenasAdapter(krisna, ckan, organization=ORGANIZATION, years=(2021, 2026))


async def test_polled_rows_are_valid_records(violations: Any) -> None:
    polled = await Bappenas().adapter.poll("dak", None)
    assert polled.rows is not None
    assert [violations("perencanaan/dak", row.data) for row in polled.rows.rows] == [[]] * ROWS_A_YEAR


@pytest.mark.parametrize(("faults", "apikey"), [(["apikey"], APIKEY), ([], "kunci-salah")])
async def test_a_refused_key_stops_the_poll_and_is_not_repeated(faults: list[str], apikey: str) -> None:
    with pytest.raises(AgencyFault) as fault:
        await Bappenas(*faults, apikey=apikey).adapter.poll("dak", None)
    assert fault.value.failure is Failure.SINK_DOWN
    assert apikey not in fault.value.detail


@pytest.mark.parametrize("outage", ["down", "garbage"])
@pytest.mark.parametrize(("operation", "event"), [("dataset", a_dataset()), ("kegiatan", an_activity())])
async def test_an_outage_is_waited_out(outage: str, operation: str, event: Event) -> None:
    assert (await Bappenas(outage).deliver(operation, event)).failure is Failure.TRANSIENT


def test_the_simulators_settings_let_the_adapter_in() -> None:
    given: dict[str, Any] = {name.lower(): value for name, value in SIMULATOR.settings.items()}
    settings = BappenasSettings(base_url="http://127.0.0.1:1", **given)
    assert settings.tahun == (2021, 2026)
    assert APIKEY not in repr(settings)


def test_no_year_to_poll_is_a_wrong_setting() -> None:
    given: dict[str, Any] = {name.lower(): value for name, value in SIMULATOR.settings.items()} | {"tahun": ()}
    with pytest.raises(ValidationError, match="tahun"):
        BappenasSettings(base_url="http://127.0.0.1:1", **given)
