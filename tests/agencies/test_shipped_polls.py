"""The shipped polls of agencies whose lists are odd, from the agency's answer to the journal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from adapters.bappenas.adapter import BappenasFactory
from adapters.kominfo.adapter import FACTORY as KOMINFO
from adapters.ksp.adapter import FACTORY as KSP
from bus import json
from bus.agencies import Agencies, Holds, Poller
from bus.kit import Adapter, AdapterFactory, AdapterSettings, Does, Operation
from bus.storage import make_leadership
from tests.a_bus import Bus
from tests.attacks.an_attacked_agency import Attacker, bappenas, kominfo, ksp
from tests.contracts.documents import SHIPPED, shipped

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def an_indicator(number: int, text: str = "Umur") -> dict[str, Any]:
    return {
        "id": number,
        "kode_indikator_nama_indikator": "1.02.01 Angka harapan hidup",
        "opds_nama_opd": "Dinas Kesehatan",
        "satuan": "Tahun",
        "tahun": "2024",
        "variabel": text,
        "nilai": "72,9",
    }


def a_complaint(number: int, text: str = "Lubang", status: str = "Diproses") -> dict[str, Any]:
    return {
        "tracking_id": 9000000 + number,
        "title": "Jalan rusak",
        "content": text,
        "category": "Infrastruktur",
        "status": status,
        "created_at": "2026-03-03 08:12:00",
    }


def a_dak_row(number: int, text: str = "Jalan") -> dict[str, Any]:
    return {
        "id_detail_rincian": number,
        "bidang": "Jalan",
        "sub_bidang": text,
        "menu_kegiatan": "Penanganan jalan",
        "jenis": "DAK Fisik",
        "pelaksana": ["Dinas PU"],
        "detail_rincian": "Rekonstruksi ruas",
        "status_detail": "Disetujui",
        "satuan": "km",
        "volume_rk": "3.2",
        "nilai_usulan": "9600000000",
        "nilai_rk": "7200000000",
    }


@dataclass(frozen=True)
class Polled:
    """A shipped poll.

    Attributes:
        make: the adapter before an attacker.
        wrap: the agency's answer with these rows.
        row: a row, by number and with a text.
        key: the row's own key, by number.
    """

    factory: AdapterFactory
    contract: str
    make: Callable[[Attacker], Adapter]
    wrap: Callable[[list[Any]], Any]
    row: Callable[[int, str], dict[str, Any]]
    key: Callable[[int], str]


POLLS = {
    "kominfo": Polled(
        KOMINFO, "satudata.indikator", kominfo, lambda rows: {"api_status": 1, "data": rows}, an_indicator, str
    ),
    "ksp": Polled(KSP, "pengaduan.laporan", ksp, lambda rows: rows, a_complaint, lambda number: str(9000000 + number)),
    "bappenas": Polled(
        BappenasFactory(),
        "perencanaan.dak",
        bappenas,
        lambda rows: {"data": rows},
        a_dak_row,
        lambda number: f"2026-{number}",
    ),
}


class Site:
    """A bus that polls one agency, whose list is `rows`."""

    def __init__(self, bus: Bus, polled: Polled) -> None:
        self.rows: list[Any] = []
        self._bus, self._polled = bus, polled
        (contract,) = (shipped(path) for path in SHIPPED if shipped(path).name == polled.contract)
        bus.rooms.catalogue.registrar.apply([contract], bus.operator)
        operation = next(one for one in polled.factory.operations if one.does is Does.POLL)
        self._operation: Operation = operation
        factory = _Factory(polled.factory, polled.make(Attacker(lambda _: httpx.Response(200, content=self._answer()))))
        agencies = Agencies(
            {polled.factory.name: {"base_url": "https://badan.example"}}, {factory.name: lambda: factory}
        )
        rooms = bus.rooms
        leads = make_leadership(rooms.storage, "poller")
        self._poller = Poller(rooms.storage, agencies, rooms.gate, rooms.recorder, rooms.appender, leads, rooms.heavy)
        self.holds = Holds(rooms.storage)

    def _answer(self) -> bytes:
        # Half a surrogate pair, as an agency's server writes it.
        return json.dumps(self._polled.wrap(self.rows)).replace(b"@half@", b"\\ud83d")

    async def round(self, *rows: Any) -> list[Any]:
        """Poll until the agency has no more; the data of each new event, by key."""
        self.rows = list(rows)
        journal = self._bus.rooms.journal
        before = journal.last_position()
        while await self._poller.step(self._polled.factory.name, self._operation):
            pass
        positions = list(range(before + 1, journal.last_position() + 1))
        entries = journal.at(positions)
        return [(entries[one].key, json.loads(entries[one].body)["data"]) for one in positions]

    def aside(self) -> list[str]:
        """The keys of the rows that are set aside."""
        return [one.key for one in self._bus.rooms.set_aside.search()]


class _Factory:
    """An agency's own factory, but for the settings and the adapter."""

    def __init__(self, of: AdapterFactory, adapter: Adapter) -> None:
        self.name, self.participant, self.operations = of.name, of.participant, of.operations
        self.settings = AdapterSettings
        self._adapter = adapter

    def create(self, settings: Any) -> Adapter:
        return self._adapter


@pytest.mark.parametrize("agency", POLLS)
async def test_half_a_surrogate_pair_sets_its_row_aside_and_the_others_arrive(bus: Bus, agency: str) -> None:
    polled = POLLS[agency]
    site = Site(bus, polled)
    row, key = polled.row, polled.key
    assert [name for name, _ in await site.round(row(1, "a"), row(2, "potong@half@"), row(3, "c"))] == [key(1), key(3)]
    assert site.aside() == [key(2)]
    assert [name for name, _ in await site.round(row(1, "a"), row(2, "b"), row(3, "c"), row(4, "d"))] == [
        key(2),
        key(4),
    ]
    assert site.aside() == []


@pytest.mark.parametrize("odd", [None, "teks", 7, [], {"x": 1}])
@pytest.mark.parametrize("agency", POLLS)
async def test_an_entry_that_is_no_row_is_set_aside_and_the_others_arrive(bus: Bus, agency: str, odd: Any) -> None:
    polled = POLLS[agency]
    site = Site(bus, polled)
    assert [name for name, _ in await site.round(polled.row(1, "a"), odd, polled.row(3, "c"))] == [
        polled.key(1),
        polled.key(3),
    ]
    assert len(site.aside()) == 1
    assert await site.round(polled.row(1, "a"), odd, polled.row(3, "c")) == []


@pytest.mark.parametrize("agency", POLLS)
async def test_what_returns_to_an_earlier_state_is_news(bus: Bus, agency: str) -> None:
    polled = POLLS[agency]
    site = Site(bus, polled)
    told = [len(await site.round(polled.row(1, text))) for text in ("Diproses", "Selesai", "Diproses", "Diproses")]
    assert told == [1, 1, 1, 0]


async def test_a_complaint_that_goes_diproses_selesai_diproses_is_diproses(bus: Bus) -> None:
    site = Site(bus, POLLS["ksp"])
    for state in ("Diproses", "Selesai", "Diproses"):
        ((_, data),) = await site.round(a_complaint(1, status=state))
        assert data["status"] == state.lower()


@pytest.mark.parametrize("agency", ["kominfo", "bappenas"])
async def test_a_list_of_three_in_place_of_a_hundred_deletes_nothing(bus: Bus, agency: str) -> None:
    polled = POLLS[agency]
    site = Site(bus, polled)
    rows = [polled.row(number, "a") for number in range(1, 101)]
    await site.round(*rows)
    assert await site.round(*rows[:3]) == []
    assert await site.round() == []
    assert await site.round(*rows) == []
    site.rows = rows[:3]
    await site.round(*rows[:3])
    site.holds.release(polled.factory.name, bus.operator)
    assert [data for _, data in await site.round(*rows[:3])] == [None] * 97
