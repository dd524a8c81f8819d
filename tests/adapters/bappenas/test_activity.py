"""Sub-activities in SIPD's form, read back from KRISNA."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from adapters.bappenas.activity import read_activities, read_activity
from adapters.bappenas.adapter import BappenasAdapter
from adapters.bappenas.ckan import Ckan
from adapters.bappenas.kecamatan import KECAMATAN
from adapters.bappenas.krisna import Krisna
from adapters.bappenas.mapping import write_activity
from adapters.bappenas.simulator import APIKEY, KODE_PEMDA, SIMULATOR, TOKEN
from bus.kit import DELIVERED, Event, Row, SimulatedFaults, fold

Violations = Callable[[str, Any], list[str]]
CODE = "7.01.02.2.01.0001"


def an_entry(**other: Any) -> dict[str, Any]:
    """As public clients of SIPD show it."""
    return {
        "kode_sub_giat": CODE,
        "nama_sub_giat": "Penyusunan laporan ",
        "nama_skpd": "Kecamatan Babat",
        "pagu": "296187500",
        "sub_keg_indikator": [{"outputteks": "Laporan", "targetoutput": "1 ", "satuanoutput": "Laporan"}],
        "lokasi_sub_keg": [{"camatteks": "Kec. Babat"}, {"camatteks": "BABAT"}],
        "sumber_dana": [{"kode_dana": "1.1", "nama_dana": "-"}],
        "tahun_anggaran": "2026",
    } | other


def read(**other: Any) -> dict[str, Any]:
    return read_activity(fold(an_entry(**other)), 2026)


def test_a_recorded_sub_activity_becomes_a_record_of_the_contract(violations: Violations) -> None:
    record = read()
    assert record == {
        "nomor": f"2026-{CODE}",
        "kode_sub_kegiatan": CODE,
        "nama_sub_kegiatan": "Penyusunan laporan",
        "tahun_anggaran": 2026,
        "opd": "Kecamatan Babat",
        "pagu": 296187500,
        "indikator": [{"uraian": "Laporan", "target": 1, "satuan": "Laporan"}],
        "lokasi": ["35.24.05"],
        "sumber_dana": [{"kode": "1.1"}],
    }
    assert violations("perencanaan/kegiatan-krisna", record) == []


@pytest.mark.parametrize(
    "funds",
    [{"kode_dana": "1.1"}, {"0": {"kode_dana": "1.1"}}, [{"kode_dana": "1.1"}]],
    ids=["one item without its list", "an object with numbers as names", "a list"],
)
def test_content_that_is_an_object_where_a_list_was_documented_is_read(funds: Any) -> None:
    assert read(sumber_dana=funds)["sumber_dana"] == [{"kode": "1.1"}]


def test_a_column_of_another_year_is_read() -> None:
    entry = {"kode_sub_kegiatan": CODE, "nama_sub_kegiatan": "Laporan", "pagu": 5}
    assert read_activity(entry, 2021)["nama_sub_kegiatan"] == "Laporan"


def test_a_kecamatan_of_another_regency_stays_for_the_gate_to_name(violations: Violations) -> None:
    record = read(lokasi_sub_keg=[{"camatteks": "Bojonegoro"}])
    assert record["lokasi"] == ["Bojonegoro"]
    assert violations("perencanaan/kegiatan-krisna", record) != []


def test_a_sub_activity_without_a_code_has_no_key_and_holds_up_no_other() -> None:
    rows = read_activities(fold([an_entry(), an_entry(kode_sub_giat=None), "teks"]), 2026).rows
    assert [row.key for row in rows] == [f"2026-{CODE}", None, None]


TEXTS = st.text("abcdefgh ", min_size=1, max_size=20).map(str.strip).filter(bool)
RUPIAH = st.integers(0, 999_999_999_999_999)
ACTIVITIES = st.fixed_dictionaries(
    {
        "kode_sub_kegiatan": st.just(CODE),
        "nama_sub_kegiatan": TEXTS,
        "tahun_anggaran": st.just(2026),
        "opd": TEXTS,
        "pagu": RUPIAH,
        "indikator": st.lists(
            st.fixed_dictionaries({"uraian": TEXTS, "target": st.integers(0, 10**9), "satuan": TEXTS}), min_size=1
        ),
        "lokasi": st.lists(st.sampled_from([*KECAMATAN, "35.24"]), min_size=1, unique=True),
        "sumber_dana": st.lists(
            st.fixed_dictionaries({"kode": st.just("1.1"), "nama": TEXTS, "jumlah": RUPIAH}), min_size=1
        ),
    }
)


@given(ACTIVITIES)
def test_what_the_bus_writes_in_sipds_form_it_reads_back(data: dict[str, Any]) -> None:
    record = read_activity(fold(write_activity(data)), 2026)
    assert record == {"nomor": f"2026-{CODE}", **data}


class Site:
    """The simulator, and the adapter that speaks to it."""

    def __init__(self, *faults: str) -> None:
        transport = httpx.ASGITransport(SIMULATOR.create_app(SimulatedFaults(SIMULATOR.faults, faults)))

        def http() -> httpx.AsyncClient:
            return httpx.AsyncClient(transport=transport, base_url="http://bappenas.test")

        krisna = Krisna(http(), SecretStr(APIKEY), KODE_PEMDA)
        ckan = Ckan(http(), SecretStr(TOKEN), "kabupaten-lamongan")
        self.adapter = BappenasAdapter(krisna, ckan, organization="kabupaten-lamongan", years=[2025, 2026])

    async def poll(self) -> list[Row]:
        """The rows of both budget years."""
        found: list[Row] = []
        cursor, more = None, True
        while more:
            polled = await self.adapter.poll("kegiatan-krisna", cursor)
            assert polled.rows is not None
            found += polled.rows.rows
            cursor, more = polled.cursor, polled.more
        return found


@pytest.mark.parametrize("faults", [(), ("object",)])
async def test_a_sub_activity_that_was_delivered_to_krisna_is_polled_from_it(faults: tuple[str, ...]) -> None:
    site = Site(*faults)
    data = {"kode_sub_kegiatan": CODE, "nama_sub_kegiatan": "Laporan", "tahun_anggaran": 2026, "pagu": 5}
    event = Event(id="1", source="/bappeda", type="perencanaan.kegiatan", subject=CODE, data=data)
    assert list(await site.adapter.deliver("kegiatan", [event])) == [DELIVERED]
    polled = [row.data for row in await site.poll() if row.key == f"2026-{CODE}"]
    assert polled == [{"nomor": f"2026-{CODE}", **data}]
