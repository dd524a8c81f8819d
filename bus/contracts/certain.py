"""What a schema says of a value in every case: its JSON type, and the bounds of a number."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bus import json
from bus.contracts.schemas import Schema, referred


@dataclass(frozen=True, slots=True)
class Certain:
    """What data that fit a schema certainly have at one place, if they have a value there.

    Attributes:
        type: the JSON type, apart from null; None: several types may come.
        least, most: bounds of a number; None: there is none.
    """

    type: str | None
    least: float | None = None
    most: float | None = None


def find_certain(schema: Schema, pointer: str) -> Certain:
    """What is certain of the value at a JSON Pointer. Parts of the schema that apply only in some case do not count."""
    found = _apply_always(schema, [schema])
    for step in json.parse_pointer(pointer):
        members = [one.get("properties", {}).get(step) for one in found]
        found = _apply_always(schema, [one for one in members if isinstance(one, dict)])
    types = [set(_list_types(one)) for one in found if "type" in one]
    left = set.intersection(*types) - {"null"} if types else set()
    least = [one["minimum"] for one in found if "minimum" in one]
    most = [one["maximum"] for one in found if "maximum" in one]
    return Certain(left.pop() if len(left) == 1 else None, max(least, default=None), min(most, default=None))


def _apply_always(root: Schema, schemas: list[Any]) -> list[Schema]:
    """The schemas, and those that they apply to the same value whatever it is."""
    found: list[Schema] = []
    waiting = list(schemas)
    while waiting:
        schema = waiting.pop()
        if isinstance(schema, dict) and not any(schema is one for one in found):
            found.append(schema)
            waiting.extend(_list_applied(root, schema))
    return found


def _list_applied(root: Schema, schema: Schema) -> Iterator[Any]:
    yield from referred(root, schema)
    yield from schema.get("allOf", ())


def _list_types(schema: Schema) -> list[str]:
    named = schema["type"]
    return [named] if isinstance(named, str) else list(named)
