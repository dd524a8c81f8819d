"""Readable names for the schemas inside a schema. Code and AsyncAPI documents call nested types by them."""

import re
from collections import deque
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from bus import json
from bus.contracts.schemas import Schema, inside, mapped, subschemas

_CONDITIONS: Final = frozenset({"if", "then", "else", "not", "dependentSchemas", "contains", "propertyNames"})
"""Keywords whose schemas describe no type of their own."""
_IN_PLACE: Final = frozenset({"allOf", "anyOf", "oneOf"})
_LONGEST: Final = 60
_RESERVED: Final = frozenset(
    {
        *("abstract", "and", "array", "as", "bool", "break", "callable", "case", "catch", "class", "clone", "const"),
        *("continue", "declare", "default", "do", "echo", "else", "elseif", "empty", "enum", "exit", "extends"),
        *("false", "final", "finally", "float", "fn", "for", "foreach", "from", "function", "global", "goto", "if"),
        *("implements", "include", "instanceof", "int", "interface", "isset", "iterable", "list", "match", "mixed"),
        *("namespace", "never", "new", "none", "null", "numeric", "object", "or", "parent", "print", "private"),
        *("protected", "public", "readonly", "require", "resource", "return", "self", "static", "string", "stdclass"),
        *("switch", "throw", "trait", "true", "try", "unset", "use", "var", "void", "while", "xor", "yield"),
        *("annotated", "any", "basemodel", "configdict", "date", "decimal", "field", "jsonserializable", "literal"),
        *("number", "rootmodel", "symbol", "typeerror", "undefined", "unknown", "boolean", "bigint", "die", "eval"),
    }
)
"""Names, in small letters, that mean something in PHP, TypeScript or the generated Python."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A schema on the way through a schema.

    Attributes:
        hint: the name of the member that leads there.
        parent: the type around it.
    """

    schema: Any
    hint: str
    parent: str


def name_objects(schema: Schema, name: str) -> dict[int, str]:
    """Names for the objects with declared members, by the `id()` of their schemas. No two names are equal.

    A name is the schema's title, else the member that leads there, else both the parent and the member. Where members of several
    names lead to a definition, the definition's own name stands for them.

    Args:
        schema: flattened.
        name: the name of the whole.
    """
    shared = _find_shared(schema)
    names = {id(schema): name}
    taken = {name.lower()}
    walked: set[int] = set()
    waiting = deque([_Place(schema, name, name)])
    while waiting:
        place = waiting.popleft()
        if not isinstance(place.schema, dict) or id(place.schema) in walked:
            continue
        walked.add(id(place.schema))
        if "properties" in place.schema and id(place.schema) not in names:
            names[id(place.schema)] = _choose(place, taken)
            taken.add(names[id(place.schema)].lower())
        waiting.extend(_list_below(schema, place, names.get(id(place.schema), place.parent), shared))
    return names


def make_type_name(text: str, otherwise: str = "Data") -> str:
    """A text as a type's name in any language: `kode-wilayah` becomes `KodeWilayah`, and `list` becomes `ListData`."""
    words = re.findall("[A-Za-z0-9]+", text)
    name = "".join(word[:1].upper() + (word[1:].lower() if word.isupper() else word[1:]) for word in words)[:_LONGEST]
    if not name:
        return otherwise
    if name[0].isdigit():
        return f"Data{name}"
    return f"{name}Data" if name.lower() in _RESERVED else name


def title_parts(schema: Schema, name: str) -> Schema:
    """A copy in which each object, each list's item and each definition has a title: the author's, or a name.

    Args:
        schema: flattened.
        name: the name of the whole.
    """
    copy: Schema = mapped(schema, str)
    names = name_objects(copy, name)
    for place, path in _list_types(copy):
        hint = next((step for step in reversed(path) if isinstance(step, str) and step != "items"), "")
        titled = names.get(id(place)) or (" ".join(re.findall(r"\w+", hint)) if path[:1] == ("$defs",) else "")
        if titled and "$ref" not in place:
            place.setdefault("title", titled)
    return copy


def _choose(place: _Place, taken: set[str]) -> str:
    own = make_type_name(place.hint)
    title = place.schema.get("title")
    told = [make_type_name(title)] if isinstance(title, str) and re.search("[A-Za-z]", title) else []
    stems = (*told, own, f"{place.parent}{own}")
    numbered = (f"{own}{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*stems, *numbered) if name.lower() not in taken)


def _list_below(root: Schema, place: _Place, parent: str, shared: Set[str]) -> Iterator[_Place]:
    reference = place.schema.get("$ref")
    if isinstance(reference, str):
        hint = reference.rpartition("/")[2] if reference in shared else place.hint
        yield _Place(json.find(root, unquote(reference[1:])), hint, parent)
    for step, inner in inside(place.schema):
        if step[0] in _CONDITIONS or step[0] in ("$defs", "definitions"):
            continue
        if step[0] == "properties":
            yield _Place(inner, str(step[1]), parent)
        else:
            yield _Place(inner, place.hint if step[0] in _IN_PLACE else f"{place.hint} item", parent)


def _find_shared(schema: Schema) -> Set[str]:
    """The references that members of different names make."""
    first: dict[str, str] = {}
    shared = set()
    for _, inner in subschemas(schema):
        for member, below in inner.get("properties", {}).items():
            reference = below.get("$ref") if isinstance(below, dict) else None
            if isinstance(reference, str) and first.setdefault(reference, member) != member:
                shared.add(reference)
    return shared


def _list_types(schema: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Schema, tuple[str | int, ...]]]:
    """The schemas that describe types, with their paths. It leaves out conditions."""
    if isinstance(schema, dict):
        yield schema, path
        for step, inner in inside(schema):
            if step[0] not in _CONDITIONS:
                yield from _list_types(inner, (*path, *step))
