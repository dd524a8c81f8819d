"""How much work schemas ask for: what is refused before a validator meets it, and what is not."""

from typing import Any

import pytest

from bus.contracts.schemas import SchemaWrong
from bus.contracts.weight import check_weight

NODE: dict[str, Any] = {"$ref": "#/$defs/node"}


def _twice(levels: int) -> dict[str, Any]:
    """Definitions that each apply the next twice to the same property."""
    definitions = {
        f"d{n}": {"properties": {"a": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2}}} for n in range(levels)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{levels}": {"type": "object"}}}


def _nested(levels: int, applicator: str) -> dict[str, Any]:
    """`unevaluatedProperties` beside a branch that has `unevaluatedProperties` beside a branch, and so on."""
    schema: dict[str, Any] = {"properties": {"a": {}}}
    for _ in range(levels):
        schema = {applicator: [schema, {"properties": {"b": {}}}], "unevaluatedProperties": False}
    return schema


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"properties": {"a": {"$ref": "#"}}, "allOf": [{"properties": {"a": {"$ref": "#"}}}]}, ""),
        ({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}, "/properties/a"),
        ({"items": {"$ref": "#"}, "contains": {"$ref": "#"}}, ""),
        ({"patternProperties": {"^a": {"$ref": "#"}, "a$": {"$ref": "#"}}}, ""),
        (
            {"items": NODE, "$defs": {"node": {"anyOf": [{"items": NODE}, {"items": NODE}]}}},
            "/$defs/node/anyOf/1/items",
        ),
        (_twice(20), "/$defs/d0/properties/a"),
        (_nested(8, "allOf"), ""),
        (_nested(8, "oneOf"), ""),
        ({"enum": list(range(9)), "oneOf": [{"const": n} for n in range(6000)]}, ""),
        ({"oneOf": [{"const": n} for n in range(3000)]}, ""),
        ({"const": {"$ref": "#/const"}, "items": {"$ref": "#/const"}}, "/items/$ref"),
        ({"dependentSchemas": {str(n): {"not": {"if": {}}} for n in range(900)}}, ""),
    ],
    ids=lambda given: str(given)[:60],
)
def test_a_schema_that_asks_for_too_much_is_refused_with_its_place(schema: dict[str, Any], pointer: str) -> None:
    with pytest.raises(SchemaWrong) as refused:
        check_weight(schema)
    assert refused.value.error.pointer == pointer


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"kiri": {"$ref": "#"}, "kanan": {"$ref": "#"}}},
        {"allOf": [{"properties": {"kiri": {"$ref": "#"}}}, {"properties": {"kanan": {"$ref": "#"}}}]},
        {"properties": {"a": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}},
        {"prefixItems": [{"$ref": "#"}], "items": {"$ref": "#"}},
        {"allOf": [{"properties": {"a": {"$ref": "#"}}}], "unevaluatedProperties": False},
        {"oneOf": [{"properties": {"a": {"$ref": "#"}}}, {"items": {"$ref": "#"}}]},
        {"oneOf": [{"const": n, "title": f"desa {n}"} for n in range(474)]},
        {"properties": {f"p{n}": {"type": "string", "maxLength": 100} for n in range(1000)}},
        _nested(3, "allOf"),
        _twice(8),
    ],
    ids=lambda given: str(given)[:60],
)
def test_a_schema_that_asks_for_little_is_taken(schema: dict[str, Any]) -> None:
    check_weight(schema)
