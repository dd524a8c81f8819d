"""The types that a schema describes, free of any programming language. The templates of TypeScript and PHP write them.

Shapes say what typing can say. Conditions, lengths and patterns are left to the gate.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, cast
from urllib.parse import unquote

from bus import json
from bus.contracts.flat import flatten
from bus.contracts.schemas import Schema
from bus.contracts.titles import name_objects

_MOST: Final = 20_000
"""Shapes of one schema. Definitions that refer to each other multiply: what is beyond is of any type."""


class Scalar(Enum):
    """A JSON value without parts."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value."""


@dataclass(frozen=True, slots=True)
class Literal:
    """One of some values, each a JSON text of a value without parts."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """An array. `first` are the shapes of its first items, of which `required` are there; `rest` is the shape of the others.

    Attributes:
        rest: None: no others.
    """

    first: tuple["Shape", ...]
    required: int
    rest: "Shape | None"


@dataclass(frozen=True, slots=True)
class Mapping:
    """An object without declared members."""

    value: "Shape"


@dataclass(frozen=True, slots=True)
class Named:
    """A record of the outline, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Either:
    """A value of one of the shapes."""

    forms: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class Both:
    """A value of all of the shapes."""

    parts: tuple["Shape", ...]


Shape = Scalar | Anything | Literal | Items | Mapping | Named | Either | Both


@dataclass(frozen=True, slots=True)
class Member:
    """A declared member of an object."""

    name: str
    is_required: bool
    shape: Shape
    description: str


@dataclass(frozen=True, slots=True)
class Record:
    """An object with declared members.

    Attributes:
        is_open: the object may have other members.
    """

    name: str
    description: str
    members: tuple[Member, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shape of the whole, and the records that it is made of; the whole's own record is the first, if it is one."""

    root: Shape
    records: tuple[Record, ...]


def draw_shapes(schema: Schema, name: str) -> Shapes:
    """The shapes of a self-contained schema.

    Args:
        schema: it stays as it is.
        name: the name of the whole.
    """
    drawing = _Drawing(flatten(schema), name)
    root = drawing.shape(drawing.whole)
    return Shapes(root, tuple(record for record in drawing.records.values() if record))


def join_forms(forms: Iterable[Shape]) -> Shape:
    """One of the forms. Forms of forms become forms, and each is there once."""
    flat: dict[Shape, None] = {}
    for form in forms:
        flat |= dict.fromkeys(form.forms if isinstance(form, Either) else (form,))
    if Anything() in flat or not flat:
        return Anything()
    return next(iter(flat)) if len(flat) == 1 else Either(tuple(flat))


class _Drawing:
    def __init__(self, whole: Schema, name: str) -> None:
        self.whole = whole
        self.records: dict[str, Record | None] = {}
        self._names = name_objects(whole, name)
        self._left = _MOST
        self._open: set[int] = set()
        """The schemas that are being drawn: a schema inside itself is of any type, unless it is a record."""

    def shape(self, schema: Any) -> Shape:
        self._left -= 1
        if not isinstance(schema, dict) or self._left < 0:
            return Anything()
        if "properties" in schema:
            return _allow_null(schema, self._record(schema))
        if id(schema) in self._open:
            return Anything()
        self._open.add(id(schema))
        try:
            return self._join([*self._own(schema), *self._applied(schema)])
        finally:
            self._open.discard(id(schema))

    def _own(self, schema: Schema) -> Iterator[Shape]:
        """The shape that the schema's own keywords describe; none: they say nothing."""
        values = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if values is not None and not any(isinstance(value, dict | list) for value in values):
            yield Literal(tuple(dict.fromkeys(json.dumps(value).decode() for value in values)))
        elif "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            yield join_forms(self._typed(schema, one) for one in types)
        elif "items" in schema or "prefixItems" in schema:
            yield self._typed(schema, "array")

    def _typed(self, schema: Schema, type_name: str) -> Shape:
        if type_name == "object":
            others = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
            return Mapping(Anything() if "patternProperties" in schema else self.shape(others))
        if type_name == "array":
            first = tuple(self.shape(item) for item in schema.get("prefixItems", ()))
            rest = schema.get("items", schema.get("unevaluatedItems"))
            required = min(len(first), schema.get("minItems", 0))
            return Items(first, required, None if rest is False and first else self.shape(rest))
        return Scalar(type_name)

    def _applied(self, schema: Schema) -> Iterator[Shape]:
        """The shapes that the schema applies to the same value by references and combinations."""
        if "$ref" in schema:
            yield self.shape(self._find(schema))
        yield from (self.shape(part) for part in schema.get("allOf", ()))
        yield from (
            join_forms(self.shape(form) for form in schema[word]) for word in ("anyOf", "oneOf") if word in schema
        )

    def _join(self, parts: Iterable[Shape]) -> Shape:
        told = list(dict.fromkeys(part for part in parts if part != Anything()))
        literals = [part for part in told if isinstance(part, Literal)]
        if literals:
            # A list of values says more than a type beside it.
            return literals[0]
        if len(told) > 1:
            told = [part for part in told if part != Mapping(Anything())] or told[:1]
        return Anything() if not told else told[0] if len(told) == 1 else Both(tuple(told))

    def _record(self, schema: Schema) -> Shape:
        name = self._names[id(schema)]
        if name not in self.records:
            self.records[name] = None
            layers = list(self._layers(schema, set()))
            required = {one for layer in layers for one in layer.get("required", ())}
            declared: dict[str, list[Any]] = {}
            for layer in layers:
                for member, inner in layer.get("properties", {}).items():
                    declared.setdefault(member, []).append(inner)
            members = [
                self._member(one, inner, one in required) for one, inner in declared.items() if False not in inner
            ]
            members += [Member(one, True, Anything(), "") for one in sorted(required) if one not in declared]
            description = str(schema.get("description", schema.get("title", "")))
            self.records[name] = Record(name, description, tuple(members), all(_is_open(layer) for layer in layers))
        choices = [
            join_forms(self.shape(form) for form in schema[word]) for word in ("anyOf", "oneOf") if word in schema
        ]
        return self._join([Named(name), *choices])

    def _member(self, name: str, schemas: list[Any], is_required: bool) -> Member:
        told = next((str(one["description"]) for one in schemas if isinstance(one, dict) and "description" in one), "")
        return Member(name, is_required, self._join(self.shape(one) for one in schemas), told)

    def _layers(self, schema: Any, seen: set[int]) -> Iterator[Schema]:
        """The schema, and all schemas whose members are its own: by reference and by `allOf`."""
        if isinstance(schema, dict) and id(schema) not in seen:
            seen.add(id(schema))
            yield schema
            if "$ref" in schema:
                yield from self._layers(self._find(schema), seen)
            for part in schema.get("allOf", ()):
                yield from self._layers(part, seen)

    def _find(self, schema: Schema) -> Any:
        return json.find(self.whole, unquote(schema["$ref"][1:]))


def _is_open(schema: Schema) -> bool:
    return False not in (schema.get("additionalProperties"), schema.get("unevaluatedProperties"))


def _allow_null(schema: Schema, record: Shape) -> Shape:
    types = schema.get("type", "object")
    if isinstance(types, str):
        return record
    others = (Scalar(one) for one in cast("list[str]", types) if one not in ("object", "array"))
    return join_forms([record, *others])
