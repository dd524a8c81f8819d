"""Shapes: what OpenAPI schemas say, with references followed, within bounds. They make contracts' schemas and invented data."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bus.contracts import Validator
from bus.declared.errors import OpenApiInvalid
from bus.json import parse_pointer

_DEEPEST: Final = 8
_MOST: Final = 2000
"""Most shapes of one OpenAPI file: references can mean more than the file holds."""
_MOST_JOINED: Final = 200_000
"""Most members that are joined for `allOf` of one OpenAPI file."""
_MOST_REFERENCES: Final = 20
_LONGEST: Final = 500
_MOST_ITEMS: Final = 1000
_MOST_WORDS: Final = 500
"""Most values of an enumeration that a contract lists."""
_LONGEST_TEXT: Final = 1000
"""Most characters of a description that are read."""
_LARGEST_COUNT: Final = 10_000
_LARGEST_NUMBER: Final = 2**53
"""Every reader of JSON keeps whole numbers up to here (RFC 8259, section 6)."""
_FORMATS: Final = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T08:00:00+07:00",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "contoh@lamongankab.example",
    "uri": "https://contoh.example",
}
_TEXT: Final = "contoh"
_TYPES: Final = frozenset({"object", "array", "string", "integer", "number", "boolean"})
_DIGITS: Final = re.compile(r"\^?(\\d|\[0-9\])")


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON value's form.

    Attributes:
        type: JSON Schema's word: object, array, string, integer, number or boolean.
        properties, required: of an object.
        items: of an array; None: nothing is said.
        example: a value that the file gives; None: none.
        bounds: keywords that a contract's schema takes over: enum, format, minLength, maxLength, maxItems, minimum, maximum.
        is_digits: a text of digits.
    """

    type: str
    properties: Mapping[str, "Shape"] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: "Shape | None" = None
    example: Any = None
    description: str = ""
    bounds: Mapping[str, Any] = field(default_factory=dict)
    is_nullable: bool = False
    is_digits: bool = False

    def to_schema(self, name: str = "") -> dict[str, Any]:
        """A closed schema for a contract. `name` describes a value that the file does not describe."""
        said = " ".join(self.description.split())[:200] or (f"Isi {name} menurut instansi." if name else "")
        schema: dict[str, Any] = {"type": [self.type, "null"] if self.is_nullable else self.type}
        schema |= {"description": said} if said else {}
        schema |= self.bounds
        if self.is_nullable and "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        if self.type == "object":
            schema |= {"additionalProperties": False, "required": sorted(self.required & self.properties.keys())}
            schema["properties"] = {one: shape.to_schema(one) for one, shape in self.properties.items()}
        if self.type == "array" and self.items is not None:
            schema["items"] = self.items.to_schema()
        return schema

    def make_up(self) -> Any:
        """A value of this shape: the file's example if it fits, else an invented one."""
        if self.example is not None and not Validator(self.to_schema()).errors(self.example):
            return self.example
        match self.type:
            case "object":
                return {name: shape.make_up() for name, shape in self.properties.items()}
            case "array":
                return [] if self.items is None else [self.items.make_up()]
            case "string":
                return self._make_up_text()
            case "boolean":
                return True
            case _:
                number = self.bounds.get("minimum", min(1, self.bounds.get("maximum", 1)))
                return math.ceil(number) if self.type == "integer" else number

    def _make_up_text(self) -> str:
        if "enum" in self.bounds:
            return str(self.bounds["enum"][0])
        if self.bounds.get("format") in _FORMATS:
            return _FORMATS[self.bounds["format"]]
        shortest = self.bounds.get("minLength", 0)
        text = "0" * max(shortest, 1) if self.is_digits else _TEXT.ljust(shortest, "x")
        return text[: self.bounds["maxLength"]]


class ShapeReader:
    """Reads the shapes of one OpenAPI file. References lead inside the file alone."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MOST
        self._joined = 0

    def resolve(self, value: Any) -> dict[str, Any]:
        """The object that a value is, or that its reference leads to; empty if it is no object.

        Raises:
            OpenApiInvalid: the reference leads out of the file, or to nothing.
        """
        for _ in range(_MOST_REFERENCES):
            if not isinstance(value, dict):
                return {}
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self._follow(reference)
        raise OpenApiInvalid("A reference of the OpenAPI file leads to itself.")

    def read(self, schema: Any, above: Sequence[str] = ()) -> Shape:
        """The shape that a schema describes. What lies deeper than eight levels is left out, and what holds itself.

        Args:
            above: the reference of each level above; empty for a level without one.

        Raises:
            OpenApiInvalid: the schema means too much, or a reference is wrong.
        """
        self._count()
        flat = self._flatten(schema, 0)
        path = (*above, _find_reference(schema))
        types = [one for one in _list(flat.get("type")) if isinstance(one, str)]
        is_nullable = "null" in types or flat.get("nullable") is True
        kind = next((one for one in types if one in _TYPES), _guess_type(flat))
        example = flat.get("example", next(iter(_list(flat.get("examples"))), flat.get("default")))
        found = Shape(
            kind,
            example=flat.get("const", example),
            description=take_text(flat.get("description")),
            is_nullable=is_nullable,
        )
        if kind == "object":
            return self._read_object(found, flat, path)
        if kind == "array":
            items = self.read(flat["items"], path) if "items" in flat and _goes_on(flat["items"], path) else None
            return replace(found, items=items, bounds={"maxItems": _take_number(flat, "maxItems", _MOST_ITEMS)})
        return replace(
            found, bounds=_list_bounds(kind, flat), is_digits=bool(_DIGITS.match(str(flat.get("pattern", ""))))
        )

    def _count(self) -> None:
        """Count one schema. Raises OpenApiInvalid above the bound."""
        self._left -= 1
        if self._left < 0:
            raise OpenApiInvalid(
                f"The chosen operations' schemas mean more than {_MOST} values; choose fewer operations."
            )

    def _read_object(self, found: Shape, flat: Mapping[str, Any], path: Sequence[str]) -> Shape:
        properties = {name: one for name, one in _object(flat.get("properties")).items() if _goes_on(one, path)}
        shapes = {name: self.read(inner, path) for name, inner in properties.items()}
        required = frozenset(one for one in _list(flat.get("required")) if isinstance(one, str))
        return replace(found, properties=shapes, required=required)

    def _flatten(self, schema: Any, depth: int) -> dict[str, Any]:
        """The schema with `allOf` together, and the first of `oneOf` and `anyOf`."""
        if depth > _DEEPEST:
            return {}
        flat = dict(self.resolve(schema))
        parts = _list(flat.pop("allOf", None))
        for word in ("oneOf", "anyOf"):
            parts += _list(flat.pop(word, None))[:1]
        for part in parts:
            self._count()
            inner = self._flatten(part, depth + 1)
            self._joined += sum(map(_measure, (inner, flat)))
            if self._joined > _MOST_JOINED:
                raise OpenApiInvalid(
                    f"The schemas join more than {_MOST_JOINED} members with allOf; choose fewer operations."
                )
            properties = {**_object(inner.get("properties")), **_object(flat.get("properties"))}
            required = [*_list(inner.get("required")), *_list(flat.get("required"))]
            flat = {**inner, **flat}
            flat |= {"properties": properties} if properties else {}
            flat |= {"required": required} if required else {}
        return flat

    def _follow(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise OpenApiInvalid(
                f"The reference {reference[:200]!r} leads out of the file; put all into one file, as a bundler does."
            )
        value: Any = self._root
        for step in parse_pointer(reference[1:]):
            if not isinstance(value, dict) or step not in value:
                raise OpenApiInvalid(f"The reference {reference[:200]!r} leads to nothing.")
            value = value[step]
        return value


def take_text(said: Any) -> str:
    """The beginning of a text for people; empty if there is none, or if a terminal would not only show it."""
    text = said[:_LONGEST_TEXT] if isinstance(said, str) else ""
    return text if text.isprintable() else ""


def _measure(flat: Mapping[str, Any]) -> int:
    return len(flat) + len(_object(flat.get("properties"))) + len(_list(flat.get("required")))


def _find_reference(schema: Any) -> str:
    return str(schema.get("$ref", "")) if isinstance(schema, dict) else ""


def _goes_on(schema: Any, path: Sequence[str]) -> bool:
    """Whether a level is read: it is not too deep, and is none of the levels above."""
    reference = _find_reference(schema)
    return len(path) <= _DEEPEST and not (reference and reference in path)


def _guess_type(flat: Mapping[str, Any]) -> str:
    return "object" if "properties" in flat else "array" if "items" in flat else "string"


def _list_bounds(kind: str, flat: Mapping[str, Any]) -> dict[str, Any]:
    values = [flat["const"]] if "const" in flat else _list(flat.get("enum"))
    if kind == "string":
        texts = [one for one in values[: _MOST_WORDS + 1] if isinstance(one, str)]
        if texts and len(values) <= _MOST_WORDS:
            return {"enum": texts}
        form = flat.get("format")
        if form in _FORMATS:
            return {"format": form, "maxLength": _LONGEST}
        shortest = _take_number(flat, "minLength", 0)
        longest = max(_take_number(flat, "maxLength", _LONGEST), shortest, 1)
        return ({"minLength": shortest} if shortest else {}) | {"maxLength": longest}
    bounds = {name: flat[name] for name in ("minimum", "maximum") if _is_number(flat.get(name))}
    return bounds if kind in ("integer", "number") else {}


def _take_number(flat: Mapping[str, Any], name: str, default: int) -> int:
    value = flat.get(name)
    return (
        min(value, _LARGEST_COUNT) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
