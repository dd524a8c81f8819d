"""Tables in CKAN's datastore, and datasets of several organisations."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapters.bappenas.adapter import BappenasAdapter, BappenasSettings
from adapters.bappenas.ckan import Ckan
from adapters.bappenas.datastore import Datastore
from adapters.bappenas.krisna import Krisna
from adapters.bappenas.simulator import APIKEY, KODE_PEMDA, ORGANIZATION, SIMULATOR, TOKEN
from bus.kit import AgencyFault, Event, Failure, Outcome, SimulatedFault, SimulatedFaults

DATASET = "padi"
TABLE = "padi.panen"


def a_dataset(**other: Any) -> Event:
    data = {
        "nama": DATASET,
        "judul": "Padi",
        "produsen": "dpupr",
        "sumber_daya": [{"nama": "Berkas", "url": "https://x.example/a.csv", "format": "CSV"}],
    }
    return Event(id="1", source="/kominfo", type="satudata.dataset", subject=DATASET, data={**data, **other})


def a_table(*rows: tuple[str, float], name: str = TABLE) -> Event:
    data = {
        "nama": name,
        "kolom": [{"nama": "kode", "jenis": "teks"}, {"nama": "ton", "jenis": "angka"}],
        "kunci": "kode",
        "baris": [[code, tons] for code, tons in rows],
    }
    return Event(id="2", source="/kominfo", type="satudata.tabel", subject=name, data=data)


class Portal:
    """The simulator, and the adapter that speaks to it."""

    def __init__(self, *faults: str, **organizations: str) -> None:
        self.faults = SimulatedFaults(SIMULATOR.faults, faults)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(SIMULATOR.create_app(self.faults)), base_url="http://x.test"
        )
        krisna = Krisna(self.http, SecretStr(APIKEY), KODE_PEMDA)
        ckan = Ckan(self.http, SecretStr(TOKEN), ORGANIZATION, organizations.values())
        self.adapter = BappenasAdapter(
            krisna, ckan, organization=ORGANIZATION, years=[2026], organizations=organizations
        )

    async def deliver(self, event: Event) -> Outcome:
        (outcome,) = await self.adapter.deliver(event.type.partition(".")[2], [event])
        return outcome

    async def ask(self, action: str, **argument: Any) -> Any:
        answer = await self.http.post(f"/api/3/action/{action}", json=argument, headers={"authorization": TOKEN})
        return answer.json()["result"]

    async def resources(self) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = (await self.ask("package_show", id=DATASET))["resources"]
        return shown

    async def rows(self) -> dict[str, float]:
        (table,) = [one for one in await self.resources() if one["name"] == TABLE]
        found = await self.ask("datastore_search", resource_id=table["id"], offset=0, limit=100)
        return {one["kode"]: one["ton"] for one in found["records"]}


@pytest.fixture
async def portal() -> Portal:
    made = Portal()
    await made.deliver(a_dataset())
    return made


async def test_a_tables_rows_are_in_the_datastore_of_its_dataset(portal: Portal) -> None:
    assert await portal.deliver(a_table(("01", 5), ("02", 7.5))) == Outcome()
    assert await portal.rows() == {"01": 5, "02": 7.5}


async def test_a_table_that_comes_again_changes_nothing_and_makes_no_second_resource(portal: Portal) -> None:
    for _ in range(2):
        await portal.deliver(a_table(("01", 5)))
    assert [one["name"] for one in await portal.resources()] == ["Berkas", TABLE]
    assert await portal.rows() == {"01": 5}


async def test_rows_that_are_changed_or_gone_are_so_in_the_datastore(portal: Portal) -> None:
    await portal.deliver(a_table(("01", 5), ("02", 7)))
    await portal.deliver(a_table(("02", 8), ("03", 9)))
    assert await portal.rows() == {"02": 8, "03": 9}


async def test_a_change_of_the_dataset_keeps_its_tables(portal: Portal) -> None:
    await portal.deliver(a_table(("01", 5)))
    await portal.deliver(a_dataset(judul="Padi sawah"))
    assert await portal.rows() == {"01": 5}


async def test_a_deleted_table_is_no_resource_any_more_and_may_be_deleted_twice(portal: Portal) -> None:
    await portal.deliver(a_table(("01", 5)))
    gone = Event(id="3", source="/kominfo", type="satudata.tabel", subject=TABLE, data=None)
    assert [await portal.deliver(gone) for _ in range(2)] == [Outcome()] * 2
    assert [one["name"] for one in await portal.resources()] == ["Berkas"]


async def test_a_deletion_while_the_token_is_refused_waits_and_is_not_taken_for_done(portal: Portal) -> None:
    await portal.deliver(a_table(("01", 5)))
    gone = Event(id="3", source="/kominfo", type="satudata.tabel", subject=TABLE, data=None)
    portal.faults.switch_on(SimulatedFault(name="login"))
    assert (await portal.deliver(gone)).failure is Failure.SINK_DOWN
    portal.faults.switch_off()
    assert await portal.rows() == {"01": 5}
    assert await portal.deliver(gone) == Outcome()
    assert [one["name"] for one in await portal.resources()] == ["Berkas"]


@pytest.mark.parametrize("rows", [[["01"]], [["01", 1], ["01", 2]], [[None, 1]]], ids=["short", "twice", "no key"])
async def test_rows_that_do_not_fit_their_columns_are_dead_and_nothing_is_sent(portal: Portal, rows: list[Any]) -> None:
    event = a_table()
    outcome = await portal.deliver(replace(event, data={**event.data, "baris": rows}))
    assert outcome.failure is Failure.PERMANENT
    assert [one["name"] for one in await portal.resources()] == ["Berkas"]


async def test_a_table_waits_for_its_dataset() -> None:
    assert (await Portal().deliver(a_table(("01", 5)))).failure is Failure.TRANSIENT


async def test_a_table_of_another_organisations_dataset_is_dead_for_itself_alone(portal: Portal) -> None:
    assert (await portal.deliver(a_table(("01", 5), name="provinsi-padi.panen"))).failure is Failure.PERMANENT


async def test_a_table_of_a_dataset_that_another_organisation_hides_is_dead_for_itself_alone() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("organization_list_for_user"):
            return httpx.Response(200, json={"success": True, "result": [{"name": ORGANIZATION}]})
        return httpx.Response(403, json={"success": False, "error": {"__type": "Authorization Error"}})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://x.test")
    datastore = Datastore(Ckan(http, SecretStr(TOKEN), ORGANIZATION))
    with pytest.raises(AgencyFault) as fault:
        await datastore.put(a_table(("01", 5)).data)
    assert fault.value.failure is Failure.PERMANENT


@pytest.mark.parametrize("action", ["resource_create", "datastore_create", "datastore_upsert", "datastore_search"])
async def test_a_table_that_somebody_deletes_meanwhile_is_tried_again_and_stops_no_queue(action: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(action):
            return httpx.Response(404, json={"success": False, "error": {"__type": "Not Found Error"}})
        known = [] if action == "resource_create" else [{"id": "res-1", "name": TABLE}]
        return httpx.Response(200, json={"success": True, "result": {"name": DATASET, "resources": known}})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://x.test")
    datastore = Datastore(Ckan(http, SecretStr(TOKEN), ORGANIZATION))
    with pytest.raises(AgencyFault) as fault:
        await datastore.put(a_table(("01", 5)).data)
    assert fault.value.failure is Failure.TRANSIENT
    assert "any more" in fault.value.detail


async def test_a_dataset_belongs_to_the_organisation_of_its_office() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        missing = {"success": False, "error": {"__type": "Not Found Error"}}
        done = request.url.path.endswith("package_create")
        return httpx.Response(200 if done else 404, json={"success": True, "result": {}} if done else missing)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://x.test")
    ckan = Ckan(http, SecretStr(TOKEN), ORGANIZATION, ["dinas-pupr"])
    krisna = Krisna(http, SecretStr(APIKEY), KODE_PEMDA)
    adapter = BappenasAdapter(
        krisna, ckan, organization=ORGANIZATION, years=[2026], organizations={"dpupr": "dinas-pupr"}
    )
    assert list(await adapter.deliver("dataset", [a_dataset()])) == [Outcome()]
    assert b'"owner_org":"dinas-pupr"' in sent[-1].content.replace(b": ", b":")


def test_organisations_are_written_as_pairs() -> None:
    given: dict[str, Any] = {"base_url": "https://x.test", "krisna_apikey": "a", "kode_pemda": "3524", "tahun": "2026"}
    given["ckan_organizations"] = "dpupr:dinas-pupr, dinkes:dinas-kesehatan"
    settings = BappenasSettings(ckan_token=SecretStr("t"), **given)
    assert settings.ckan_organizations == {"dpupr": "dinas-pupr", "dinkes": "dinas-kesehatan"}
