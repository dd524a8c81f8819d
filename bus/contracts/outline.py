"""The outline of a schema: the fields that it declares, each with its place and the schemas that apply there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from bus import json
from bus.contracts.schemas import Schema, children, in_place

_DEEPEST: Final = 12
_MOST: Final = 1000
"""Fields of an outline. Definitions that refer to each other multiply: beyond this a field covers all that is below it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One declared place in the data.

    Attributes:
        pointer: the field's place. The token `*` stands for every item of an array.
        schemas: the schemas that apply there, at least in some case; the field's own first.
        required: whenever the object is there that holds the field, the field is there.
        is_leaf: the outline has no field below it.
    """

    pointer: str
    schemas: tuple[Schema, ...]
    required: bool
    is_leaf: bool


def draw_outline(schema: Schema) -> list[Field]:
    """The declared fields in the schema's order, each before the fields below it. The whole data are not a field."""
    return list(_Outline(schema).below("", [schema]))


class _Outline:
    def __init__(self, root: Schema) -> None:
        self._root = root
        self._found = 0

    def below(self, pointer: str, heads: list[Any]) -> Iterator[Field]:
        """The fields below a place whose schemas, before references are followed, are `heads`."""
        applied = in_place(self._root, heads)
        certain = {name for one in self._list_certain(heads) for name in one.get("required", ())}
        for name in _list_names(applied):
            own = _list_below(applied, name)
            if not own:
                continue
            self._found += 1
            at = pointer + json.to_pointer((name,))
            place, inner = self._look_inside(at, own)
            deeper = bool(inner) and at.count("/") < _DEEPEST and self._found < _MOST
            schemas = tuple(one for one in in_place(self._root, own) if isinstance(one, dict))
            yield Field(at, schemas, name in certain, not deeper)
            if deeper:
                yield from self.below(place, inner)

    def _look_inside(self, pointer: str, heads: list[Any]) -> tuple[str, list[Any]]:
        """The place that declares a field's members (the field, or each of its items), and the schemas there."""
        applied = in_place(self._root, heads)
        if _list_names(applied):
            return pointer, heads
        items = _list_below(applied, "*")
        return f"{pointer}/*", items if _list_names(in_place(self._root, items)) else []

    def _list_certain(self, heads: list[Any]) -> Iterator[Schema]:
        """The schemas that apply in every case: no branch of anyOf, oneOf or a condition."""
        waiting, seen = list(heads), set()
        while waiting:
            schema = waiting.pop()
            if not isinstance(schema, dict) or id(schema) in seen:
                continue
            seen.add(id(schema))
            yield schema
            waiting += schema.get("allOf", ())
            if "$ref" in schema:
                waiting.append(json.find(self._root, unquote(schema["$ref"][1:])))


def _list_names(schemas: list[Any]) -> list[str]:
    """The names of the members that some schemas declare."""
    return list(dict.fromkeys(name for one in schemas if isinstance(one, dict) for name in one.get("properties", ())))


def _list_below(schemas: list[Any], step: str) -> list[Any]:
    """The schemas of a member (`*`: of the items); empty if the schemas forbid it."""
    return [child for schema in schemas for child in children(schema, step) if child is not False]
