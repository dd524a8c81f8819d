"""The part of a schema that is about texts and numbers, without the part about objects and arrays."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

from bus import json
from bus.contracts.schemas import Schema

_LIMITS: Final[tuple[str, ...]] = (
    "enum",
    "const",
    "pattern",
    "minLength",
    "maxLength",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
)
_LISTS: Final = ("allOf", "anyOf", "oneOf")
_ONES: Final = ("not", "if", "then", "else")
_MOST: Final = 200
"""Schemas within one place: definitions that refer to each other multiply. Further schemas count as no limit."""

_DEEPEST: Final = 60
"""Levels of nested schemas within one place, so that they can still be written as JSON. Deeper schemas count as no limit."""


def scalar_schema(root: Any, schema: Any) -> Any:
    """A schema that accepts the same texts and numbers as a schema, with references written out.

    Args:
        root: the schema that references lead into.
        schema: a schema within `root`.
    """
    return _Writing(root).of(schema, ())


def limits_of(schemas: Iterable[Schema], kind: str) -> list[Schema]:
    """The limits that each schema itself sets to values of a type (`string`, `integer`), if it accepts the type."""
    found = (
        {keyword: one[keyword] for keyword in _LIMITS if keyword in one} for one in schemas if _takes_type(one, kind)
    )
    return [limits for limits in found if limits]


def _takes_type(schema: Schema, kind: str) -> bool:
    said = schema.get("type", kind)
    types = [said] if isinstance(said, str) else said
    return kind in types or (kind == "integer" and "number" in types)


class _Writing:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = _MOST

    def of(self, schema: Any, above: tuple[int, ...]) -> Any:
        if not isinstance(schema, dict):
            return schema
        self._left -= 1
        if self._left < 0 or len(above) >= _DEEPEST or id(schema) in above:
            return True
        above = (*above, id(schema))
        written = {keyword: schema[keyword] for keyword in ("type", *_LIMITS) if keyword in schema}
        for keyword in _LISTS:
            if keyword in schema:
                written[keyword] = [self.of(inner, above) for inner in schema[keyword]]
        for keyword in _ONES:
            if keyword in schema:
                written[keyword] = self.of(schema[keyword], above)
        if (reference := schema.get("$ref", "")).startswith("#"):
            target = self.of(json.find(self._root, unquote(reference[1:])), above)
            written["allOf"] = [*written.get("allOf", ()), target]
        return written
