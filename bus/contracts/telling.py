"""What it would take to tell everything that is wrong with a value.

The compiled validator makes all errors before it gives out the first, each with a copy of the part of the data that it is about:
a mebibyte of wrong data took gigabytes and many seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from bus.contracts.schemas import subschemas
from bus.contracts.weight import work_by_depth

_ERROR: Final = 1500
_OBJECT: Final = 700
_ARRAY: Final = 100
_SCALAR: Final = 40
"""Bytes that an error takes, and a copied value of each kind, measured with jsonschema-rs 0.60."""
_CHOICES: Final = frozenset({"anyOf", "oneOf"})


@dataclass(frozen=True, slots=True)
class Telling:
    """What a schema may have to say.

    Attributes:
        most_at_once: how many errors the values down one path can have, by the depth of the data: what is required counts name
            by name.
        names: each name of an object can be wrong by itself, which is an error of the whole object.
        chooses: the schema has forms to choose from. The error of a choice holds the errors of each of its forms.
    """

    most_at_once: tuple[int, ...]
    names: bool
    chooses: bool

    def fits(self, value: Any, memory: int) -> bool:
        """Whether all errors of a value surely fit into so many bytes."""
        row: list[Any] = [value]
        values = copied = depth = 0
        while row:
            depth += 1
            values += len(row)
            copied += sum(self._copied(one) for one in row)
            of_all = self.most_at_once[0]
            below = self.most_at_once[min(depth, len(self.most_at_once)) - 1] - of_all
            if of_all * (_ERROR + copied) + below * (values * _ERROR + depth * copied) > memory:
                return False
            row = [inner for one in row for inner in _inside(one)]
        return True

    def _copied(self, value: Any) -> int:
        if isinstance(value, dict):
            own = _OBJECT + sum(len(name) + _SCALAR for name in value)
            return own * len(value) if self.names and value else own
        if isinstance(value, str):
            return _SCALAR + len(value)
        return _ARRAY if isinstance(value, list) else _SCALAR


def telling(schema: Any) -> Telling:
    """What a schema may have to say of a value."""
    used = [inner for _, inner in subschemas(schema)]
    names = any("propertyNames" in inner for inner in used)
    chooses = any(not _CHOICES.isdisjoint(inner) for inner in used)
    return Telling(work_by_depth(schema, _assertions), names, chooses)


def _assertions(schema: dict[str, Any]) -> int:
    dependent = schema.get("dependentRequired", {}).values()
    return 1 + len(schema.get("required", ())) + sum(len(names) for names in dependent)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
