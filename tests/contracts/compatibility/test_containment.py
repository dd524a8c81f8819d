"""Which schemas take all that another takes: decided on the meaning, not on the writing."""

from collections.abc import Sequence
from typing import Any

import pytest

from bus.contracts.compatibility import Verdict
from tests.contracts.compatibility.versions import reported

TEXT = {"type": "string"}
NIK = "^[0-9]{16}$"
A_LIST = {
    "type": "object",
    "required": ["isi"],
    "properties": {"isi": {"type": "integer"}, "ekor": {"$ref": "#"}},
    "additionalProperties": False,
}
A_LONGER_LIST = {
    "type": "object",
    "required": ["isi"],
    "properties": {"isi": {"type": "number"}, "ekor": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
    "additionalProperties": False,
}
NEVER_ENDING = {"type": "object", "required": ["ekor"], "properties": {"ekor": {"$ref": "#"}}}

NOTHING: Any = {"allOf": [False]}
SAME = [
    ("an enumeration and an interval", {"enum": [1, 2]}, {"type": "integer", "minimum": 1, "maximum": 2}),
    ("one value", {"const": "a"}, {"enum": ["a"]}),
    ("1 and 1.0", {"const": 1}, {"const": 1.0}),
    ("types split up", {"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}),
    ("an allOf merged", {"allOf": [{"minLength": 1}, {"maxLength": 5}]}, {"minLength": 1, "maxLength": 5}),
    ("integers", {"type": "integer"}, {"type": "number", "multipleOf": 1}),
    ("strict bounds of integers", {"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 0.5}),
    ("both booleans", {"type": "boolean"}, {"enum": [True, False]}),
    ("a double negation", {"not": {"not": TEXT}}, TEXT),
    ("De Morgan", {"not": {"anyOf": [TEXT, {"type": "null"}]}}, {"allOf": [{"not": TEXT}, {"not": {"type": "null"}}]}),
    ("a condition", {"if": TEXT, "then": {"minLength": 1}}, {"minLength": 1}),
    ("a dependency", {"dependentRequired": {"a": ["b"]}}, {"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
    ("dependent schemas", {"dependentSchemas": {"a": {"required": ["b"]}}}, {"dependentRequired": {"a": ["b"]}}),
    (
        "a forbidden property",
        {"type": "object", "properties": {"a": False}},
        {"type": "object", "not": {"required": ["a"]}},
    ),
    ("unevaluated and additional", {"unevaluatedProperties": False}, {"additionalProperties": False}),
    ("a pattern in other words", {"pattern": "^a+$"}, {"pattern": "^aa*$"}),
    (
        "a length and a pattern",
        {"type": "string", "pattern": "^.{2}$", "minLength": 2},
        {"type": "string", "pattern": "^..$"},
    ),
    ("no items", {"type": "array", "maxItems": 0}, {"const": []}),
    ("an empty object", {"type": "object", "additionalProperties": False}, {"type": "object", "maxProperties": 0}),
    (
        "contains none",
        {"contains": TEXT, "minContains": 0, "maxContains": 0},
        {"type": ["array", "null", "boolean", "number", "object", "string"], "items": {"not": TEXT}},
    ),
    ("a reference", {"$ref": "#/$defs/a", "$defs": {"a": TEXT}}, TEXT),
    ("data that could never end", NEVER_ENDING, {"type": "object", "allOf": [False]}),
    ("oneOf of what excludes itself", {"oneOf": [TEXT, {"type": "null"}]}, {"anyOf": [TEXT, {"type": "null"}]}),
    ("multiples", {"multipleOf": 6}, {"allOf": [{"multipleOf": 2}, {"multipleOf": 3}]}),
    (
        "a condition's properties",
        {"if": {"required": ["a"]}, "then": {"properties": {"a": TEXT}}, "unevaluatedProperties": False},
        {"properties": {"a": TEXT}, "additionalProperties": False},
    ),
    (
        "a required property cannot be",
        {"required": ["a"], "properties": {"a": {"allOf": [TEXT, {"type": "null"}]}}, "type": "object"},
        {"allOf": [False]},
    ),
    ("numbers that are none", {"type": "number", "exclusiveMinimum": 1, "maximum": 1}, NOTHING),
    ("decimal steps", {"allOf": [{"multipleOf": 0.5}, {"multipleOf": 0.2}]}, {"multipleOf": 1}),
    ("two items in one", {"type": "array", "contains": TEXT, "minContains": 2, "maxItems": 1}, NOTHING),
    ("a name that may not be", {"type": "object", "required": ["abc"], "propertyNames": {"maxLength": 2}}, NOTHING),
    (
        "branches with properties of their own",
        {
            "anyOf": [
                {"required": ["a"], "properties": {"a": True}},
                {"required": ["b"], "properties": {"b": True}},
            ],
            "unevaluatedProperties": False,
        },
        {
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
            "properties": {"a": True, "b": True},
            "additionalProperties": False,
        },
    ),
    (
        "many branches without properties",
        {"anyOf": [{"required": [f"p{n}"]} for n in range(12)], "unevaluatedProperties": TEXT},
        {"anyOf": [{"required": [f"p{n}"]} for n in reversed(range(12))], "additionalProperties": TEXT},
    ),
    (
        "items that contains has looked at",
        {"contains": TEXT, "unevaluatedItems": {"type": "integer"}},
        {"contains": TEXT, "items": {"type": ["string", "integer"]}},
    ),
    (
        "items that a branch has looked at",
        {"allOf": [{"prefixItems": [TEXT], "unevaluatedItems": {"type": "integer"}}], "unevaluatedItems": False},
        {"prefixItems": [TEXT], "items": {"type": "integer"}},
    ),
    ("a condition with an else alone", {"if": TEXT, "else": {"type": "integer"}}, {"type": ["string", "integer"]}),
]

WIDER = [
    ("a union", TEXT, {"anyOf": [TEXT, {"type": "integer"}]}),
    ("a branch of a union", {"anyOf": [{"const": 1}, {"const": 2}]}, {"type": "integer"}),
    ("a looser pattern", {"pattern": NIK}, {"pattern": "^[0-9]+$", "maxLength": 16}),
    (
        "a pattern for a length",
        {"type": "string", "pattern": NIK},
        {"type": "string", "minLength": 16, "maxLength": 16},
    ),
    ("a pattern for a format", {"type": "string", "format": "date"}, {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
    ("a uuid's length", {"type": "string", "format": "uuid"}, {"maxLength": 36}),
    ("a URI is a URI reference", {"format": "uri"}, {"format": "uri-reference"}),
    (
        "a pattern for names",
        {"patternProperties": {"^x_": TEXT}, "additionalProperties": False},
        {"propertyNames": {"pattern": "_"}, "additionalProperties": TEXT},
    ),
    ("decimal multiples", {"multipleOf": 0.1}, {"multipleOf": 0.01}),
    ("one item is unique", {"maxItems": 1}, {"uniqueItems": True}),
    ("items in front", {"prefixItems": [TEXT, TEXT], "items": False}, {"items": TEXT}),
    ("some item is there", {"items": TEXT, "minItems": 1}, {"contains": TEXT}),
    ("a list of lists", A_LIST, A_LONGER_LIST),
    (
        "other discriminators",
        {"oneOf": [{"type": "object", "properties": {"j": {"const": "a"}}, "required": ["j"]}]},
        {
            "oneOf": [
                {"type": "object", "properties": {"j": {"const": "a"}}, "required": ["j"]},
                {"type": "object", "properties": {"j": {"const": "b"}}, "required": ["j"]},
            ]
        },
    ),
    (
        "branches know more properties",
        {"allOf": [{"properties": {"a": TEXT}}], "unevaluatedProperties": False},
        {"allOf": [{"properties": {"a": TEXT, "b": TEXT}}], "unevaluatedProperties": False},
    ),
    ("negated enumerations", {"not": {"enum": [1, 2, 3]}}, {"not": {"enum": [1, 2]}}),
    ("items that cannot be equal", {"prefixItems": [TEXT, {"type": "integer"}], "items": False}, {"uniqueItems": True}),
    ("one name only", {"propertyNames": {"const": "a"}, "properties": {"a": TEXT}}, {"additionalProperties": TEXT}),
    ("an address's length", {"type": "string", "format": "email"}, {"maxLength": 254}),
    ("enough items", {"items": TEXT, "minItems": 2}, {"contains": TEXT, "minContains": 2}),
]

POSSIBLE = [
    (
        "one member for two demands",
        {
            "maxProperties": 1,
            "not": {"additionalProperties": TEXT},
            "allOf": [{"not": {"additionalProperties": {"type": "integer"}}}],
        },
    ),
    (
        "names that match a pattern are no others",
        {
            "patternProperties": {"^x": TEXT},
            "additionalProperties": {"type": "integer"},
            "propertyNames": {"pattern": "^x"},
            "minProperties": 1,
            "type": "object",
        },
    ),
    (
        "data that end on a way that was tried last",
        {
            "$defs": {
                "a": {
                    "anyOf": [
                        {"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#/$defs/b"}}},
                        {"type": "array", "maxItems": 0},
                    ]
                },
                "b": {"type": "object", "required": ["y"], "properties": {"y": {"$ref": "#/$defs/a"}}},
            },
            "type": "object",
            "required": ["p", "q"],
            "properties": {
                "p": {"$ref": "#/$defs/a"},
                "q": {"$ref": "#/$defs/b"},
            },
        },
    ),
    ("a smaller list", {"type": "array", "maxItems": 1, "items": {"const": 1}, "not": {"const": [1]}}),
    (
        "a further member",
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"const": 1}},
            "maxProperties": 2,
            "not": {"const": {"a": 1}},
        },
    ),
    ("a day that no calendar has", {"type": "string", "pattern": "^2024-02-30$", "not": {"format": "date"}}),
    (
        "the same item for two demands",
        {"type": "array", "maxItems": 1, "contains": TEXT, "allOf": [{"contains": {"minLength": 3}}]},
    ),
]


def ids(rows: Sequence[tuple[str, *tuple[Any, ...]]]) -> list[str]:
    return [row[0] for row in rows]


@pytest.mark.parametrize(("_", "one", "other"), SAME, ids=ids(SAME))
def test_the_same_in_other_words_is_compatible_both_ways(_: str, one: Any, other: Any) -> None:
    report = reported(one, other, compatibility="full")
    assert (report.verdict, report.findings) == (Verdict.COMPATIBLE, ())


@pytest.mark.parametrize(("_", "narrow", "wide"), WIDER, ids=ids(WIDER))
def test_what_takes_more_is_backward_compatible(_: str, narrow: Any, wide: Any) -> None:
    assert reported(narrow, wide).verdict is Verdict.COMPATIBLE


@pytest.mark.parametrize(("_", "narrow", "wide"), WIDER, ids=ids(WIDER))
def test_what_takes_less_is_not_and_an_example_shows_it(_: str, narrow: Any, wide: Any) -> None:
    report = reported(wide, narrow)
    assert report.verdict is Verdict.INCOMPATIBLE
    assert any(finding.example for finding in report.findings)


def test_what_cannot_be_compared_in_time_is_compatible_with_itself_alone() -> None:
    entangled = {"type": "string", "pattern": "^(a|b)*a(a|b){14}$"}
    assert reported(entangled, {"pattern": "^(a|b)*a(a|b){13}[ab]$"}, steps=5_000).verdict is Verdict.UNDECIDED
    assert reported(entangled, {**entangled, "title": "Kode"}, steps=5_000).verdict is Verdict.COMPATIBLE


@pytest.mark.parametrize(("_", "schema"), POSSIBLE, ids=ids(POSSIBLE))
def test_what_has_values_is_not_taken_for_what_has_none(_: str, schema: Any) -> None:
    assert reported(schema, NOTHING).verdict is not Verdict.COMPATIBLE
