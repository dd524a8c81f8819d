"""JSON values as JSON Schema sees them: the types, when two are equal, and numbers without rounding."""

from collections.abc import Hashable
from enum import Enum
from fractions import Fraction
from typing import Any, assert_never


class JsonType(Enum):
    """The types of JSON Schema. `integer` is no type of its own, but a number without a fraction."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"
    OBJECT = "object"
    ARRAY = "array"


def type_of(value: Any) -> JsonType:
    """The type of a JSON value."""
    if value is None:
        return JsonType.NULL
    if isinstance(value, bool):
        return JsonType.BOOLEAN
    if isinstance(value, int | float):
        return JsonType.NUMBER
    if isinstance(value, str):
        return JsonType.STRING
    return JsonType.ARRAY if isinstance(value, list) else JsonType.OBJECT


def exact(number: float) -> Fraction:
    """The number that JSON writes, without the rounding of binary fractions."""
    return Fraction(repr(number))


def as_json(number: Fraction) -> int | float | None:
    """The number as JSON can carry it between machines; None: it would be rounded."""
    if number.denominator == 1 and -(2**63) <= number < 2**63:
        return int(number)
    try:
        rounded = float(number)
    except OverflowError:
        return None
    return rounded if exact(rounded) == number else None


def identity(value: Any) -> Hashable:
    """A hashable that is equal for values that are equal in JSON Schema: 1 and 1.0 are, 1 and true are not."""
    kind = type_of(value)
    match kind:
        case JsonType.STRING | JsonType.BOOLEAN | JsonType.NULL:
            return (kind, value)
        case JsonType.NUMBER:
            return (kind, exact(value))
        case JsonType.ARRAY:
            return (kind, tuple(identity(item) for item in value))
        case JsonType.OBJECT:
            return (kind, frozenset((name, identity(member)) for name, member in value.items()))
        case _:
            assert_never(kind)
