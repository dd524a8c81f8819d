"""CSV: columns from schema and grant, and cells that no spreadsheet takes for a formula."""

import csv
from io import StringIO
from typing import Any

import pytest

from bus.http.columns import list_columns
from bus.http.spreadsheet import SheetWriter

TEXT = {"type": "string"}
SCHEMA = {
    "properties": {
        "nik": TEXT,
        "alamat": {"$ref": "#/$defs/alamat"},
        "anak": {"type": "array", "items": {"properties": {"nama": TEXT}}},
    },
    "$defs": {"alamat": {"properties": {"desa": TEXT, "rt": TEXT}}},
}


def a_sheet(schemas: list[Any], granted: list[str], **options: Any) -> SheetWriter:
    return SheetWriter(list_columns(schemas, granted), **options)


def the_rows(sheet: SheetWriter, *data: Any) -> list[list[str]]:
    return list(csv.reader(StringIO((sheet.begin() + sheet.rows(data)).decode(), newline="")))


def test_members_of_members_are_columns():
    sheet = a_sheet([SCHEMA], [""])
    assert the_rows(sheet, {"nik": "1", "alamat": {"rt": "2"}}) == [
        ["nik", "alamat.desa", "alamat.rt", "anak"],
        ["1", "", "2", ""],
    ]


@pytest.mark.parametrize(
    ("granted", "columns"),
    [
        (["/nik"], ["nik"]),
        (["/alamat"], ["alamat.desa", "alamat.rt"]),
        (["/alamat/rt", "/nik"], ["alamat.rt", "nik"]),
        (["/anak/*/nama", "/nik"], ["anak", "nik"]),
    ],
)
def test_the_granted_fields_are_columns_in_the_grants_order(granted: list[str], columns: list[str]):
    assert the_rows(a_sheet([SCHEMA], granted)) == [columns]


def test_the_columns_of_two_versions_are_joined():
    newer = {"properties": {"nik": TEXT, "nama": TEXT}}
    assert the_rows(a_sheet([newer, SCHEMA], ["/nik", "/nama"])) == [["nik", "nama"]]


def test_a_schema_that_contains_itself_has_columns_down_to_the_level_that_has_few():
    schema = {"properties": {f"cabang_{number}": {"$ref": "#"} for number in range(10)}}
    columns = list_columns([schema], [""])
    assert len(columns) == 1000
    assert {len(path) for path in columns} == {3}


def test_fields_that_are_not_granted_take_no_room_of_those_that_are():
    many = {"properties": {f"kolom_{number}": TEXT for number in range(3000)}}
    schema = {"properties": {"alamat": SCHEMA["$defs"]["alamat"], "lain": many}}
    assert list_columns([schema], ["/alamat"]) == [("alamat", "desa"), ("alamat", "rt")]


def test_data_without_declared_members_are_one_column():
    assert the_rows(a_sheet([{}], [""]), {"a": 1}) == [["data"], ['{"a":1}']]


def test_a_schema_that_contains_itself_ends():
    itself = {"properties": {"induk": {"$ref": "#"}, "nama": TEXT}}
    assert len(the_rows(a_sheet([itself], [""]))[0]) < 20


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum(a1)", "\tx", "\rx", "\nx", "＝1"])
def test_a_text_that_looks_like_a_formula_is_made_text(text: str):
    (_, (cell,)) = the_rows(a_sheet([SCHEMA], ["/nik"]), {"nik": text})
    assert cell == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), (-1.5, "-1.5"), (True, "true"), ('a"b', 'a"b'), ("a,b\nc", "a,b\nc"), ([1], "[1]")]
)
def test_other_values_stay_what_they_are(value: Any, cell: str):
    assert the_rows(a_sheet([SCHEMA], ["/nik"]), {"nik": value})[1] == [cell]


def test_no_two_columns_have_one_name():
    inner = {"properties": {"b": TEXT}}
    schema = {"properties": {"a.b": TEXT, "a": inner, "/a/b": TEXT, "c": TEXT}}
    assert the_rows(a_sheet([schema], [""]), {"a.b": "1", "a": {"b": "2"}, "/a/b": "3", "c": "4"}) == [
        ["/a.b", "/a/b", "/~1a~1b", "c"],
        ["1", "2", "3", "4"],
    ]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (10**15 - 1, str(10**15 - 1)),
        (1234567890123456, '="1234567890123456"'),
        (-(10**15), '="-1000000000000000"'),
        (1.5, "1.5"),
        (True, "true"),
        ("true", '="true"'),
        ("$12", '="$12"'),
        ("+62812", '="+62812"'),
        ("-1+1", '="-1+1"'),
        ("@sum(a1)", "'@sum(a1)"),
        ("\t12", "'\t12"),
        ("\r=1", "'\r'=1"),
        ("Jalan 1\nBabat", "Jalan 1\nBabat"),
        ("7" * 300, "'" + "7" * 300),
        ("x" * 32_767, "x" * 32_767),
        ("x" * 32_768, "x" * 32_766 + "…"),
        ("😀" * 16_384, "😀" * 16_383 + "…"),
    ],
)
def test_excel_shows_each_value_as_it_is(value: Any, cell: str):
    assert the_rows(a_sheet([SCHEMA], ["/nik"], for_excel=True), {"nik": value})[1] == [cell]
