"""A schema in pieces: its single demands, each as a schema of its own with its path.

A value breaks a schema exactly if it breaks one of the pieces. So a comparison names the pieces that an old value can break.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bus.contracts.compatibility.report import Rule

Path = tuple[str | int, ...]
Wrap = Callable[[Any], Any]
"""Puts a schema for a part of the value into a schema for the whole value."""

_LEAVES = {
    "type": Rule.TYPE,
    "enum": Rule.VALUES,
    "const": Rule.VALUES,
    "minimum": Rule.MINIMUM,
    "exclusiveMinimum": Rule.MINIMUM,
    "maximum": Rule.MAXIMUM,
    "exclusiveMaximum": Rule.MAXIMUM,
    "multipleOf": Rule.MULTIPLE_OF,
    "minLength": Rule.MIN_LENGTH,
    "maxLength": Rule.MAX_LENGTH,
    "pattern": Rule.PATTERN,
    "format": Rule.FORMAT,
    "propertyNames": Rule.PROPERTY_NAMES,
    "minProperties": Rule.MIN_PROPERTIES,
    "maxProperties": Rule.MAX_PROPERTIES,
    "minItems": Rule.MIN_ITEMS,
    "maxItems": Rule.MAX_ITEMS,
    "uniqueItems": Rule.UNIQUE_ITEMS,
    "anyOf": Rule.ANY_OF,
    "oneOf": Rule.ONE_OF,
    "not": Rule.NOT,
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One demand.

    Attributes:
        path: the path of the demand, from the schema that makes it.
        schema: a schema with only this demand.
        rule: the rule that is broken if the demand is.
        about: the property or the value that the demand is about, for the message.
        given: a schema that the value must fulfil too when the demand is tested. The demand's meaning depends on it.
    """

    path: Path
    schema: Any
    rule: Rule
    about: str = ""
    given: Any = True


@dataclass(frozen=True, slots=True)
class Part:
    """An inner schema, for a part of the value or for the same value.

    Attributes:
        path: the path of the inner schema, from the outer one. A reference is a path from the document's root.
        schema: the inner schema.
        wrap: makes the inner schema a schema for the outer value.
        step: the property's name or the item's index; None: the same value; `...`: any other property or item.
    """

    path: Path
    schema: Any
    wrap: Wrap
    step: Any = None
    is_reference: bool = False


def pieces(schema: dict[str, Any]) -> Iterator[Piece]:
    """The demands that a schema makes itself."""
    for keyword, rule in _LEAVES.items():
        if keyword in schema:
            yield Piece((keyword,), {keyword: schema[keyword]}, rule)
    for index, name in enumerate(schema.get("required", ())):
        yield Piece(("required", index), {"required": [name]}, Rule.REQUIRED, name)
    for name, needed in schema.get("dependentRequired", {}).items():
        yield Piece(
            ("dependentRequired", name),
            {"dependentRequired": {name: needed}},
            Rule.DEPENDENT_REQUIRED,
            ", ".join(needed),
        )
    if "contains" in schema:
        counted = _keep_only(schema, "contains", "minContains", "maxContains")
        yield Piece(("contains",), counted, Rule.CONTAINS)
    if schema.get("additionalProperties") is False:
        closed = _keep_only(schema, "additionalProperties", "patternProperties")
        closed["properties"] = dict.fromkeys(schema.get("properties", ()), True)
        closed["patternProperties"] = dict.fromkeys(schema.get("patternProperties", ()), True)
        yield Piece(("additionalProperties",), closed, Rule.CLOSED)
    for keyword, rule in (
        ("unevaluatedProperties", Rule.UNEVALUATED_PROPERTIES),
        ("unevaluatedItems", Rule.UNEVALUATED_ITEMS),
    ):
        if keyword in schema:
            rest = {name: value for name, value in schema.items() if name != keyword}
            yield Piece((keyword,), schema, rule, given=rest)
    yield from _list_conditions(schema)


def _list_conditions(schema: dict[str, Any]) -> Iterator[Piece]:
    if "if" in schema:
        for keyword in ("then", "else"):
            if keyword in schema:
                yield Piece((keyword,), {"if": schema["if"], keyword: schema[keyword]}, Rule.CONDITION)


def parts(schema: dict[str, Any]) -> Iterator[Part]:
    """The inner schemas that must hold whenever the outer schema holds."""
    for name, inner in schema.get("properties", {}).items():
        yield Part(("properties", name), inner, _wrap_member("properties", name), name)
    for pattern, inner in schema.get("patternProperties", {}).items():
        yield Part(("patternProperties", pattern), inner, _wrap_member("patternProperties", pattern), ...)
    if schema.get("additionalProperties", False) is not False:
        yield Part(("additionalProperties",), schema["additionalProperties"], _wrap_others(schema), ...)
    prefix = schema.get("prefixItems", [])
    for index, inner in enumerate(prefix):
        yield Part(("prefixItems", index), inner, _wrap_item(index), index)
    if "items" in schema:
        yield Part(("items",), schema["items"], _wrap_items(len(prefix)), ...)
    for index, inner in enumerate(schema.get("allOf", ())):
        yield Part(("allOf", index), inner, _wrap_nothing)
    for name, inner in schema.get("dependentSchemas", {}).items():
        yield Part(("dependentSchemas", name), inner, _wrap_member("dependentSchemas", name))


def _keep_only(schema: dict[str, Any], *keywords: str) -> dict[str, Any]:
    return {keyword: schema[keyword] for keyword in keywords if keyword in schema}


def _wrap_nothing(inner: Any) -> Any:
    return inner


def _wrap_member(keyword: str, name: str) -> Wrap:
    return lambda inner: {keyword: {name: inner}}


def _wrap_others(schema: dict[str, Any]) -> Wrap:
    known = {
        keyword: dict.fromkeys(schema[keyword], True)
        for keyword in ("properties", "patternProperties")
        if keyword in schema
    }
    return lambda inner: {**known, "additionalProperties": inner}


def _wrap_item(index: int) -> Wrap:
    return lambda inner: {"prefixItems": [*[True] * index, inner]}


def _wrap_items(start: int) -> Wrap:
    return lambda inner: {"prefixItems": [True] * start, "items": inner} if start else {"items": inner}
