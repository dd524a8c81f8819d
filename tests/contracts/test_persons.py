"""Identifiers of persons in schemas: which places are made for them, whatever their type, pattern and name."""

from typing import Any

import pytest

from bus import json
from bus.contracts.persons import Identified, identifiers
from bus.contracts.schemas import Schema
from tests.builders import a_strict_contract
from tests.contracts.documents import ROOT, SHIPPED, shipped

NIK = "^[1-9][0-9]{15}$"
FIGURES = "^[0-9]{16}$"
LOWEST, HIGHEST = 10**15, 10**16 - 1
TEXT = {"type": "string", "maxLength": 200}
NUMBERS = {"type": "integer", "minimum": LOWEST, "maximum": HIGHEST}


def an_object(properties: dict[str, Any] | None = None, **keywords: Any) -> Schema:
    return {
        "type": "object",
        "properties": {"kode": TEXT, **(properties or {})},
        "required": ["kode"],
        "additionalProperties": False,
        **keywords,
    }


def common(name: str) -> Schema:
    """A shared definition as a contract takes it in: without its address."""
    schema: Schema = json.loads((ROOT / "schemas" / "common" / f"{name}.schema.json").read_bytes())
    return {keyword: value for keyword, value in schema.items() if not keyword.startswith("$")}


def found_in(schema: Schema) -> list[Identified]:
    contract = a_strict_contract(
        classification="public", schema=schema, key="/kode", subject=None, consumers=[], examples=[]
    )
    return list(identifiers(contract))


def is_certain(schema: Schema) -> bool:
    return any(one.is_certain for one in found_in(schema))


MADE_FOR: dict[str, Schema] = {
    "a pattern": {"type": "string", "pattern": FIGURES},
    "a pattern without a type": {"pattern": NIK},
    "the shared definition": common("nik"),
    "the shared definition of families": common("nomor-kk"),
    "text or null": {"type": ["string", "null"], "pattern": FIGURES},
    "text or a number": {"type": ["string", "integer"], "pattern": FIGURES},
    "integers": NUMBERS,
    "integers or null": {**NUMBERS, "type": ["integer", "null"]},
    "numbers": {**NUMBERS, "type": "number"},
    "integers between": {"type": "integer", "exclusiveMinimum": LOWEST - 1, "exclusiveMaximum": HIGHEST + 1},
    "integers without an end": {"type": "integer", "minimum": LOWEST},
    "integers of Lamongan": {"type": "integer", "minimum": 3524000000000000, "maximum": 3524999999999999},
    "numbers that are whole": {**NUMBERS, "type": "number", "multipleOf": 1},
    "even integers": {**NUMBERS, "multipleOf": 2},
    "either type": {"anyOf": [NUMBERS, {"type": "string", "pattern": FIGURES}]},
    "one of both types": {"oneOf": [NUMBERS, {"type": "string", "pattern": FIGURES}]},
    "or a letter": {"type": "string", "pattern": "^([0-9]{16}|a)$"},
    "or nothing": {"type": "string", "pattern": "^([0-9]{16})?$"},
    "or a dash": {"type": "string", "pattern": "^([0-9]{16}|-|tidak ada)$"},
    "or a name": {"type": "string", "pattern": "^([0-9]{16}|[A-Za-z ]{1,100})$"},
    "or a short text": {"type": "string", "pattern": "^([0-9]{16}|.{0,15})$"},
    "or a civil servant's number": {"type": "string", "pattern": "^([0-9]{16}|[0-9]{18})$"},
    "or one figure less": {"type": "string", "pattern": "^[0-9]{15,16}$"},
    "or a village's code": {"type": "string", "pattern": r"^([0-9]{16}|35\.24\.[0-9]{2}\.[0-9]{4})$"},
    "in a large pattern": {"type": "string", "pattern": "^([0-9]{16}|[a-z]{9000}x)$"},
    "by its lengths": {"type": "string", "minLength": 16, "maxLength": 16, "pattern": "^[0-9]+$"},
    "by its lengths, loosely": {"type": "string", "minLength": 16, "maxLength": 16, "pattern": "^[1-9]*[0-9]*$"},
    "with a last character of any kind": {"type": "string", "pattern": "^[0-9]{15}[0-9A-Z]$"},
    "with an encoding": {"type": "string", "pattern": FIGURES, "contentEncoding": "base64"},
    "without a published sample": {
        "type": "string",
        "pattern": FIGURES,
        "not": {"enum": ["3524010101909001", "3524015203889002"]},
    },
    "of one kecamatan": {"type": "string", "pattern": "^352407[0-9]{10}$"},
    "of men": {"type": "string", "pattern": "^[0-9]{6}[0-3][0-9]{9}$"},
    "with spaces": {"type": "string", "pattern": "^[0-9]{4} [0-9]{4} [0-9]{4} [0-9]{4}$"},
    "with dots": {"type": "string", "pattern": r"^[0-9]{6}\.[0-9]{6}\.[0-9]{4}$"},
    "with dashes, or without": {"type": "string", "pattern": "^[0-9]{6}-?[0-9]{6}-?[0-9]{4}$"},
    "in parts": {"allOf": [{"pattern": "^[0-9]+$"}, {"minLength": 16, "maxLength": 16}]},
    "in parts of parts": {"allOf": [{"allOf": [{"pattern": "^[0-9]+$"}, {"minLength": 16}]}, {"maxLength": 16}]},
    "by reference": {"$ref": "#/$defs/n"},
    "by references": {"allOf": [{"$ref": "#/$defs/angka"}, {"$ref": "#/$defs/panjang"}]},
    "not other than": {"type": "string", "not": {"not": {"pattern": FIGURES}}},
    "by a condition": {"type": "string", "if": {"pattern": FIGURES}, "else": False},
    "by a condition's outcome": {"if": {"type": "string"}, "then": {"pattern": FIGURES}, "else": {"type": "null"}},
    "by reference in a condition": {"type": "string", "if": {"$ref": "#/$defs/n"}, "then": True, "else": False},
    "a list of them": {"enum": ["3524010101909001", "3524015203889002", "tidak ada"]},
    "one of them": {"const": 3524010101909001},
}
"""Fields that are made for identifiers of persons, under a name that says nothing."""

NOT_MADE_FOR: dict[str, Schema] = {
    "a text": TEXT,
    "anything": {},
    "a text of 16 characters": {"type": "string", "minLength": 16, "maxLength": 16},
    "a number without bounds": {"type": "integer"},
    "an amount": {"type": "integer", "minimum": 0, "maximum": HIGHEST},
    "an amount in cents": {"type": "number", "minimum": 0, "multipleOf": 0.01},
    "an amount in thousands": {"type": "integer", "minimum": 0, "multipleOf": 1000},
    "an amount in hundreds": {"type": "integer", "minimum": 0, "multipleOf": 100},
    "the shared definition of money": common("uang"),
    "a count": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
    "a year": {"type": "integer", "minimum": 1900, "maximum": 2100},
    "digits of any number": {"type": "string", "pattern": "^[0-9]+$", "maxLength": 30},
    "an account": {"type": "string", "pattern": "^[0-9]{10,16}$"},
    "a telephone": {"type": "string", "pattern": "^(08|\\+62)[0-9]{8,12}$"},
    "a telephone, loosely": {"type": "string", "pattern": "^\\+?[0-9 -]{8,20}$"},
    "a civil servant": common("nip"),
    "18 digits": {"type": "string", "pattern": "^[0-9]{18}$"},
    "a business": common("nib"),
    "a region": common("wilayah"),
    "a date": {"type": "string", "format": "date"},
    "a uuid": {"type": "string", "format": "uuid"},
    "a trace": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "a digest": {"type": "string", "pattern": "^[0-9A-F]{16}$"},
    "a code": {"type": "string", "pattern": "^[0-9]{8}[0-9A-Z]{8}$"},
    "16 figures and dots": {"type": "string", "pattern": "^[0-9.]{16}$"},
    "a slug": {"type": "string", "pattern": "^[a-z0-9-]{2,64}$"},
    "a number of a permit": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": 64},
    "a permit with its year": {"type": "string", "pattern": "^IZN-[0-9]{4}-[0-9]{6}$"},
    "a day with a serial": {"type": "string", "pattern": "^20[0-9]{2}(0[1-9]|1[0-2])[0-3][0-9][0-9]{8}$"},
    "a text that is no identifier": {**TEXT, "not": {"pattern": FIGURES}},
    "words": {"enum": ["aktif", "tidak aktif"]},
    "a truth": {"type": "boolean"},
}
"""Fields of general use, under a name that says nothing."""

DEFINITIONS = {
    "n": {"type": "string", "pattern": FIGURES},
    "angka": {"type": "string", "pattern": "^[0-9]+$"},
    "panjang": {"minLength": 16, "maxLength": 16},
}


@pytest.mark.parametrize("field", MADE_FOR.values(), ids=MADE_FOR.keys())
def test_a_field_made_for_identifiers_is_found_whatever_it_is_called(field: Schema) -> None:
    (found,) = found_in(an_object({"x": field}, **{"$defs": DEFINITIONS}))
    assert (found.field, found.is_certain) == ("/x", True)


@pytest.mark.parametrize("field", NOT_MADE_FOR.values(), ids=NOT_MADE_FOR.keys())
def test_a_field_of_general_use_is_no_identifier(field: Schema) -> None:
    assert found_in(an_object({"x": field}, **{"$defs": DEFINITIONS})) == []


PERSON = {"type": "string", "pattern": FIGURES}
HIDDEN: dict[str, Schema] = {
    "items": an_object({"x": {"type": "array", "items": PERSON}}),
    "numbers as items": an_object({"x": {"type": "array", "items": NUMBERS}}),
    "items of items": an_object({"x": {"type": "array", "items": {"type": "array", "items": PERSON}}}),
    "first items": an_object({"x": {"type": "array", "prefixItems": [TEXT, PERSON]}}),
    "some items": an_object({"x": {"type": "array", "contains": PERSON}}),
    "names by pattern": an_object({"x": {"type": "object", "patternProperties": {FIGURES: TEXT}}}),
    "names by another keyword": an_object({"x": {"type": "object", "propertyNames": {"pattern": FIGURES}}}),
    "members by pattern": an_object({"x": {"type": "object", "patternProperties": {"^x_": PERSON}}}),
    "other members": an_object({"x": {"type": "object", "additionalProperties": PERSON}}),
    "members left over": an_object({"x": {"type": "object", "unevaluatedProperties": PERSON}}),
    "dependent members": an_object(dependentSchemas={"kode": {"properties": {"x": PERSON}}}),
    "a name by pattern": an_object({"x": {"type": "object", "patternProperties": {"^nik$": TEXT}}}),
    "a name that is required": an_object(required=["kode", "nik"], additionalProperties=TEXT),
    "a name on which a schema depends": an_object(
        {"x": {"dependentSchemas": {"nik": {}}, "additionalProperties": TEXT}},
    ),
    "a name among names": an_object({"x": {"propertyNames": {"enum": ["nik"]}, "additionalProperties": TEXT}}),
    "behind a decoy": an_object({"status_nik": TEXT, "x": {"type": "array", "items": PERSON}}),
    "behind a field for tax": an_object(
        {"npwp": {"$ref": "#/$defs/a"}, "x": {"$ref": "#/$defs/a"}}, **{"$defs": {"a": {"pattern": "^[0-9]{15,16}$"}}}
    ),
}


@pytest.mark.parametrize("schema", HIDDEN.values(), ids=HIDDEN.keys())
def test_an_identifier_is_found_wherever_it_stands(schema: Schema) -> None:
    assert is_certain(schema)


@pytest.mark.parametrize(
    "name",
    """
    nik NIK no_kk noKK NoKk no-kk no.kk nokk nomor_kk nomorKK nomor_induk_kependudukan nomorIndukKependudukan
    Nomor.Induk-Kependudukan no_nik no_ktp nik_ayah nikPemohon pemohon_nik nik2 nomor_kartu_keluarga
    """.split(),  # noqa: SIM905 - twenty lines of literals would be no list to read
)
@pytest.mark.parametrize("field", [TEXT, {"type": "integer"}, {"type": ["string", "null"]}, {}], ids=str)
def test_a_field_that_is_named_and_can_hold_it_is_certain(name: str, field: Schema) -> None:
    (found,) = found_in(an_object({name: field}))
    assert found.is_certain


def test_a_field_in_branches_is_certain_when_one_branch_can_hold_it() -> None:
    short, long = ({"properties": {"nik": {"type": "string", "maxLength": most}}} for most in (10, 20))
    schema = an_object(unevaluatedProperties=False, anyOf=[short, long])
    assert is_certain({keyword: value for keyword, value in schema.items() if keyword != "additionalProperties"})


def test_parts_of_a_field_s_schema_do_not_count_alone() -> None:
    field = {"type": "string", "maxLength": 10, "allOf": [{"minLength": 1}, {"$ref": "#/$defs/angka"}]}
    assert not is_certain(an_object({"nik": field}, **{"$defs": DEFINITIONS}))


def test_the_author_s_word_does_not_take_it_back() -> None:
    assert is_certain(an_object({"nik": {**TEXT, "x-classification": "public"}}))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("nik", {"type": "boolean"}),
        ("nik", {"type": "string", "maxLength": 10}),
        ("nik", {"type": "string", "format": "date"}),
        ("status_nik", TEXT),
        ("jumlah_kk", {"type": "integer", "minimum": 0}),
        ("npwp", common("npwp")),
        ("npwpPemilik", {"type": "string", "pattern": "^[0-9]{15,16}$"}),
        ("daftar_npwp", {"type": "array", "items": common("npwp")}),
    ],
)
def test_a_name_alone_makes_a_second_pair_of_eyes_look_and_no_more(name: str, field: Schema) -> None:
    assert [one.is_certain for one in found_in(an_object({name: field}))] == [False]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("keterangan", TEXT),
        ("teknik", TEXT),
        ("unik", {"type": "integer"}),
        ("nomor_telepon", {"type": "string", "pattern": "^[0-9+]{9,16}$"}),
        ("kode_wilayah", common("wilayah")),
        ("nip", common("nip")),
        ("nip", {"type": "integer"}),
        ("nik", {"type": "string", "maxLength": 10, "x-classification": "public"}),
    ],
)
def test_other_names_say_nothing(name: str, field: Schema) -> None:
    assert found_in(an_object({name: field})) == []


def test_a_tax_number_of_16_figures_alone_is_a_resident_s_number() -> None:
    """Since 2024 the NPWP of a resident is the NIK."""
    assert is_certain(an_object({"npwp": PERSON}))


@pytest.mark.parametrize(
    "path", [path for path in SHIPPED if not shipped(path).classification.is_about_persons], ids=str
)
def test_no_shipped_contract_about_nobody_holds_one(path: Any) -> None:
    assert [one for one in identifiers(shipped(path)) if one.is_certain] == []
