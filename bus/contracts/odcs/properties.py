"""The properties of the standard, from a JSON Schema and back.

They say less than the schema: no conditions, no choices. So an export has the whole schema beside them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from bus import json
from bus.contracts.formats import FORMATS
from bus.contracts.schemas import Schema

Property = dict[str, Any]

_DEEPEST: Final = 12
_MOST: Final = 2000
"""Properties of one schema. Definitions that refer to each other multiply."""
_TIMES: Final = {"date": "date", "date-time": "timestamp", "time": "time"}
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "object": ("minProperties", "maxProperties"),
    "array": ("minItems", "maxItems", "uniqueItems"),
}


def write_properties(schema: Schema, key: str | None) -> list[Property]:
    """The properties of an object's schema.

    Args:
        schema: self-contained.
        key: pointer of a record's key.
    """
    return list(_Writing(schema, key).below(schema, "", 0))


def read_properties(properties: list[Property]) -> Schema:
    """The schema of an object with these properties and no others."""
    required = [one["name"] for one in properties if one.get("required")]
    schema: Schema = {
        "type": "object",
        "properties": {one["name"]: _read_property(one) for one in properties},
        "additionalProperties": False,
    }
    return schema | ({"required": required} if required else {})


class _Writing:
    def __init__(self, root: Schema, key: str | None) -> None:
        self._root = root
        self._key = key
        self._left = _MOST

    def below(self, schema: Any, pointer: str | None, depth: int) -> Iterator[Property]:
        """The properties of the object with this schema.

        Args:
            pointer: the object's place; None: it is in an array.
        """
        layers = list(self._layers(schema, set()))
        required = {name for layer in layers for name in layer.get("required", ())}
        declared: dict[str, Any] = {}
        for layer in layers:
            for name, inner in layer.get("properties", {}).items():
                declared.setdefault(name, inner)
        for name, inner in declared.items():
            self._left -= 1
            if inner is not False and self._left >= 0:
                place = None if pointer is None else pointer + json.to_pointer((name,))
                facts: Property = {"name": name, **({"required": True} if name in required else {})}
                if place is not None and place == self._key:
                    facts |= {"primaryKey": True, "primaryKeyPosition": 1}
                yield facts | self._describe(inner, place, depth + 1)

    def _describe(self, schema: Any, place: str | None, depth: int) -> Property:
        merged = self._merge(schema)
        told: Property = {}
        logical = _find_logical_type(merged)
        if logical:
            told["logicalType"] = logical
            told |= _write_options(merged, logical)
        for word, name in (("title", "businessName"), ("description", "description")):
            if isinstance(merged.get(word), str):
                told[name] = merged[word]
        if isinstance(merged.get("examples"), list):
            told["examples"] = merged["examples"]
        if isinstance(values := merged.get("enum", [merged["const"]] if "const" in merged else None), list):
            told["quality"] = [{"metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0}]
        if depth >= _DEEPEST:
            return told
        if logical == "object" and (inner := list(self.below(schema, place, depth))):
            told["properties"] = inner
        if logical == "array" and isinstance(items := merged.get("items"), dict):
            self._left -= 1
            if self._left >= 0:
                told["items"] = self._describe(items, None, depth + 1)
        return told

    def _merge(self, schema: Any) -> Schema:
        """The keywords of all schemas that certainly apply to the same value; the first one counts."""
        merged: Schema = {}
        for layer in self._layers(schema, set()):
            merged = {**layer, **merged}
        return merged

    def _layers(self, schema: Any, seen: set[int]) -> Iterator[Schema]:
        if isinstance(schema, dict) and id(schema) not in seen:
            seen.add(id(schema))
            yield schema
            if "$ref" in schema:
                yield from self._layers(json.find(self._root, unquote(schema["$ref"][1:])), seen)
            for part in schema.get("allOf", ()):
                yield from self._layers(part, seen)


def _find_logical_type(schema: Schema) -> str | None:
    types = schema.get("type")
    told = [one for one in (types if isinstance(types, list) else [types]) if one not in (None, "null")]
    if len(told) != 1:
        return "object" if not told and "properties" in schema else None
    return _TIMES.get(schema.get("format", ""), "string") if told[0] == "string" else str(told[0])


def _write_options(schema: Schema, logical: str) -> Property:
    options = {word: schema[word] for word in _OPTIONS.get(logical, ()) if word in schema and _is_said(schema[word])}
    return {"logicalTypeOptions": options} if options else {}


def _is_said(value: Any) -> bool:
    """The standard's counts are integers, where JSON Schema also takes 3.0."""
    return not isinstance(value, float) or not value.is_integer()


def _read_property(told: Property) -> Schema:
    schema: Schema = {}
    logical = told.get("logicalType")
    options = told.get("logicalTypeOptions", {})
    words = {word: options[word] for word in _OPTIONS.get(logical or "", ()) if word in options}
    formats = {name: word for word, name in _TIMES.items()}
    if logical in formats:
        schema |= {"type": "string", "format": formats[logical]}
    elif logical == "object" and "properties" in told:
        schema |= {**read_properties(told["properties"]), **words}
    elif logical == "array":
        schema |= {"type": "array", "items": _read_property(told.get("items", {})), **words}
    elif logical:
        schema |= {"type": logical, **words}
    if schema.get("format") not in (None, *FORMATS):
        del schema["format"]
    for word, name in (("title", "businessName"), ("description", "description"), ("examples", "examples")):
        if name in told:
            schema[word] = told[name]
    for check in told.get("quality", ()):
        values = check.get("arguments", {}).get("validValues")
        if check.get("metric") == "invalidValues" and check.get("mustBe") == 0 and isinstance(values, list) and values:
            schema["enum"] = values
    return schema
