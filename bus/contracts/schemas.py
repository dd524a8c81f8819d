"""Where a JSON Schema (2020-12) has schemas inside: walking one, finding a property in it, and making it self-contained."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bus import json
from bus.contracts.patterns import for_python, plain
from bus.problem import FieldError

Schema = dict[str, Any]
Reader = Callable[[Path], Any]
"""Reads one schema file into its document."""

_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_ONES = frozenset(
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
    """Every schema object in a schema with its path, itself first."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for step, inner in _inner(schema):
        yield from subschemas(inner, (*path, *step))


def mapped(
    schema: Any,
    pattern: Callable[[str], str],
    reference: Callable[[str, str], str] = lambda reference, _: reference,
    path: tuple[str | int, ...] = (),
) -> Any:
    """The schema with its patterns and references written anew.

    Args:
        schema: a schema.
        pattern: gives the new pattern, also for the names of patternProperties.
        reference: gives the new $ref from the old one and its pointer.
        path: of `schema` in its document.
    """
    if not isinstance(schema, dict):
        return schema
    written: Schema = {}
    for keyword, value in schema.items():
        here = (*path, keyword)
        if keyword == "$ref" and isinstance(value, str):
            value = reference(value, json.pointer(here))
        elif keyword == "pattern" and isinstance(value, str):
            value = pattern(value)
        elif keyword in _ONES:
            value = mapped(value, pattern, reference, here)
        elif keyword in _LISTS and isinstance(value, list):
            value = [mapped(inner, pattern, reference, (*here, index)) for index, inner in enumerate(value)]
        elif keyword in _MAPS and isinstance(value, dict):
            named = pattern if keyword == "patternProperties" else str
            value = {named(name): mapped(inner, pattern, reference, (*here, name)) for name, inner in value.items()}
        written[keyword] = value
    return written


def has_property(schema: Any, pointer: str) -> bool:
    """Whether data under `schema` can have what a JSON Pointer points at; `*` as a token stands for all items of an array."""
    return bool(schemas_at(schema, pointer))


def schemas_at(schema: Any, pointer: str) -> list[Any]:
    """The schemas that apply to what a JSON Pointer points at in the data; none when no branch declares it."""
    found = _in_place(schema, schema)
    for step in json.path(pointer):
        found = [one for branch in found for child in _children(branch, step) for one in _in_place(schema, child)]
    return [one for one in found if one is not False]


def bundle(schema: Any, base: Path | None, root: Path | None, read: Reader) -> Schema:
    """The schema with every file that it refers to inside its `$defs`, and nothing that points outside.

    Args:
        schema: as the contract document holds it.
        base: the file that `schema` stands in; None when it came alone and may refer to no file.
        root: the folder that references may not leave.
        read: reads a file.

    Raises:
        SchemaWrong: a remote reference, one that leaves `root`, a missing file, or a keyword that changes what references mean.
    """
    return _Bundle(root, read).of(schema, base)


def _inner(schema: Schema) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for keyword, value in schema.items():
        if keyword in _ONES:
            yield (keyword,), value
        elif keyword in _MAPS and isinstance(value, dict):
            yield from (((keyword, name), inner) for name, inner in value.items())
        elif keyword in _LISTS and isinstance(value, list):
            yield from (((keyword, index), inner) for index, inner in enumerate(value))


def _in_place(root: Any, schema: Any, seen: tuple[int, ...] = ()) -> list[Any]:
    """The schema and those that apply to the same value: through $ref and the applicators in place."""
    if not isinstance(schema, dict) or id(schema) in seen:
        return [] if isinstance(schema, dict) else [schema]
    seen = (*seen, id(schema))
    found = [schema]
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        found += _in_place(root, json.at(root, unquote(reference[1:])), seen)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(keyword, ()):
            found += _in_place(root, part, seen)
    for keyword in ("then", "else"):
        if keyword in schema:
            found += _in_place(root, schema[keyword], seen)
    return found


def _children(schema: Any, step: str) -> Iterator[Any]:
    if not isinstance(schema, dict):
        return
    if step == "*":
        yield from schema.get("prefixItems", ())
        if isinstance(schema.get("items"), dict):
            yield schema["items"]
    properties = schema.get("properties", {})
    matching = [
        inner for name, inner in schema.get("patternProperties", {}).items() if re.search(for_python(name), step)
    ]
    if step in properties:
        yield properties[step]
    yield from matching
    if step not in properties and not matching and isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]


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
            base = self._file(path, base, "/$ref")
            schema = self._read(base)
            if base in self._names:
                raise SchemaWrong("/$ref", "goes round in a circle")
            self._names[base] = ""
        if not isinstance(schema, dict):
            raise SchemaWrong("", "must be a JSON Schema object")
        self._taken = set(schema.get("$defs", ()))
        whole: Schema = self._resource(schema, base, "")
        files: Schema = {}
        while self._waiting:
            path_of_file = self._waiting.pop(0)
            name = self._names[path_of_file]
            files[name] = self._resource(self._read(path_of_file), path_of_file, f"/$defs/{name}")
        if files:
            whole["$defs"] = {**whole.get("$defs", {}), **files}
        return whole

    def _resource(self, schema: Any, base: Path | None, prefix: str) -> Any:
        if not isinstance(schema, dict):
            return schema
        _check_keywords(schema)
        # An $id is dropped: the bus serves the schema under its own address, and every reference is within.
        body = {keyword: value for keyword, value in schema.items() if keyword not in _IDENTITY}
        return mapped(body, plain, lambda reference, at: self._reference(reference, base, prefix, at))

    def _reference(self, reference: str, base: Path | None, prefix: str, at: str) -> str:
        path, _, fragment = reference.partition("#")
        if fragment and not fragment.startswith("/"):
            raise SchemaWrong(at, "must end in a JSON Pointer; contracts have no anchors")
        if not path:
            return f"#{prefix}{fragment}"
        if base is None:
            raise SchemaWrong(at, "must stay within the document: it has to be self-contained here")
        name = self._name(self._file(path, base, at))
        return f"#/$defs/{name}{fragment}" if name else f"#{fragment}"

    def _file(self, path: str, base: Path, at: str) -> Path:
        if ":" in path or path.startswith("/"):
            raise SchemaWrong(at, "must be a relative path to a local file: schemas are never fetched")
        file = (base.parent / unquote(path)).resolve()
        if self._root and not file.is_relative_to(self._root):
            raise SchemaWrong(at, "leaves the folder of the contracts")
        if not file.is_file():
            raise SchemaWrong(at, "names a file that is not there")
        return file

    def _name(self, file: Path) -> str:
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
                    json.pointer((*path, keyword)), "is not used in contracts: refer with $ref and a JSON Pointer"
                )
