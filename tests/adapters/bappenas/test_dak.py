"""KRISNA's DAK rows, and the turns that budget years take."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.bappenas.dak import (
    read_kind,
    read_proposers,
    read_record,
    read_status,
    read_turn,
    read_year,
    write_turn,
)
from adapters.bappenas.simulator import make_rows
from bus.kit import fold, read_number, read_rupiah

Violations = Callable[[str, Any], list[str]]


def a_row(number: int | None = 451, **other: Any) -> dict[str, Any]:
    return {
        "id_detail_rincian": number,
        "bidang": "Jalan",
        "sub_bidang": "Jalan Kabupaten",
        "menu_kegiatan": "Penanganan jalan",
        "jenis": "DAK Fisik",
        "pelaksana": ["Dinas PU"],
        "rincian": "Rekonstruksi",
        "detail_rincian": "Rekonstruksi ruas",
        "status_detail": "Disetujui",
        "satuan": "km",
        "volume_rk": "3.20000",
        "nilai_usulan": "9600000000",
        "nilai_rk": "7200000000.00000",
    } | other


def a_record() -> dict[str, Any]:
    return read_record(a_row(), 2026, Counter())


def keys(*entries: dict[str, Any]) -> list[str | None]:
    return [row.key for row in read_year(entries, 2026).rows]


def test_a_row_becomes_a_record_of_the_contract() -> None:
    assert a_record() == {
        "kode_usulan": "2026-451",
        "tahun": 2026,
        "jenis": "fisik",
        "bidang": "Jalan",
        "subbidang": "Jalan Kabupaten",
        "menu": "Penanganan jalan",
        "rincian": "Rekonstruksi ruas",
        "opd": "Dinas PU",
        "volume": 3.2,
        "satuan": "km",
        "nilai_usulan": 9600000000,
        "nilai_disetujui": 7200000000,
        "status": "disetujui",
    }


@pytest.mark.parametrize("year", [2019, 2021, 2022, 2026])
def test_every_years_rows_are_valid_under_the_contract(year: int, violations: Violations) -> None:
    assert [violations("perencanaan/dak", read_record(row, year, Counter())) for row in fold(make_rows(year))] == [
        []
    ] * len(make_rows(year))


@pytest.mark.parametrize(("year", "column"), [(2020, "kegiatan"), (2021, "kegiatan"), (2022, "menu_kegiatan")])
def test_the_column_renamed_in_2022_is_read_by_the_year(year: int, column: str) -> None:
    row = a_row(menu_kegiatan=None) | {column: "Pembangunan"}
    assert read_record(row, year, Counter())["menu"] == "Pembangunan"


def test_a_row_without_a_number_is_known_by_its_content_and_two_that_say_the_same_are_two() -> None:
    first, again, other = keys(a_row(None), a_row(None), a_row(None, bidang="b"))
    assert [again, len({first, again, other})] == [f"{first}-2", 3]
    assert keys(a_row(None), a_row(None), a_row(None, bidang="b")) == [first, again, other]


@given(value=st.integers(0, 10**15), blanks=st.text(" ", max_size=3), zeros=st.integers(0, 5))
def test_rupiah_are_read_from_strings_with_blanks_and_zeros(value: int, blanks: str, zeros: int) -> None:
    text = f"{value}{'.' + '0' * zeros if zeros else ''}{blanks}"
    assert read_rupiah(text) == value


def test_rupiah_beyond_what_a_float_holds_lose_none() -> None:
    assert read_rupiah("123456789012345678.4") == 123456789012345678


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3, 3),
        (3.25, 3.25),
        ("3,25 ", 3.25),
        ("12.50000", 12.5),
        ("7.00000", 7),
        (None, None),
        ("1.500,25", "1.500,25"),
        ("tiga", "tiga"),
        ("NaN", "NaN"),
        ("1e999999999", "1e999999999"),
        (True, True),
        (Decimal("12.500000000000000055511151231257827"), 12.5),
        (Decimal(10**30 + 1), Decimal(10**30 + 1)),
    ],
)
def test_a_number_is_read_or_left_for_the_gate_to_refuse(value: Any, read: Any) -> None:
    assert read_number(value) == read


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Disetujui ", "disetujui"),
        ("DISETUJUI", "disetujui"),
        ("Tidak Disetujui", "ditolak"),
        ("Ditolak", "ditolak"),
        ("Sedang Dinilai", "dinilai"),
        ("Belum dinilai", "diusulkan"),
        ("Usulan", "diusulkan"),
        (None, "diusulkan"),
    ],
)
def test_the_state_is_read_from_its_words(words: Any, expected: str) -> None:
    assert read_status(words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("DAK Fisik - Reguler", "fisik"),
        ("Non Fisik", "nonfisik"),
        ("NONFISIK", "nonfisik"),
        ("Hibah", None),
        (None, None),
    ],
)
def test_the_kind_is_read_from_its_words(words: Any, expected: str | None) -> None:
    assert read_kind(words) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Dinas A", "Dinas A"), (["A", "B"], "A, B"), ([{"nama": "A"}, {"id": 1}], "A"), ([], None), (None, None)],
)
def test_the_proposer_may_be_a_text_or_a_list(value: Any, expected: str | None) -> None:
    assert read_proposers(value) == expected


def test_a_row_is_one_of_its_year_keyed_by_its_number() -> None:
    rows = read_year([a_row(1)], 2026)
    assert (rows.source, rows.is_whole, [row.key for row in rows.rows]) == ("/krisna/dak/2026", True, ["2026-1"])


@pytest.mark.parametrize("entry", ["x", 7, None, []])
def test_an_entry_that_is_no_row_stays_one_with_a_fault(entry: Any) -> None:
    rows = read_year([entry, a_row(2)], 2026).rows
    assert [(row.key, row.fault and row.fault.slug) for row in rows] == [(None, "row-unreadable"), ("2026-2", None)]


def test_a_row_whose_mapping_fails_keeps_its_key() -> None:
    (row,) = read_year([a_row(1, volume_rk="9" * 10_000 + "\ud83d", pelaksana={"a": 1})], 2026).rows
    assert row.key == "2026-1"


def test_the_turns_go_on_where_the_cursor_says_also_in_its_older_form() -> None:
    assert [read_turn(cursor) for cursor in (None, write_turn(3), '{"number": 4, "cursors": {}}')] == [0, 3, 4]
