"""Persons in data: every identifier that the schema tells of is found, wherever it stands and however deep."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.contracts.person_finder import PersonFinder, make_finder
from bus.contracts.schemas import Schema
from tests.builders import a_nik
from tests.contracts.documents import SHIPPED, shipped

NIK: Schema = {"type": "string", "pattern": "^[1-9][0-9]{15}$"}
TEXT: Schema = {"type": "string"}
A, B, C = a_nik(1), a_nik(2), a_nik(3)
MANY = 1_000


def an_object(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties}


def a_finder(schema: Schema, subject: str | None = None) -> PersonFinder:
    finder = make_finder(schema, subject)
    assert finder is not None
    return finder


def found(schema: Schema, data: Any) -> set[str]:
    persons = a_finder(schema).find(data, MANY)
    assert len(persons) == len(set(persons))
    return set(persons)


FAMILY: Schema = {
    "$ref": "#/$defs/orang",
    "$defs": {
        "orang": an_object(nik=NIK, anak={"type": "array", "items": {"$ref": "#/$defs/orang"}}),
    },
}

PLACES: dict[str, tuple[Schema, Any]] = {
    "a member": (an_object(nik=NIK), {"nik": A}),
    "a member by its name alone": (an_object(nik_ibu=TEXT), {"nik_ibu": A}),
    "a member of which all is allowed": (an_object(nik=True), {"nik": A}),
    "a member by its pattern alone": (an_object(kode=NIK), {"kode": A}),
    "a nested member": (an_object(pasangan=an_object(nik=NIK)), {"pasangan": {"nik": A, "nama": B}}),
    "items": (an_object(saksi={"type": "array", "items": NIK}), {"saksi": [A]}),
    "items by the array's name": (an_object(nik_anak={"type": "array", "items": TEXT}), {"nik_anak": [A]}),
    "items of items": ({"type": "array", "items": {"type": "array", "items": NIK}}, [[A], []]),
    "members of items": (an_object(anak={"type": "array", "items": an_object(nik=NIK)}), {"anak": [{}, {"nik": A}]}),
    "items by their place": (an_object(dua={"prefixItems": [TEXT, NIK]}), {"dua": [7, A]}),
    "an item that an array contains": (an_object(isi={"contains": NIK}), {"isi": [A]}),
    "items that nothing else describes": (an_object(isi={"unevaluatedItems": NIK}), {"isi": [A]}),
    "members of any name": ({"type": "object", "additionalProperties": NIK}, {"ibu": A}),
    "members that nothing else describes": ({"type": "object", "unevaluatedProperties": NIK}, {"ibu": A}),
    "members by a pattern of names": ({"patternProperties": {"^n_": an_object(nik=NIK)}}, {"n_1": {"nik": A}}),
    "a member that is required alone": ({"required": ["nik"], "additionalProperties": TEXT}, {"nik": A}),
    "names of members": ({"patternProperties": {"^[1-9][0-9]{15}$": TEXT}}, {A: "x", "y": B}),
    "names of members of a kind": ({"propertyNames": NIK}, {A: 1}),
    "a branch": (an_object(a={"anyOf": [TEXT, {"oneOf": [an_object(nik=NIK)]}]}), {"a": {"nik": A}}),
    "a condition": ({"if": an_object(x=TEXT), "then": an_object(nik=NIK)}, {"nik": A}),
    "what depends": ({"dependentSchemas": {"x": an_object(nik=NIK)}}, {"x": 1, "nik": A}),
    "a definition": ({**an_object(ibu={"$ref": "#/$defs/nik"}), "$defs": {"nik": NIK}}, {"ibu": A}),
    "a recursive definition": (FAMILY, {"anak": [{"anak": [{"anak": [{"nik": A}]}]}]}),
    "the data themselves": (NIK, A),
    "an integer": (an_object(nik={"type": "integer"}), {"nik": int(A)}),
    "a number": (an_object(nik={"type": "number"}), {"nik": float(A)}),
}


@pytest.mark.parametrize(("schema", "data"), PLACES.values(), ids=PLACES)
def test_a_person_is_found_at(schema: Schema, data: Any):
    assert found(schema, data) == {A}


def test_every_person_of_a_family_is_found_once():
    data = {"nik": A, "anak": [{"nik": B}, {"nik": B, "anak": [{"nik": C}]}, {}]}
    assert found(FAMILY, data) == {A, B, C}


def test_a_number_is_found_as_it_is_written_and_as_plain_figures():
    written = f"{A[:6]}.{A[6:12]}.{A[12:]}"
    assert found(an_object(nik=TEXT), {"nik": written}) == {written, A}


SPELLED = [
    f"{A[:6]}.{A[6:12]}.{A[12:]}",
    f"{A[:6]} {A[6:12]} {A[12:]}",
    f"{A[:4]}-{A[4:8]}-{A[8:12]}-{A[12:]}",
    f"NIK: {A}",
    f" {A} ",
    f"{A}\u00a0",
    " ".join(A),
    "".join(chr(ord(figure) + 0xFEE0) for figure in A),
    f"{A[:8]}\u2013{A[8:]}",
]


@pytest.mark.parametrize("written", SPELLED)
@pytest.mark.parametrize("schema", [TEXT, {"pattern": "[1-9][0-9]{15}"}, True], ids=["text", "prefix", "anything"])
def test_a_number_is_found_by_its_plain_figures_however_it_is_written(written: str, schema: Schema):
    assert found(an_object(nik=schema), {"nik": written}) == {written, A}


@pytest.mark.parametrize("written", [A + "1", "1" + A, f"{A[:15]}", "0" + A[1:], f"{A[:8]} dan {A[8:]}"])
def test_what_is_no_number_of_16_figures_is_found_as_it_is_written_alone(written: str):
    assert found(an_object(nik=TEXT), {"nik": written}) == {written}


@pytest.mark.parametrize("written", [f"Jalan {A} " + "x" * 20, f"{A} {B}", "x" * 300])
def test_prose_at_a_place_of_which_nothing_is_known_names_nobody(written: str):
    schema = {"items": an_object(nik=NIK), "prefixItems": [TEXT, NIK, TEXT]}
    mixed = {"anyOf": [an_object(nik=NIK), an_object(catatan=TEXT)], "unevaluatedProperties": NIK}
    assert found(mixed, {"nik": A, "catatan": written}) == {A}
    assert found(schema, [written, B]) == {B}


def test_a_member_that_a_branch_declares_is_looked_at_by_unevaluated_properties_too():
    schema = {"oneOf": [an_object(kode=TEXT, a={"const": 1}), an_object(a={"const": 2})], "unevaluatedProperties": NIK}
    assert found(schema, {"a": 2, "kode": A}) == {A}


@pytest.mark.parametrize("data", [None, 7, "x", [], {}, {"nik": None}, {"nik": True}, {"nik": [A]}, {"nik": {}}])
def test_data_without_a_person_hold_none(data: Any):
    assert found(an_object(nik=NIK), data) == set()


def test_nobody_is_found_where_the_schema_is_not_certain():
    schema = an_object(nik=NIK, rekening={"type": "string", "maxLength": 40}, nilai={"type": "integer"})
    assert found(schema, {"nik": A, "rekening": B, "nilai": int(C)}) == {A}


@pytest.mark.parametrize(
    ("schema", "subject"),
    [
        (an_object(nik=NIK), "/nik"),
        (an_object(pemilik=an_object(nik=NIK, nama=TEXT)), "/pemilik/nik"),
        (an_object(nomor=TEXT), "/nomor"),
        (an_object(nomor=TEXT), None),
    ],
)
def test_no_finder_is_needed_where_the_subject_is_the_only_person(schema: Schema, subject: str | None):
    assert make_finder(schema, subject) is None


@pytest.mark.parametrize(
    "schema", [an_object(nik=NIK, ibu=NIK), an_object(nik={"anyOf": [NIK, an_object(nik=NIK)]}), FAMILY]
)
def test_a_finder_is_needed_where_somebody_stands_beside_the_subject(schema: Schema):
    assert make_finder(schema, "/nik") is not None


def test_the_search_ends_soon_after_there_are_too_many():
    schema = {"type": "array", "items": NIK}
    assert len(a_finder(schema).find([a_nik(n) for n in range(MANY)], 10)) == 11


TOO_LARGE: dict[str, tuple[Schema, Any]] = {
    "many members": (
        an_object(**{f"a{n}": an_object(nik=NIK, **{f"b{n}": TEXT}) for n in range(2_000)}),
        {"a0": {"nik": A}, "a1999": {"nik": B, "b1999": "35.24", "c": [{C: "x"}]}},
    ),
    "many patterns of many names": (
        {"patternProperties": {f"^p{n}$": NIK for n in range(50)}, **an_object(**{f"b{n}": NIK for n in range(50)})},
        {"p49": A, "b49": B, "c": [{C: "x"}]},
    ),
    "many schemas of one place": (
        {"allOf": [an_object(**{f"a{n}": NIK}) for n in range(2_000)]},
        {"a0": A, "a1999": B, "c": {"d": C}},
    ),
    "large patterns": (
        an_object(**{f"a{n}": {"pattern": f"^([0-9]{{16}}|[a-z]{{{9_000 + n}}}x)$"} for n in range(200)}),
        {"a0": A, "a100": B, "a199": C},
    ),
}


@pytest.mark.parametrize(("schema", "data"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_in_a_schema_that_is_too_large_every_such_number_is_a_person(schema: Schema, data: Any):
    assert found(schema, data) == {A, B, C}


@pytest.mark.parametrize("keyword", ["not", "if", "then"])
@pytest.mark.parametrize("length", [20, 90, 180])
def test_a_long_chain_of_definitions_breaks_nothing(keyword: str, length: int):
    chain = {f"d{n}": {keyword: {"$ref": f"#/$defs/d{n + 1}"}} for n in range(length)}
    schema = {**an_object(ibu={"$ref": "#/$defs/d0"}, nik=NIK), "$defs": {**chain, f"d{length}": NIK}}
    assert A in found(schema, {"nik": A})


def test_the_shipped_contracts_tell_of_everybody():
    peristiwa = shipped(SHIPPED[[path.name for path in SHIPPED].index("peristiwa.yaml")])
    (birth, _) = peristiwa.examples
    finder = make_finder(peristiwa.sent, peristiwa.person)
    assert finder is not None
    assert set(finder.find(birth, MANY)) == {birth["nik"], birth["nomor_kk"], birth["kelahiran"]["nik_ibu"]}


schemas = st.recursive(
    st.just(NIK),
    lambda inner: st.one_of(
        inner.map(lambda schema: {"type": "array", "items": schema}),
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1).map(lambda some: an_object(**some)),
        st.lists(inner, min_size=1, max_size=2).map(lambda some: {"anyOf": some}),
    ),
    max_leaves=8,
)


@given(schemas, st.data())
def test_whatever_the_form_of_the_data_every_person_in_them_is_found(schema: Schema, data: st.DataObject):
    count = iter(range(1, MANY))
    made: set[str] = set()

    def value_of(one: Schema) -> Any:
        if "anyOf" in one:
            return value_of(data.draw(st.sampled_from(one["anyOf"])))
        if "items" in one:
            return [value_of(one["items"]) for _ in range(data.draw(st.integers(0, 3)))]
        if "properties" in one:
            return {name: value_of(inner) for name, inner in one["properties"].items()}
        made.add(person := a_nik(next(count)))
        return person

    assert found(schema, value_of(schema)) == made
