"""Schemas over every keyword that contracts may use, schemas like them with something changed, and values that come near both."""

import copy
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "ab", "c"])
PATTERNS = st.sampled_from(["^a", "b$", "^[ab]+$", "^.?$", "^(a|bb)*$", "[0-9]{2,3}", "c|^$"])
FORMATS = st.sampled_from(["date", "uuid", "ipv4", "uri", "email", "date-time"])
NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, -1.5, 2.0])
STEPS = st.sampled_from([1, 2, 3, 0.5, 1.5])
SIZES = st.integers(0, 3)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
TEXTS = st.sampled_from(["", "a", "b", "ab", "ba", "bb", "abc", "12", "2024-02-29", "2024-02-30", "x@y.id", "10.0.0.1"])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=6
)
REFERENCES = st.sampled_from([{"$ref": "#/$defs/one"}, {"$ref": "#/$defs/two"}])


def _assertions(inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    some: st.SearchStrategy[Any] = st.lists(inner, min_size=1, max_size=2)
    return {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=4),
        "const": VALUES,
        "minimum": NUMBERS,
        "maximum": NUMBERS,
        "exclusiveMinimum": NUMBERS,
        "exclusiveMaximum": NUMBERS,
        "multipleOf": STEPS,
        "minLength": SIZES,
        "maxLength": SIZES,
        "pattern": PATTERNS,
        "format": FORMATS,
        "minItems": SIZES,
        "maxItems": SIZES,
        "uniqueItems": st.booleans(),
        "items": inner,
        "prefixItems": some,
        "contains": inner,
        "minContains": SIZES,
        "maxContains": SIZES,
        "unevaluatedItems": inner,
        "minProperties": SIZES,
        "maxProperties": SIZES,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "patternProperties": st.dictionaries(PATTERNS, inner, max_size=1),
        "additionalProperties": inner,
        "unevaluatedProperties": inner,
        "propertyNames": inner,
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=1),
        "dependentSchemas": st.dictionaries(NAMES, inner, max_size=1),
        "allOf": some,
        "anyOf": some,
        "oneOf": some,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
    }


def _extended(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    assertions = _assertions(inner)
    return st.lists(st.sampled_from(sorted(assertions)), min_size=1, max_size=4, unique=True).flatmap(
        lambda keywords: st.fixed_dictionaries({keyword: assertions[keyword] for keyword in keywords})
    )


_SUBSCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | TYPES.map(lambda name: {"type": name})
    | REFERENCES
    | NUMBERS.map(lambda number: {"minimum": number}),
    _extended,
    max_leaves=6,
)


@st.composite
def schemas(draw: st.DrawFn) -> Any:
    """A schema with two definitions, which may refer to each other through the data."""
    schema = draw(_extended(_SUBSCHEMAS))
    # References in place could go round without end; those in the definitions go through a property.
    schema["$defs"] = {
        "one": {"type": ["object", "null"], "properties": {"a": draw(_SUBSCHEMAS), "b": {"$ref": "#/$defs/two"}}},
        "two": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/one"}}]},
    }
    return schema


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two schemas, the second one like the first with one to three places changed."""
    old = draw(schemas())
    new = old
    for _ in range(draw(st.integers(1, 3))):
        new = draw(_changed(new))
    return old, new


@st.composite
def chains(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """Three schemas, each like the one before with one to three places changed."""
    oldest, old = draw(pairs())
    new = old
    for _ in range(draw(st.integers(1, 3))):
        new = draw(_changed(new))
    return oldest, old, new


@st.composite
def _changed(draw: st.DrawFn, schema: Any) -> Any:
    # What hypothesis drew may be drawn again: it must stay as it was.
    schema = copy.deepcopy(schema)
    places = [schema, *_inside(schema)]
    place = places[draw(st.integers(0, len(places) - 1))]
    assertions: dict[str, st.SearchStrategy[Any]] = _assertions(_SUBSCHEMAS)
    keywords = sorted(set(place) & set(assertions))
    is_shorter = draw(st.booleans())
    if keywords and is_shorter:
        del place[draw(st.sampled_from(keywords))]
    else:
        keyword = draw(st.sampled_from(keywords or sorted(assertions)) | st.sampled_from(sorted(assertions)))
        place[keyword] = draw(assertions[keyword])
    return schema


def _inside(schema: Any) -> list[dict[str, Any]]:
    """The schemas inside one, as objects that may be changed."""
    found: list[dict[str, Any]] = []
    for keyword, value in schema.items():
        if keyword in ("enum", "const", "required", "dependentRequired"):
            continue
        named = keyword in ("properties", "patternProperties", "dependentSchemas", "$defs")
        for inner in value.values() if named else value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                found += [inner, *_inside(inner)]
    return found
