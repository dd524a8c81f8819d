"""`make run`: everything arrives and is counted, what does not is named, and no process is left."""

from pathlib import Path

import pytest

from samples import traffic
from samples.data import make_invalid_samples
from tests.samples import demo
from tests.samples.demo import Ended

pytestmark = pytest.mark.timeout(450)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A demo in which all went well."""
    return demo.run_once(tmp_path_factory.mktemp("whole"), "--within", "200")


def test_it_ends_well_when_everything_arrived(whole: Ended) -> None:
    assert whole.code == 0, whole.output
    assert "0 wrong" in whole.output.splitlines()[-1]


def test_the_village_gets_its_own_residents_alone(whole: Ended) -> None:
    own = sum(person["alamat"]["kode_wilayah"] == "35.24.01.2001" for person in traffic.RESIDENTS)
    everybody = len(traffic.RESIDENTS)
    assert 0 < own < everybody
    # One more of each: the deletion of the resident who died. As records, hers is the deletion.
    assert whole.counts("kependudukan.penduduk", "desa-sembung", "webhook") == [everybody + 1, own + 1, own + 1, 0]
    assert whole.counts("kependudukan.penduduk", "desa-sembung", "records") == [everybody + 1, own, own, 0]


def test_the_tax_office_gets_every_resident(whole: Ended) -> None:
    everybody = len(traffic.RESIDENTS) + 1
    assert whole.counts("kependudukan.penduduk", "bapenda", "webhook") == [everybody, everybody, everybody, 0]


@pytest.mark.parametrize(
    ("contract", "consumer", "way", "arrived"),
    [
        ("kependudukan.cari-nik", "kemendagri", "query", 54),
        ("kependudukan.data-balikan", "kemendagri", "adapter", 54),
        ("layanan.katalog", "kominfo", "adapter", 24),
        ("satudata.indikator", "bappeda", "feed", 5),
        ("infrastruktur.ruas-jalan", "pupr", "adapter", 27),
        ("satudata.dataset", "bappenas", "adapter", 27),
        ("perencanaan.kegiatan", "bappenas", "adapter", 27),
        ("perencanaan.dak", "bappeda", "feed", 24),
        ("pengaduan.laporan", "dinas-kominfo", "webhook", 12),
        ("pengaduan.tindak-lanjut", "ksp", "adapter", 8),
    ],
)
def test_every_operation_of_every_adapter_carries_traffic(
    whole: Ended, contract: str, consumer: str, way: str, arrived: int
) -> None:
    assert whole.counts(contract, consumer, way) == [arrived, arrived, arrived, 0]


def test_what_is_bad_is_refused_with_the_place_of_the_mistake(whole: Ended) -> None:
    refused = [line for line in whole.output.splitlines() if line.startswith("refused: ")]
    pointed = [line for line in refused if "-> 422 /data/" in line]
    assert len(pointed) == len(make_invalid_samples())
    assert len(refused) == len(pointed) + 1
    assert any("bapenda" in line and "-> 403" in line for line in refused)


def test_a_bus_that_ends_is_not_offered_for_a_try(whole: Ended) -> None:
    assert "curl" not in whole.output


@pytest.mark.parametrize("fault", ["foo:bar", "pupr", "pupr:"])
def test_a_fault_of_no_agency_is_refused(tmp_path: Path, fault: str) -> None:
    ended = demo.run_once(tmp_path, "--fault", fault)
    assert ended.code == 2
    assert "kominfo, kemendagri, pupr, bappenas, ksp" in ended.output
    assert list(tmp_path.iterdir()) == []


def test_a_fault_that_the_agency_has_not_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    ended = demo.run_once(tmp_path, "--fault", "pupr:donw:count=1")
    assert ended.code == 2
    assert "pupr: there is no fault 'donw'; did you mean 'down'?" in " ".join(ended.output.split())


def test_no_process_is_left(whole: Ended) -> None:
    places = demo.addresses(whole.output)
    assert len(places) == 15
    assert not [place for place in places if demo.answering(place)]


def test_what_does_not_arrive_is_named(tmp_path: Path) -> None:
    broken = demo.run_once(tmp_path, "--within", "5", "--fault", "pupr:down")
    assert broken.code == 1
    assert "missing: infrastruktur.ruas-jalan to pupr by adapter: 27 of 27" in broken.output
    assert f"logs: {tmp_path}" in broken.output
    assert broken.counts("infrastruktur.ruas-jalan", "pupr", "adapter")[2] == 0
