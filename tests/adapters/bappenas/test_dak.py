"""KRISNA's DAK rows, and the turns that budget years take."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.bappenas.dak import (
    Turn,
    read_kind,
    read_number,
    read_proposers,
    read_record,
    read_rupiah,
    read_status,
    read_turn,
)
from adapters.bappenas.simulator import make_rows
from bus.kit import MOST_EVENTS, AgencyFault, Polled, fold

Violations = Callable[[str, Any], list[str]]


def a_row(number: int = 451, **other: Any) -> dict[str, Any]:
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


def test_a_row_becomes_a_record_of_the_contract() -> None:
    assert read_record(a_row(), 2026) == {
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
    assert [violations("perencanaan/dak", read_record(row, year)) for row in fold(make_rows(year))] == [[]] * len(
        make_rows(year)
    )


@pytest.mark.parametrize(("year", "column"), [(2020, "kegiatan"), (2021, "kegiatan"), (2022, "menu_kegiatan")])
def test_the_column_renamed_in_2022_is_read_by_the_year(year: int, column: str) -> None:
    row = a_row(menu_kegiatan=None) | {column: "Pembangunan"}
    assert read_record(row, year)["menu"] == "Pembangunan"


def test_a_row_without_a_number_is_known_by_its_content() -> None:
    first, same, other = (read_record(a_row(None, bidang=name), 2026)["kode_usulan"] for name in ("a", "a", "b"))  # type: ignore[arg-type]
    assert first == same != other


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


def subjects(polled: Polled) -> list[str | None]:
    return [event.subject for event in polled.events]


def test_a_row_is_an_event_of_its_year_keyed_by_its_number() -> None:
    [event] = Turn().find_changes_of_year(2026, [a_row(1)], years=1).events
    assert (event.type, event.subject, event.source) == ("perencanaan.dak", "2026-1", "/krisna/dak/2026")


def test_a_changed_and_a_vanished_row_alone_are_news() -> None:
    first = Turn().find_changes_of_year(2026, [a_row(1), a_row(2), a_row(3)], years=1)
    then = read_turn(first.cursor).find_changes_of_year(2026, [a_row(1), a_row(2, status_detail="Ditolak")], years=1)
    assert [(event.subject, event.data and event.data["status"]) for event in then.events] == [
        ("2026-2", "ditolak"),
        ("2026-3", None),
    ]


def test_years_do_not_delete_each_others_rows() -> None:
    first = Turn().find_changes_of_year(2025, [a_row(1)], years=2)
    second = read_turn(first.cursor).find_changes_of_year(2026, [a_row(1)], years=2)
    third = read_turn(second.cursor).find_changes_of_year(2025, [a_row(1)], years=2)
    assert [subjects(step) for step in (first, second, third)] == [["2025-1"], ["2026-1"], []]


def test_a_year_keeps_its_turn_until_all_of_it_is_told() -> None:
    many = [a_row(number) for number in range(MOST_EVENTS + 1)]
    first = Turn().find_changes_of_year(2026, many, years=1)
    second = read_turn(first.cursor).find_changes_of_year(2026, many, years=1)
    assert [(len(step.events), step.more, read_turn(step.cursor).number) for step in (first, second)] == [
        (MOST_EVENTS, True, 0),
        (1, False, 1),
    ]


def test_no_rows_where_there_were_some_deletes_nothing() -> None:
    first = Turn().find_changes_of_year(2026, [a_row()], years=1)
    with pytest.raises(AgencyFault, match="none is deleted"):
        read_turn(first.cursor).find_changes_of_year(2026, [], years=1)
