"""The shared definitions, value by value."""

import pytest

from tests.schemas import resolved


def is_valid(value: object, definition: str) -> bool:
    file, _, fragment = definition.partition("#")
    uri = (resolved.SCHEMAS / "common" / f"{file}.schema.json").resolve().as_uri()
    return resolved.validator(uri + ("#" + fragment if fragment else "")).is_valid(value)


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ("nik", "3524010101909001"),
        ("nik", "3524017112909001"),
        ("nik", "9171013112850001"),
        pytest.param("nik", "5471013112850001", id="a NIK of a region that is no more"),
        ("nomor-kk", "3524011506159001"),
        ("nip", "198001012005011001"),
        ("nip", "199003152023212001"),
        ("nib", "0120200012345"),
        ("npwp", "012345678901000"),
        ("npwp", "3524010101909001"),
        ("wilayah", "35"),
        ("wilayah", "35.24"),
        ("wilayah", "35.24.27"),
        ("wilayah", "35.24.01.2001"),
        ("wilayah#/$defs/kecamatan_lamongan", "35.24.27"),
        ("wilayah#/$defs/desa_lamongan", "35.24.24.1001"),
        ("wilayah#/$defs/desa", "94.01.01.2001"),
        pytest.param("wilayah", "91.03.01.3007", id="desa adat"),
        pytest.param("wilayah#/$defs/desa", "91.03.01.3007", id="desa adat as a desa"),
        ("tanggal#/$defs/tanggal", "2024-02-29"),
        ("tanggal#/$defs/waktu", "2026-01-31T09:30:00+07:00"),
        ("uang", 0),
        ("uang", 296187500),
        ("geojson#/$defs/titik", {"type": "Point", "coordinates": [112.4, -7.1]}),
        ("geojson#/$defs/garis", {"type": "LineString", "coordinates": [[112.4, -7.1], [112.5, -7.1, 12.5]]}),
        ("teks#/$defs/slug", "jumlah-penduduk_2026"),
        ("teks#/$defs/nomor", "35.24.012"),
        ("teks#/$defs/telepon", "+62 322 000000"),
    ],
)
def test_what_the_rules_allow_is_valid(definition: str, value: object) -> None:
    assert is_valid(value, definition)


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        pytest.param("nik", 3524010101909001, id="a NIK is never a number"),
        pytest.param("nik", "3524010101900000", id="serial 0000"),
        pytest.param("nik", "3524010001909001", id="day 00"),
        pytest.param("nik", "3524013201909001", id="day 32, neither a man's nor a woman's"),
        pytest.param("nik", "3524014001909001", id="day 40"),
        pytest.param("nik", "3524017201909001", id="day 72"),
        pytest.param("nik", "3524010113909001", id="month 13"),
        pytest.param("nik", "0024010101909001", id="a province that cannot be"),
        pytest.param("nik", "352401010190900", id="15 digits"),
        pytest.param("nik", "3524010101909001\n", id="a line break after it"),
        pytest.param("nik", "３５２４010101909001", id="digits of another script"),
        pytest.param("nomor-kk", "3524015506159001", id="a card has no woman's day"),
        pytest.param("nip", "198013012005011001", id="born in month 13"),
        pytest.param("nip", "198001012005013001", id="sex 3"),
        pytest.param("wilayah", "3524012001", id="without dots"),
        pytest.param("wilayah", "35.24.1", id="one digit"),
        pytest.param("wilayah", "91.03.01.4001", id="neither desa, kelurahan nor desa adat"),
        pytest.param("wilayah#/$defs/desa", "91.03.01.0001", id="no kind of desa"),
        pytest.param("wilayah#/$defs/desa_lamongan", "35.24.01.3001", id="no desa adat in Lamongan"),
        pytest.param("wilayah#/$defs/kecamatan_lamongan", "35.24.28", id="there are 27 kecamatan"),
        pytest.param("wilayah#/$defs/desa_lamongan", "35.25.01.2001", id="another regency"),
        pytest.param("wilayah#/$defs/lamongan", "35.25", id="another regency's own code"),
        pytest.param("tanggal#/$defs/tanggal", "31-01-2026", id="a ministry's way of writing a date"),
        pytest.param("tanggal#/$defs/tanggal", "2026-02-29", id="no leap year"),
        pytest.param("tanggal#/$defs/waktu", "2026-01-31T09:30:00", id="no time zone"),
        pytest.param("uang", "296187500", id="money as text"),
        pytest.param("uang", 0.5, id="half a rupiah"),
        pytest.param("uang", 10**15, id="more than a JSON number holds exactly, with a margin"),
        pytest.param("geojson#/$defs/titik", {"type": "Point", "coordinates": [-7.1, 112.4]}, id="latitude first"),
        pytest.param("geojson#/$defs/garis", {"type": "LineString", "coordinates": [[112.4, -7.1]]}, id="one point"),
        pytest.param("teks#/$defs/slug", "Jumlah Penduduk", id="capitals and blanks"),
        pytest.param("teks#/$defs/nomor", "503/12/2026", id="a slash would end the key in an address"),
        pytest.param("teks#/$defs/surel", "bukan surel", id="no mail address"),
    ],
)
def test_what_the_rules_forbid_is_invalid(definition: str, value: object) -> None:
    assert not is_valid(value, definition)
