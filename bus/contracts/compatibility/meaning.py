"""The meaning of each keyword of JSON Schema 2020-12: its demands on a value of one JSON type, as formulas."""

from collections.abc import Callable, Iterator
from typing import Any

from bus.contracts.compatibility.evaluated import Evaluations
from bus.contracts.compatibility.logic import (
    ALWAYS,
    NEVER,
    Both,
    Bound,
    Either,
    EveryItem,
    EveryMember,
    EveryName,
    Formatted,
    Formula,
    Has,
    Literal,
    Match,
    Matching,
    Multiple,
    Named,
    Outside,
    Size,
    Unique,
    at_least,
    at_most,
    one_of,
)
from bus.contracts.compatibility.nodes import Library, Node, target
from bus.contracts.compatibility.values import JsonType, exact, type_of


class Meaning:
    """Reads schemas into formulas, once for each schema and JSON type."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._read: dict[tuple[Node, JsonType], Both] = {}
        self._evaluations = Evaluations(self.literal)

    def literal(self, schema: Any, root: Any) -> Literal:
        """The formula that a value is valid under a schema."""
        return Literal(self._library.node(schema, root), True)

    def of(self, literal: Literal, kind: JsonType) -> Formula:
        """The literal's demands on a value of a type. Schemas inside stay literals."""
        key = (literal.node, kind)
        if key not in self._read:
            self._read[key] = Both(tuple(self._read_demands(literal.node, kind)))
        demands = self._read[key]
        return demands if literal.positive else demands.negated()

    def _read_demands(self, node: Node, kind: JsonType) -> Iterator[Formula]:
        schema, root = node.schema, node.root
        if isinstance(schema, bool):
            yield ALWAYS if schema else NEVER
            return

        def valid(inner: Any) -> Literal:
            return self.literal(inner, root)

        yield from _read_any_type(schema, kind)
        match kind:
            case JsonType.NUMBER:
                yield from _read_numbers(schema)
            case JsonType.STRING:
                yield from _read_strings(schema)
            case JsonType.ARRAY:
                yield from _read_arrays(schema, valid)
                yield from self._evaluations.items(schema, root)
            case JsonType.OBJECT:
                yield from _read_objects(schema, valid)
                yield from self._evaluations.properties(schema, root)
            case JsonType.NULL | JsonType.BOOLEAN:
                pass
        yield from _read_combined(schema, valid)
        if "$ref" in schema:
            yield valid(target(schema["$ref"], root))


def _read_any_type(schema: Any, kind: JsonType) -> Iterator[Formula]:
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if kind is JsonType.NUMBER and "integer" in types and "number" not in types:
            yield Multiple(exact(1), True)
        elif kind.value not in types:
            yield NEVER
    for values in ([schema["enum"]] if "enum" in schema else []) + ([[schema["const"]]] if "const" in schema else []):
        fitting = [value for value in values if type_of(value) is kind]
        yield one_of(fitting) if fitting else NEVER


def _read_numbers(schema: Any) -> Iterator[Formula]:
    for keyword, upper, strict in (
        ("minimum", False, False),
        ("maximum", True, False),
        ("exclusiveMinimum", False, True),
        ("exclusiveMaximum", True, True),
    ):
        if keyword in schema:
            yield Bound(exact(schema[keyword]), upper, strict)
    if "multipleOf" in schema:
        yield Multiple(exact(schema["multipleOf"]), True)


def _read_strings(schema: Any) -> Iterator[Formula]:
    yield from _read_sizes(schema, "minLength", "maxLength")
    if "pattern" in schema:
        yield Match(schema["pattern"], True)
    if "format" in schema:
        yield Formatted(schema["format"], True)


def _read_sizes(schema: Any, least: str, most: str) -> Iterator[Formula]:
    # JSON may write a limit as 2.0.
    if schema.get(least, 0) > 0:
        yield Size(int(schema[least]), False)
    if most in schema:
        yield Size(int(schema[most]), True)


def _read_arrays(schema: Any, valid: Callable[[Any], Literal]) -> Iterator[Formula]:
    yield from _read_sizes(schema, "minItems", "maxItems")
    prefix = schema.get("prefixItems", [])
    for index, item in enumerate(prefix):
        yield EveryItem(index, index + 1, valid(item))
    if "items" in schema:
        yield EveryItem(len(prefix), None, valid(schema["items"]))
    if schema.get("uniqueItems", False):
        yield Unique(True)
    if "contains" in schema:
        yield at_least(valid(schema["contains"]), int(schema.get("minContains", 1)))
        if "maxContains" in schema:
            yield at_most(valid(schema["contains"]), int(schema["maxContains"]))


def _read_objects(schema: Any, valid: Callable[[Any], Literal]) -> Iterator[Formula]:
    yield from _read_sizes(schema, "minProperties", "maxProperties")
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name in schema.get("required", ()):
        yield Has(name, True)
    for name, inner in properties.items():
        yield EveryMember(Named(name), valid(inner))
    for pattern, inner in patterns.items():
        yield EveryMember(Matching(pattern), valid(inner))
    if "additionalProperties" in schema:
        others = Outside(frozenset(properties), frozenset(patterns))
        yield EveryMember(others, valid(schema["additionalProperties"]))
    if "propertyNames" in schema:
        yield EveryName(valid(schema["propertyNames"]))
    for name, needed in schema.get("dependentRequired", {}).items():
        yield Either((Has(name, False), Both(tuple(Has(other, True) for other in needed))))
    for name, inner in schema.get("dependentSchemas", {}).items():
        yield Either((Has(name, False), valid(inner)))


def _read_combined(schema: Any, valid: Callable[[Any], Literal]) -> Iterator[Formula]:
    yield from (valid(inner) for inner in schema.get("allOf", ()))
    if "anyOf" in schema:
        yield Either(tuple(valid(inner) for inner in schema["anyOf"]))
    if "oneOf" in schema:
        yield _require_exactly_one([valid(inner) for inner in schema["oneOf"]])
    if "not" in schema:
        yield valid(schema["not"]).negated()
    if "if" in schema and ("then" in schema or "else" in schema):
        condition = valid(schema["if"])
        then, otherwise = valid(schema.get("then", True)), valid(schema.get("else", True))
        yield Either((Both((condition, then)), Both((condition.negated(), otherwise))))


def _require_exactly_one(branches: list[Literal]) -> Formula:
    return Either(
        tuple(
            Both((chosen, *(other.negated() for place, other in enumerate(branches) if place != index)))
            for index, chosen in enumerate(branches)
        )
    )
