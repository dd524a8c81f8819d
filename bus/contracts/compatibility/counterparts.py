"""Counterparts: finds the place in another schema about the same part of the data. A finding points there too."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from bus import json
from bus.contracts.compatibility.nodes import target
from bus.contracts.compatibility.pieces import Path
from bus.contracts.compatibility.search import Search


@dataclass(frozen=True, slots=True)
class Place:
    """A schema and its path in its document."""

    path: Path
    schema: Any


def here(place: Place, root: Any) -> list[Place]:
    """The place and all places about the same value, by references and combinations; each once."""
    found: dict[int, Place] = {}
    waiting = [place]
    while waiting:
        current = waiting.pop(0)
        if isinstance(current.schema, dict) and id(current.schema) not in found:
            found[id(current.schema)] = current
            waiting += _list_in_place(current, root)
    return list(found.values())


def _list_in_place(place: Place, root: Any) -> Iterator[Place]:
    schema = place.schema
    if "$ref" in schema:
        yield Place(path_of(schema["$ref"]), target(schema["$ref"], root))
    for keyword in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(schema.get(keyword, ())):
            yield Place((*place.path, keyword, index), inner)
    for keyword in ("then", "else"):
        if keyword in schema:
            yield Place((*place.path, keyword), schema[keyword])
    for name, inner in schema.get("dependentSchemas", {}).items():
        yield Place((*place.path, "dependentSchemas", name), inner)


def path_of(reference: str) -> Path:
    """The path in the document that a `$ref` leads to."""
    return json.parse_pointer(unquote(reference.removeprefix("#")))


def below(places: list[Place], step: Any, root: Any, search: Search) -> list[Place]:
    """The places about a property (its name), an item (its index), or any other property or item (`...`)."""
    found = [child for place in places for child in _list_children(place, step, search)]
    return [place for child in found for place in here(child, root)]


def _list_children(place: Place, step: Any, search: Search) -> Iterator[Place]:
    schema, path = place.schema, place.path
    if isinstance(step, str):
        yield from _find_member(schema, path, step, search)
        return
    prefix = schema.get("prefixItems", [])
    if isinstance(step, int) and step < len(prefix):
        yield Place((*path, "prefixItems", step), prefix[step])
    elif "items" in schema:
        yield Place((*path, "items"), schema["items"])
    if step is ...:
        for pattern, inner in schema.get("patternProperties", {}).items():
            yield Place((*path, "patternProperties", pattern), inner)
        if "additionalProperties" in schema:
            yield Place((*path, "additionalProperties"), schema["additionalProperties"])


def _find_member(schema: Any, path: Path, name: str, search: Search) -> Iterator[Place]:
    declared = False
    if name in schema.get("properties", {}):
        declared = True
        yield Place((*path, "properties", name), schema["properties"][name])
    for pattern, inner in schema.get("patternProperties", {}).items():
        if search.pattern(pattern).matches(name):
            declared = True
            yield Place((*path, "patternProperties", pattern), inner)
    if not declared and "additionalProperties" in schema:
        yield Place((*path, "additionalProperties"), schema["additionalProperties"])
