"""The fields that a schema declares."""

from typing import Any

import pytest

from bus.contracts.outline import draw_outline
from bus.contracts.schemas import Schema
from tests.builders import SCHEMA
from tests.contracts.documents import SHIPPED, shipped


def _pointers(schema: Schema) -> list[str]:
    return [field.pointer for field in draw_outline(schema)]


def _an_object(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties}


def test_fields_come_in_the_schemas_order_each_before_those_below_it() -> None:
    assert _pointers(SCHEMA) == [
        "/nik",
        "/nama",
        "/tanggal_lahir",
        "/kode_wilayah",
        "/jumlah",
        "/alamat",
        "/alamat/jalan",
        "/alamat/kode_wilayah",
        "/keluarga",
        "/keluarga/*/nik",
        "/keluarga/*/nama",
    ]


def test_references_and_branches_declare_fields_too() -> None:
    schema = {
        "allOf": [{"$ref": "#/$defs/a"}],
        "if": {"properties": {"tidak": {}}},
        "then": _an_object(b={}),
        "oneOf": [_an_object(c={}), _an_object(d={})],
        "$defs": {"a": _an_object(a={})},
    }
    assert sorted(_pointers(schema)) == ["/a", "/b", "/c", "/d"]


def test_a_field_is_required_only_where_every_case_requires_it() -> None:
    schema = {
        **_an_object(a={}, b={}, c={}),
        "required": ["a"],
        "allOf": [{"$ref": "#/$defs/b"}],
        "anyOf": [{"required": ["c"]}, {}],
        "$defs": {"b": {"required": ["b"]}},
    }
    assert [field.pointer for field in draw_outline(schema) if field.required] == ["/a", "/b"]


def test_what_may_not_be_there_is_no_field() -> None:
    assert _pointers(_an_object(a=False, b=True)) == ["/b"]


def test_a_name_with_a_slash_is_escaped() -> None:
    assert _pointers(_an_object(**{"a/b": {}})) == ["/a~1b"]


def test_a_schema_that_contains_itself_ends() -> None:
    fields = draw_outline(_an_object(anak={"$ref": "#"}))
    assert (len(fields), fields[-1].is_leaf) == (12, True)


def test_a_schema_that_multiplies_ends() -> None:
    twice = {f"d{n}": _an_object(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"}) for n in range(40)}
    assert len(draw_outline({"$ref": "#/$defs/d0", "$defs": {**twice, "d40": {}}})) < 1100


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_field_of_a_shipped_contract_says_what_it_means(path: Any) -> None:
    contract = shipped(path)
    fields = [*draw_outline(contract.sent), *draw_outline(contract.shown)]
    assert all(any("description" in schema for schema in field.schemas) for field in fields)
