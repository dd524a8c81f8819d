"""Schemas with flat definitions."""

from pathlib import Path

import pytest

from bus.contracts.flat import flatten
from bus.contracts.schemas import Schema, subschemas
from bus.contracts.validation import Validator
from tests.contracts.documents import SHIPPED, shipped


def test_what_is_not_referred_to_goes() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}, "b": {}}}
    assert flatten(schema) == {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}


def test_what_stands_in_another_definition_stands_for_itself() -> None:
    teks = {"$defs": {"nomor": {"type": "string"}, "slug": {}}, "title": "unused"}
    flat = flatten({"properties": {"a": {"$ref": "#/$defs/teks/$defs/nomor"}}, "$defs": {"teks": teks}})
    assert flat == {"properties": {"a": {"$ref": "#/$defs/nomor"}}, "$defs": {"nomor": {"type": "string"}}}


def test_definitions_within_a_definition_go() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$defs": {"b": {}}}, "$defs": {"c": {}}}}}
    assert flatten(schema) == {"$ref": "#/$defs/a", "$defs": {"a": {"items": {}}}}


def test_names_are_plain_and_differ() -> None:
    references = ["#/$defs/a.b", "#/$defs/a%20b", "#/properties/0"]
    schema = {"anyOf": [{"$ref": one} for one in references], "$defs": {"a.b": {}, "a b": {}}, "properties": {"0": {}}}
    assert [one["$ref"] for one in flatten(schema)["anyOf"]] == ["#/$defs/a_b", "#/$defs/a_b_2", "#/$defs/part_0"]


def test_a_schema_may_contain_itself() -> None:
    schema = {
        "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#/$defs/b"}},
        "$defs": {"b": {"items": {"$ref": "#/$defs/b"}}},
    }
    assert flatten(schema) == schema


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_schema_keeps_its_meaning(path: Path) -> None:
    contract = shipped(path)
    schema: Schema = flatten(contract.shown)
    examples = [one["answer"] if contract.answer else one for one in contract.examples]
    assert all(Validator(schema).is_valid(example) for example in examples)
    assert all(inner.get("$ref", "#/$defs/").startswith("#/$defs/") for _, inner in subschemas(schema))
