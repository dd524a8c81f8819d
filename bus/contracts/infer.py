"""A first schema, made from example payloads or from names. It has placeholders for texts that a person must write."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from bus.contracts.formats import FORMATS
from bus.contracts.schemas import Schema

_DIGITS: Final = {"nik": 16, "nomor_kk": 16, "no_kk": 16, "nip": 18, "nib": 13, "nop": 18}
"""The number of digits of identifiers, by the name of their property."""

_FORMATS: Final = ("date", "date-time", "uuid", "email", "ipv4", "ipv6", "uri")
_LENGTHS: Final = (20, 50, 100, 200, 500, 1000, 2000, 5000)
_ITEMS: Final = (100, 1000, 10_000)
_TEXT: Final = 50
_DATE: Final = "2026-01-01"
_ROOM: Final = 2
"""The factor between the longest example and a bound on texts and lists."""


def infer_schema(examples: Sequence[Any]) -> Schema:
    """A closed schema under which the examples are valid. Each property has a placeholder as its description.

    Args:
        examples: at least one payload.
    """
    return _infer("", examples)


def sketch_schema(names: Iterable[str]) -> Schema:
    """A closed schema of required texts with these names. Names tell which texts are dates and identifiers."""
    return _infer("", [{name: _name_typical(name) for name in names}])


def _name_typical(name: str) -> str:
    if name in _DIGITS:
        return "0" * _DIGITS[name]
    return _DATE if name.startswith("tanggal") else "x" * _TEXT


def _infer(name: str, values: Sequence[Any]) -> Schema:
    """The schema of the values under a name."""
    found: dict[str, list[Any]] = {}
    for value in values:
        found.setdefault(_get_type(value), []).append(value)
    if {"integer", "number"} <= found.keys():
        found["number"] += found.pop("integer")
    schema: Schema = {"type": next(iter(found)) if len(found) == 1 else list(found)}
    # Keywords for one JSON type do not limit the others, so one schema can hold them all.
    for kind, alike in found.items():
        if kind in _SAYS:
            schema |= _SAYS[kind](name, alike)
    return schema


def _get_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _infer_text(name: str, texts: Sequence[str]) -> Schema:
    digits = _DIGITS.get(name, 0)
    if digits and all(text.isascii() and text.isdecimal() and len(text) == digits for text in texts):
        return {"pattern": f"^[0-9]{{{digits}}}$", "maxLength": digits}
    longest = {"maxLength": _pick_bound(_LENGTHS, max(len(text) for text in texts))}
    found = next((name for name in _FORMATS if all(map(FORMATS[name], texts))), None)
    return {"format": found, **longest} if found else longest


def _infer_list(name: str, lists: Sequence[list[Any]]) -> Schema:
    items = [item for one in lists for item in one]
    bound: Schema = {"maxItems": _pick_bound(_ITEMS, max(len(one) for one in lists))}
    return {**bound, "items": _infer(name, items)} if items else bound


def _infer_object(_: str, objects: Sequence[dict[str, Any]]) -> Schema:
    names = dict.fromkeys(name for one in objects for name in one)
    return {
        "additionalProperties": False,
        "required": [name for name in names if all(name in one for one in objects)],
        "properties": {name: _infer_property(name, [one[name] for one in objects if name in one]) for name in names},
    }


def _infer_property(name: str, values: Sequence[Any]) -> Schema:
    schema = _infer(name, values)
    return {"type": schema["type"], "description": f"<apa arti {_simplify(name)}>", **schema}


def _simplify(name: str) -> str:
    return name.replace("<", "").replace(">", "")


def _pick_bound(steps: Sequence[int], longest: int) -> int:
    return next((step for step in steps if longest * _ROOM <= step), longest * _ROOM)


_SAYS: Final[dict[str, Callable[[str, Sequence[Any]], Schema]]] = {
    "string": _infer_text,
    "array": _infer_list,
    "object": _infer_object,
}
