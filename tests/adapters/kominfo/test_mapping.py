from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kominfo.mapping import has_succeeded, read_indicators, write_service
from bus.kit import fold


def a_row(**changes):
    row = {
        "id": 1,
        "kode_indikator_nama_indikator": "1.02.01 Angka harapan hidup",
        "opds_nama_opd": "Dinas Kesehatan",
        "satuan": "Tahun",
        "tahun": "2024",
        "variabel": "Umur harapan hidup saat lahir",
        "nilai": "72,9",
    }
    return row | changes


def a_service(**changes):
    data = {
        "kode_layanan": "dukcapil.akta-kelahiran",
        "nama": "Penerbitan akta kelahiran",
        "opd": "dukcapil-lamongan",
        "deskripsi": "Pencatatan kelahiran.",
        "sasaran": "penduduk",
        "persyaratan": ["Kartu Keluarga"],
        "biaya": 0,
        "waktu_hari": 0,
        "dasar_hukum": ["UU 24/2013"],
        "kanal": [
            {"jenis": "loket", "keterangan": "Hari kerja"},
            {"jenis": "web", "url": "https://contoh.example/akta"},
        ],
        "kontak": {"surel": "layanan@contoh.example"},
        "status": "ditutup sementara",
        "diperbarui": "2026-01-05T10:00:00+07:00",
    }
    return data | changes


def a_record(**changes):
    (row,) = read_indicators([a_row(**changes)])
    return row.data


@pytest.mark.parametrize(
    ("status", "good"), [(1, True), ("1", True), (" 1 ", True), (0, False), ("0", False), (None, False), ("", False)]
)
def test_api_status_decides(status, good):
    assert has_succeeded({"api_status": status, "api_message": "success"}) is good


def test_an_answer_without_api_status_is_no_success():
    assert not has_succeeded({"data": []})


def test_a_row_becomes_a_record_of_the_contract(violations):
    (row,) = read_indicators([a_row()])
    assert (row.key, row.data) == (
        "1",
        {
            "id_indikator": "1",
            "nama_indikator": "1.02.01 Angka harapan hidup",
            "opd": "Dinas Kesehatan",
            "satuan": "Tahun",
            "tahun": 2024,
            "variabel": "Umur harapan hidup saat lahir",
            "nilai": 72.9,
        },
    )
    assert not violations("satudata/indikator", row.data)


@pytest.mark.parametrize(
    ("column", "sent", "field", "read"),
    [
        ("id", "17 ", "id_indikator", "17"),
        ("tahun", "2024  ", "tahun", 2024),
        ("tahun", 2024, "tahun", 2024),
        ("nilai", "1100250", "nilai", 1100250),
        ("nilai", " -3.5 ", "nilai", -3.5),
        ("nilai", Decimal("72.9000000000000056843418860808"), "nilai", 72.9),
        ("nilai", "72,9000000000000056843418860808", "nilai", 72.9),
    ],
)
def test_numbers_are_read_from_strings(column, sent, field, read):
    record = a_record(**{column: sent})
    assert record[field] == read


@pytest.mark.parametrize(
    ("column", "field"), [("satuan", "satuan"), ("variabel", "variabel"), ("nilai", "nilai"), ("opds_nama_opd", "opd")]
)
@pytest.mark.parametrize("empty", [None, "", "  ", "-"])
def test_what_the_list_does_not_say_is_absent(column, field, empty):
    record = a_record(**{column: empty})
    assert field not in record


def test_a_number_that_json_does_not_hold_stays_for_the_gate_to_name():
    (row,) = read_indicators([a_row(id=Decimal(10**30 + 1))])
    assert (row.key, row.data["id_indikator"]) == (str(10**30 + 1), Decimal(10**30 + 1))


def test_what_cannot_be_read_stays_for_the_gate_to_name(violations):
    record = a_record(tahun="dua ribu")
    assert record["tahun"] == "dua ribu"
    assert violations("satudata/indikator", record)


def test_rows_without_an_id_do_not_hide_each_other():
    assert [row.key for row in read_indicators([a_row(id=None), a_row(id=None)])] == [None, None]


@given(blanks=st.text(" ", max_size=4), capitals=st.booleans(), numbers_as_text=st.booleans())
def test_padding_key_case_and_numbers_as_text_change_nothing(blanks, capitals, numbers_as_text):
    def disguise(value):
        return f"{blanks}{value}{blanks}" if isinstance(value, str) or numbers_as_text else value

    row = {(name.upper() if capitals else name): disguise(value) for name, value in a_row().items()}
    assert read_indicators([fold(row)]) == read_indicators([a_row()])


def test_a_service_is_written_in_the_catalogues_form():
    assert write_service(a_service()) == {
        "kode_pemda": "35.24",
        "kode_layanan": "dukcapil.akta-kelahiran",
        "nama_layanan": "Penerbitan akta kelahiran",
        "instansi": "dukcapil-lamongan",
        "deskripsi": "Pencatatan kelahiran.",
        "sasaran": "penduduk",
        "persyaratan": ["Kartu Keluarga"],
        "biaya": "0",
        "waktu_penyelesaian": "0",
        "dasar_hukum": ["UU 24/2013"],
        "kanal": [
            {"jenis": "loket", "keterangan": "Hari kerja"},
            {"jenis": "web", "alamat": "https://contoh.example/akta"},
        ],
        "surel": "layanan@contoh.example",
        "status": "DITUTUP SEMENTARA",
        "tanggal_pembaruan": "2026-01-05T10:00:00+07:00",
    }


def test_what_a_service_does_not_say_is_not_sent():
    data = a_service()
    for optional in ("persyaratan", "waktu_hari", "dasar_hukum", "kontak", "diperbarui"):
        del data[optional]
    assert (
        not {"persyaratan", "waktu_penyelesaian", "dasar_hukum", "surel", "tanggal_pembaruan"}
        & write_service(data).keys()
    )
