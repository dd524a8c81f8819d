"""Datasets to CKAN and sub-activities to SIPD's shape."""

from typing import Any

import pytest

from adapters.bappenas.mapping import name_districts, read_ckan_fault, write_activity, write_package
from bus.kit import Failure


def a_dataset(**other: Any) -> dict[str, Any]:
    return {
        "nama": "jumlah-penduduk",
        "judul": "Jumlah penduduk",
        "deskripsi": "Menurut kecamatan.",
        "produsen": "dukcapil-lamongan",
        "frekuensi": "tahunan",
        "lisensi": "CC-BY-4.0",
        "sumber_daya": [{"nama": "Data", "url": "https://data.contoh.id/a.csv", "format": "CSV"}],
    } | other


def an_activity(**other: Any) -> dict[str, Any]:
    return {
        "kode_sub_kegiatan": "7.01.02.2.01.0001",
        "nama_sub_kegiatan": "Penyusunan laporan",
        "tahun_anggaran": 2026,
        "opd": "bappeda",
        "pagu": 296187500,
        "indikator": [{"uraian": "Laporan", "target": 1, "satuan": "Laporan"}],
        "sumber_dana": [{"kode": "1.1", "nama": "PAD"}],
    } | other


def test_a_dataset_has_ckans_fields() -> None:
    sent = write_package(a_dataset(kontak="walidata@contoh.id", kata_kunci=["penduduk"]), "kabupaten-lamongan")
    assert {name: sent[name] for name in ("name", "title", "notes", "owner_org", "license_id", "maintainer_email")} == {
        "name": "jumlah-penduduk",
        "title": "Jumlah penduduk",
        "notes": "Menurut kecamatan.",
        "owner_org": "kabupaten-lamongan",
        "license_id": "cc-by",
        "maintainer_email": "walidata@contoh.id",
    }
    assert sent["tags"] == [{"name": "penduduk"}]
    assert [item["url"] for item in sent["resources"]] == ["https://data.contoh.id/a.csv"]


def test_satu_datas_metadata_go_into_extras() -> None:
    sent = write_package(a_dataset(konsep="Penduduk", cakupan_wilayah="35.24", mulai="2026-01-01"), "x")
    assert sent["extras"] == [
        {"key": "produsen_data", "value": "dukcapil-lamongan"},
        {"key": "frekuensi_pembaruan", "value": "tahunan"},
        {"key": "konsep", "value": "Penduduk"},
        {"key": "cakupan_wilayah", "value": "35.24"},
        {"key": "cakupan_mulai", "value": "2026-01-01"},
    ]


@pytest.mark.parametrize(
    ("error", "status", "failure"),
    [
        ({"__type": "Validation Error", "notes": ["Missing value"]}, 409, Failure.PERMANENT),
        ({"__type": "Validation Error", "notes": ["Missing value"]}, 200, Failure.PERMANENT),
        ({"__type": "Validation Error", "name": ["That URL is already in use."]}, 409, Failure.TRANSIENT),
        ({"__type": "Authorization Error", "message": "Access denied"}, 403, Failure.SINK_DOWN),
        ({"__type": "Not Found Error", "message": "Not found"}, 404, Failure.SINK_DOWN),
    ],
)
def test_ckan_says_what_kind_of_wrong(error: dict[str, Any], status: int, failure: Failure) -> None:
    fault = read_ckan_fault(error, status)
    assert fault is not None
    assert fault.failure is failure


def test_a_validation_error_names_fields_and_not_what_they_held() -> None:
    error = {"__type": "Validation Error", "maintainer_email": ["budi@contoh.id is no e-mail address"]}
    fault = read_ckan_fault(error, 409)
    assert fault is not None
    assert fault.detail == "CKAN refuses maintainer_email"


def test_an_activity_has_sipds_shape_with_every_number_a_string() -> None:
    assert write_activity(an_activity(lokasi=["35.24.01.2001", "35.24.01", "35.24.05"])) == {
        "kode_sub_giat": "7.01.02.2.01.0001",
        "nama_sub_giat": "Penyusunan laporan",
        "kode_skpd": "bappeda",
        "pagu": "296187500",
        "sub_keg_indikator": [{"outputteks": "Laporan", "targetoutput": "1", "satuanoutput": "Laporan"}],
        "lokasi_sub_keg": [{"camatteks": "Sukorame"}, {"camatteks": "Babat"}],
        "sumber_dana": [{"kode_dana": "1.1", "nama_dana": "PAD"}],
        "tahun_anggaran": "2026",
    }


@pytest.mark.parametrize(("rupiah", "text"), [(0, "0"), (999999999999999, "999999999999999"), (2e9, "2000000000")])
def test_money_is_written_without_separators_or_exponent(rupiah: float, text: str) -> None:
    assert write_activity(an_activity(pagu=rupiah))["pagu"] == text


@pytest.mark.parametrize(("target", "text"), [(7.4, "7.4"), (12, "12"), (1000000000.0, "1000000000"), (0.5, "0.5")])
def test_a_target_is_written_as_short_as_it_is_exact(target: float, text: str) -> None:
    indicator = {"uraian": "x", "target": target, "satuan": "Km"}
    assert write_activity(an_activity(indikator=[indicator]))["sub_keg_indikator"][0]["targetoutput"] == text


def test_the_regency_as_a_place_is_all_its_kecamatan() -> None:
    assert name_districts(["35.24", "35.24.27"]) == ["Semua Kecamatan", "Sarirejo"]
