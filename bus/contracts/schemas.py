"""Schemas inside a JSON Schema (2020-12): walks through a schema, finds a property in it, and makes it self-contained."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from bus import json
from bus.contracts.patterns import plain
from bus.problem import FieldError

Schema = dict[str, Any]
Reader = Callable[[Path], Any]
"""Reads one schema file into its document."""

MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose value is an object of schemas."""
LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords whose value is an array of schemas."""
ONES = frozenset(
    {
        "items",
        "additionalProperties",
        "unevaluatedProperties",
        "unevaluatedItems",
        "contains",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "contentSchema",
    }
)
"""Keywords whose value is one schema."""
_IDENTITY = ("$id", "$schema")
_UNSUPPORTED = frozenset({"$id", "$schema", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$vocabulary"})
_MOST_FILES = 100
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class SchemaWrong(Exception):
    """A schema cannot be made self-contained; `error` says where and why."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.error = FieldError(pointer, detail)


def subschemas(schema: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Schema]]:
    """Every schema object in a schema, with its path; the schema itself comes first."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for step, inner in inside(schema):
        yield from subschemas(inner, (*path, *step))


def in_use(root: Any) -> Iterator[Schema]:
    """Every schema object that may apply to some part of the data: it leaves out definitions without a reference.

    It follows references that are JSON Pointers; contracts have no others.
    """
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        schema = waiting.pop()
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema
        waiting.extend(inner for step, inner in inside(schema) if step[0] not in ("$defs", "definitions"))
        reference = schema.get("$ref")
        if isinstance(reference, str) and (reference == "#" or reference.startswith("#/")):
            waiting.append(json.find(root, unquote(reference[1:])))


def mapped(
    schema: Any,
    pattern: Callable[[str], str],
    reference: Callable[[str, str], str] = lambda reference, _: reference,
    path: tuple[str | int, ...] = (),
) -> Any:
    """A copy of a schema with other patterns and references.

    Args:
        schema: a schema.
        pattern: gives the new pattern, also for the names of patternProperties.
        reference: gives the new $ref from the old one and its pointer.
        path: the path of `schema` in its document.
    """
    if not isinstance(schema, dict):
        return schema
    written: Schema = {}
    for keyword, value in schema.items():
        here = (*path, keyword)
        if keyword == "$ref" and isinstance(value, str):
            value = reference(value, json.to_pointer(here))
        elif keyword == "pattern" and isinstance(value, str):
            value = pattern(value)
        elif keyword in ONES:
            value = mapped(value, pattern, reference, here)
        elif keyword in LISTS and isinstance(value, list):
            value = [mapped(inner, pattern, reference, (*here, index)) for index, inner in enumerate(value)]
        elif keyword in MAPS and isinstance(value, dict):
            named = pattern if keyword == "patternProperties" else str
            value = {named(name): mapped(inner, pattern, reference, (*here, name)) for name, inner in value.items()}
        written[keyword] = value
    return written


def collect_property_names(schema: Any) -> frozenset[str]:
    """The names of properties that a schema declares or requires, anywhere in it."""
    told = [inner.get(keyword, ()) for _, inner in subschemas(schema) for keyword in ("properties", "required")]
    return frozenset(name for names in told for name in names)


def has_property(schema: Any, pointer: str) -> bool:
    """Whether data under `schema` can have a value at a JSON Pointer. The token `*` stands for all items of an array."""
    return bool(find_schemas_at(schema, pointer))


def find_schemas_at(schema: Any, pointer: str) -> list[Any]:
    """The schemas that apply to the value at a JSON Pointer into the data; empty if no branch declares it."""
    found = in_place(schema, [schema])
    for step in json.parse_pointer(pointer):
        found = in_place(schema, [child for branch in found for child in children(branch, step)])
    return [one for one in found if one is not False]


def bundle(schema: Any, base: Path | None, root: Path | None, read: Reader) -> Schema:
    """The schema with every file that it refers to in its `$defs`. No reference leads outside any more.

    Args:
        schema: the schema in the contract document.
        base: the file that holds `schema`; None: it came alone and may refer to no file.
        root: the folder that references may not leave.
        read: reads a file.

    Raises:
        SchemaWrong: a reference is remote, leaves `root` or names no file. Or a keyword changes what references mean.
    """
    return _Bundle(root, read).of(schema, base)


def inside(schema: Schema) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The schemas directly inside a schema, each with the keyword and the name or index that lead to it."""
    for keyword, value in schema.items():
        if keyword in ONES:
            yield (keyword,), value
        elif keyword in MAPS and isinstance(value, dict):
            yield from (((keyword, name), inner) for name, inner in value.items())
        elif keyword in LISTS and isinstance(value, list):
            yield from (((keyword, index), inner) for index, inner in enumerate(value))


def in_place(root: Any, schemas: list[Any]) -> list[Any]:
    """The schemas, and all schemas that they may apply to the same value: by $ref and in-place applicators."""
    found: list[Any] = []
    seen: set[int] = set()
    waiting = schemas[::-1]
    while waiting:
        schema = waiting.pop()
        if id(schema) in seen:
            continue
        found.append(schema)
        if isinstance(schema, dict):
            seen.add(id(schema))
            inside = [inner for keyword, inner in same_value(root, schema) if keyword not in ("not", "if")]
            waiting.extend(reversed(inside))
    return found


def referred(root: Any, schema: Schema) -> Iterator[Any]:
    """The schema that a schema's `$ref` leads to; nothing if it has no `$ref`."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        yield json.find(root, unquote(reference[1:]))


def same_value(root: Any, schema: Schema) -> Iterator[tuple[str, Any]]:
    """The schemas that `schema` applies to the same value, each with the keyword that does it."""
    yield from (("$ref", inner) for inner in referred(root, schema))
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from ((keyword, inner) for inner in schema.get(keyword, ()))
    yield from (("dependentSchemas", inner) for inner in schema.get("dependentSchemas", {}).values())
    yield from ((keyword, schema[keyword]) for keyword in ("not", "if", "then", "else") if keyword in schema)


def children(schema: Any, step: str) -> Iterator[Any]:
    """The schemas that a schema itself applies to a member of a name; `*`: to the items of an array."""
    if not isinstance(schema, dict):
        return
    if step == "*":
        yield from schema.get("prefixItems", ())
        if isinstance(schema.get("items"), dict):
            yield schema["items"]
    properties = schema.get("properties", {})
    matching = [inner for name, inner in schema.get("patternProperties", {}).items() if _matches(name, step)]
    if step in properties:
        yield properties[step]
    yield from matching
    if step not in properties and not matching and isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]


def _matches(pattern: str, text: str) -> bool:
    # Not Python's re: a hostile pattern could keep it busy for ever.
    options = jsonschema_rs.RegexOptions()
    return jsonschema_rs.is_valid({"pattern": pattern}, text, pattern_options=options)


class _Bundle:
    def __init__(self, root: Path | None, read: Reader) -> None:
        self._root = root.resolve() if root else None
        self._read = read
        self._names: dict[Path, str] = {}
        self._taken: set[str] = set()
        self._waiting: list[Path] = []

    def of(self, schema: Any, base: Path | None) -> Schema:
        while base and isinstance(schema, dict) and schema.keys() == {"$ref"} and not schema["$ref"].startswith("#"):
            path, _, fragment = schema["$ref"].partition("#")
            if fragment:
                break
            base = self._find_file(path, base, "/$ref")
            schema = self._read_schema(base)
            if base in self._names:
                raise SchemaWrong("/$ref", "goes round in a circle")
            self._names[base] = ""
        if not isinstance(schema, dict):
            raise SchemaWrong("", "must be a JSON Schema object")
        self._taken = set(schema.get("$defs", ()))
        whole: Schema = self._make_resource(schema, base, "")
        files: Schema = {}
        while self._waiting:
            path_of_file = self._waiting.pop(0)
            name = self._names[path_of_file]
            files[name] = self._make_resource(self._read_schema(path_of_file), path_of_file, f"/$defs/{name}")
        if files:
            whole["$defs"] = {**whole.get("$defs", {}), **files}
        return whole

    def _make_resource(self, schema: Any, base: Path | None, prefix: str) -> Any:
        if not isinstance(schema, dict):
            return schema
        _check_keywords(schema)
        # An $id is dropped: the bus serves the schema under its own address, and every reference leads inside.
        body = {keyword: value for keyword, value in schema.items() if keyword not in _IDENTITY}
        return mapped(body, plain, lambda reference, at: self._rewrite_reference(reference, base, prefix, at))

    def _rewrite_reference(self, reference: str, base: Path | None, prefix: str, at: str) -> str:
        path, _, fragment = reference.partition("#")
        if fragment and not fragment.startswith("/"):
            raise SchemaWrong(at, "must end in a JSON Pointer; contracts have no anchors")
        if not path:
            return f"#{prefix}{fragment}"
        if base is None:
            raise SchemaWrong(at, "must stay within the document: it has to be self-contained here")
        name = self._name_file(self._find_file(path, base, at))
        return f"#/$defs/{name}{fragment}" if name else f"#{fragment}"

    def _find_file(self, path: str, base: Path, at: str) -> Path:
        if ":" in path or path.startswith("/"):
            raise SchemaWrong(at, "must be a relative path to a local file: schemas are never fetched")
        file = (base.parent / unquote(path)).resolve()
        if self._root and not file.is_relative_to(self._root):
            raise SchemaWrong(at, "leaves the folder of the contracts")
        if not file.is_file():
            raise SchemaWrong(at, "names a file that is not there")
        return file

    def _read_schema(self, file: Path) -> Any:
        """The schema in a file, checked. Schemas within the contract document were checked with it."""
        schema = self._read(file)
        try:
            jsonschema_rs.meta.validate(schema)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            at = json.to_pointer(getattr(error, "instance_path", ()))
            raise SchemaWrong(
                "", f"refers to {file.name}, which is not JSON Schema 2020-12{at and f' at {at}'}"
            ) from error
        return schema

    def _name_file(self, file: Path) -> str:
        if file not in self._names:
            if len(self._names) >= _MOST_FILES:
                raise SchemaWrong("", f"refers to more than {_MOST_FILES} files")
            stem = "".join(
                c if c.isalnum() else "-" for c in file.name.removesuffix(file.suffix).removesuffix(".schema")
            )
            name, number = stem, 1
            while name in self._taken:
                number += 1
                name = f"{stem}-{number}"
            self._taken.add(name)
            self._names[file] = name
            self._waiting.append(file)
        return self._names[file]


def _check_keywords(resource: Schema) -> None:
    if resource.get("$schema", _DIALECT) != _DIALECT:
        raise SchemaWrong("/$schema", f"must be {_DIALECT}")
    for path, schema in subschemas(resource):
        for keyword in _UNSUPPORTED.intersection(schema):
            if path or keyword not in _IDENTITY:
                raise SchemaWrong(
                    json.to_pointer((*path, keyword)), "is not used in contracts: refer with $ref and a JSON Pointer"
                )
