"""Who may get which field."""

from datetime import date
from typing import Any

import pytest

from bus.contracts.access import Access, describe_access
from bus.contracts.document import Mask
from tests.builders import a_grant, a_strict_contract
from tests.contracts.documents import SHIPPED, shipped

TODAY = date(2026, 11, 24)
SMALL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "nik": {"type": "string"},
        "nama": {"type": "string"},
        "alamat": {"type": "object", "properties": {"jalan": {"type": "string"}, "desa": {"type": "string"}}},
        "anak": {"type": "array", "items": {"type": "object", "properties": {"nik": {"type": "string"}}}},
        "lain": {"type": "object"},
    },
}


def _access(today: date = TODAY, schema: Any = SMALL, **grant: Any) -> Access:
    contract = a_strict_contract(schema=schema, consumers=[a_grant(**grant)], examples=None)
    (only,) = describe_access(contract, today)
    return only


def _fields(**grant: Any) -> dict[str, str | None]:
    return {field.pointer: field.mask and field.mask.value for field in _access(**grant).fields}


ALL = ["/nik", "/nama", "/alamat/jalan", "/alamat/desa", "/anak/*/nik", "/lain"]


@pytest.mark.parametrize(
    ("grant", "shown"),
    [
        ({}, dict.fromkeys(ALL)),
        ({"fields": ["/nama"]}, {"/nama": None}),
        ({"fields": ["/alamat"]}, {"/alamat/jalan": None, "/alamat/desa": None}),
        ({"fields": ["/alamat/jalan"]}, {"/alamat/jalan": None}),
        ({"fields": ["/anak"]}, {"/anak/*/nik": None}),
        ({"fields": ["/anak/*/nik"]}, {"/anak/*/nik": None}),
        ({"fields": ["/nama"], "mask": {"/nama": "last4"}}, {"/nama": "last4"}),
        # A mask on the key has to keep keys apart, whatever a version from before that rule says.
        ({"fields": ["/nik"], "mask": {"/nik": "last4"}}, {"/nik": "pseudonym"}),
        ({"fields": ["/nik"], "mask": {"/nama": "redact"}}, {"/nik": None}),
        ({"mask": {"/alamat": "redact"}}, {**dict.fromkeys(ALL), "/alamat/jalan": "redact", "/alamat/desa": "redact"}),
        (
            {"fields": ["/alamat"], "mask": {"/alamat/jalan": "last4", "/alamat": "redact"}},
            {"/alamat/jalan": "redact", "/alamat/desa": "redact"},
        ),
        ({"fields": ["/anak"], "mask": {"/anak/*/nik": "pseudonym"}}, {"/anak/*/nik": "pseudonym"}),
        ({"fields": ["/lain/hobi"]}, {"/lain/hobi": None}),
        ({"fields": ["/lain"], "mask": {"/lain/hobi": "redact"}}, {"/lain": None, "/lain/hobi": "redact"}),
    ],
)
def test_a_grant_is_spelled_out_field_by_field(grant: dict[str, Any], shown: dict[str, str | None]) -> None:
    assert _fields(**grant) == shown


def test_the_grants_own_words_are_told_too() -> None:
    assert (_access(fields=["/alamat"]).granted, _access().granted) == (("/alamat",), None)


def test_data_without_declared_fields_are_one_field() -> None:
    contract = a_strict_contract(kind="event", key=None, classification="public", schema={}, examples=None)
    (only,) = describe_access(contract, TODAY)
    assert [(field.pointer, field.mask) for field in only.fields] == [("", None)]


def test_it_says_why_on_what_basis_which_rows_and_until_when() -> None:
    rows = [{"prefix": {"kode_wilayah": "35.24.01"}}]
    schema = {**SMALL, "properties": {**SMALL["properties"], "kode_wilayah": {}}}
    found = _access(schema=schema, rows=rows, purpose="pajak", legal_basis="PKS 470", until="2027-12-31")
    assert (found.purpose, found.legal_basis, found.until, list(found.rows)) == (
        "pajak",
        "PKS 470",
        date(2027, 12, 31),
        rows,
    )


@pytest.mark.parametrize(("today", "ended"), [(date(2027, 12, 31), False), (date(2028, 1, 1), True)])
def test_a_grant_has_ended_when_its_last_day_is_over(today: date, ended: bool) -> None:
    assert _access(today, until="2027-12-31").has_ended is ended


def test_one_participant_can_be_asked_for() -> None:
    contract = a_strict_contract(consumers=[a_grant(), a_grant(participant="dinkes")])
    assert [one.participant for one in describe_access(contract, TODAY)] == ["bapenda", "dinkes"]
    assert [one.participant for one in describe_access(contract, TODAY, "dinkes")] == ["dinkes"]
    assert describe_access(contract, TODAY, "desa-sembung") == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_grant_gives_something(path: Any) -> None:
    assert all(one.fields for one in describe_access(shipped(path), TODAY))


def test_bapenda_gets_residents_with_their_nik_and_birth_masked() -> None:
    penduduk = shipped(next(path for path in SHIPPED if path.stem == "penduduk"))
    (found,) = describe_access(penduduk, TODAY, "bapenda")
    assert {field.pointer: field.mask for field in found.fields} == {
        "/nik": Mask.PSEUDONYM,
        "/nama": None,
        "/tanggal_lahir": Mask.YEAR,
        "/alamat/kode_wilayah": None,
    }
