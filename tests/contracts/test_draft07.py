"""Schemas in the words of draft-07."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.contracts.draft07 import convert_to_draft07
from bus.contracts.schemas import Schema
from bus.contracts.validation import Validator
from samples.data import make_invalid_samples
from tests.contracts.documents import SHIPPED, shipped
from tests.contracts.generated import from_schema

BY_NAME = {shipped(path).name: shipped(path) for path in SHIPPED}


def _accepts(schema: Schema, value: Any) -> bool:
    """Whether draft-07 takes a value under the translated schema, standing at some place in a document."""
    document = {"$ref": "#/components/data", "components": {"data": convert_to_draft07(schema, "#/components/data")}}
    return bool(jsonschema.Draft7Validator(document).is_valid(value))


@pytest.mark.parametrize(
    ("schema", "taken", "refused"),
    [
        ({"$ref": "#/$defs/a", "maxLength": 3, "$defs": {"a": {"minLength": 2}}}, "ab", "abcd"),
        ({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, [1, "a"], [1, 2]),
        ({"prefixItems": [{"type": "integer"}]}, [1, 2], ["a"]),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}),
        ({"dependentSchemas": {"a": {"maxProperties": 1}}}, {"a": 1}, {"a": 1, "b": 1}),
        (
            {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": {"maxProperties": 2}}},
            {"a": 1, "b": 1},
            {"a": 1, "c": 1},
        ),
        ({"properties": {"a": {}}, "unevaluatedProperties": False}, {"a": 1}, {"b": 1}),
        ({"prefixItems": [{}], "unevaluatedItems": False}, [1], [1, 2]),
        ({"properties": {"a": {"$ref": "#"}, "b": {"type": "integer"}}}, {"a": {"b": 1}}, {"a": {"b": "x"}}),
        (
            {"properties": {"a": {"prefixItems": [{"type": "null"}]}, "b": {"$ref": "#/properties/a/prefixItems/0"}}},
            {"b": None},
            {"b": 1},
        ),
        ({"$defs": {"a/b c": {"type": "null"}}, "$ref": "#/$defs/a~1b%20c"}, None, 1),
        ({"properties": {"prefixItems": {"type": "null"}}}, {"prefixItems": None}, {"prefixItems": 1}),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {}, {"a": 1}),
    ],
)
def test_a_keyword_keeps_its_meaning(schema: Schema, taken: Any, refused: Any) -> None:
    assert (_accepts(schema, taken), _accepts(schema, refused)) == (True, False)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"contains": {"type": "null"}, "minContains": 0}, [1]),
        ({"contains": {"type": "null"}, "maxContains": 1}, [None, None]),
        ({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False}, {"a": 1}),
    ],
)
def test_what_draft07_has_no_word_for_is_left_out(schema: Schema, value: Any) -> None:
    assert _accepts(schema, value)


def test_the_schema_itself_stays_as_it_is() -> None:
    schema: Schema = {"properties": {"a": {"prefixItems": [{"$ref": "#"}], "$ref": "#/properties/b"}, "b": {}}}
    before = str(schema)
    convert_to_draft07(schema, "#/x")
    assert str(schema) == before


@pytest.mark.heavy
@pytest.mark.parametrize("name", BY_NAME)
@given(values=st.data())
def test_a_shipped_schema_means_the_same(name: str, values: st.DataObject) -> None:
    schema = BY_NAME[name].sent
    value = values.draw(from_schema(schema, schema))
    # Formats are the gate's own, so that only what draft-07 knows is compared.
    assert _accepts(schema, value) or not Validator(schema).is_valid(value)


FORMAT_ALONE = ("a date that does not exist", "a date that is not ISO 8601")


@pytest.mark.parametrize("sample", make_invalid_samples(), ids=lambda sample: sample.why)
def test_a_shipped_schema_refuses_what_is_wrong(sample: Any) -> None:
    assert not _accepts(BY_NAME[sample.contract].sent, sample.data) or sample.why in FORMAT_ALONE
