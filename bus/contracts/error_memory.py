"""The memory that all errors of a value need, estimated before they are made.

The compiled validator makes all errors before it gives out the first. Each error holds a copy of the data that it is about. So
the errors of one mebibyte of wrong data can take gigabytes and many seconds.
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
"""Bytes of an error, and of a copied value of each kind, in jsonschema-rs 0.60."""
_CHOICES: Final = frozenset({"anyOf", "oneOf"})


@dataclass(frozen=True, slots=True)
class ErrorMemory:
    """The properties of a schema that decide how many errors a value can have.

    Attributes:
        most_at_once: the most errors of the values down one path, by the depth of the data. Each required name counts.
        names: the schema checks names of objects. A wrong name is an error of the whole object.
        chooses: the schema has forms to choose from. The error of a choice holds the errors of each form.
    """

    most_at_once: tuple[int, ...]
    names: bool
    chooses: bool

    def fits(self, value: Any, memory: int) -> bool:
        """Whether all errors of a value surely fit into `memory` bytes."""
        row: list[Any] = [value]
        values = copied = depth = 0
        while row:
            depth += 1
            values += len(row)
            copied += sum(self._estimate_copy(one) for one in row)
            of_all = self.most_at_once[0]
            below = self.most_at_once[min(depth, len(self.most_at_once)) - 1] - of_all
            if of_all * (_ERROR + copied) + below * (values * _ERROR + depth * copied) > memory:
                return False
            row = [inner for one in row for inner in _get_values(one)]
        return True

    def _estimate_copy(self, value: Any) -> int:
        if isinstance(value, dict):
            own = _OBJECT + sum(len(name) + _SCALAR for name in value)
            return own * len(value) if self.names and value else own
        if isinstance(value, str):
            return _SCALAR + len(value)
        return _ARRAY if isinstance(value, list) else _SCALAR


def estimate_error_memory(schema: Any) -> ErrorMemory:
    """The properties of a schema that decide how much memory its errors need."""
    used = [inner for _, inner in subschemas(schema)]
    names = any("propertyNames" in inner for inner in used)
    chooses = any(not _CHOICES.isdisjoint(inner) for inner in used)
    return ErrorMemory(work_by_depth(schema, _count_assertions), names, chooses)


def _count_assertions(schema: dict[str, Any]) -> int:
    dependent = schema.get("dependentRequired", {}).values()
    return 1 + len(schema.get("required", ())) + sum(len(names) for names in dependent)


def _get_values(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
