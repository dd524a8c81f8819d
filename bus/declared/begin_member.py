"""The members of an agency's data, with their names in contracts and in JSONata."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bus import json
from bus.declared.openapi import Parameter
from bus.declared.shape import Shape

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED: Final = frozenset({"and", "or", "in", "true", "false", "null", "function"})
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAMES_OF_SETTINGS: Final = 40


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the agency's data: its name there, its name in the contract, and its shape."""

    name: str
    field: str
    shape: Shape
    is_required: bool


def list_members(shape: Shape) -> list[Member]:
    """The members of an object."""
    return join_members(
        [
            Member(name, to_field(name), inner, name in shape.required and not inner.is_nullable)
            for name, inner in shape.properties.items()
        ],
        [],
    )


def list_whole(name: str, shape: Shape | None) -> list[Member]:
    """A value that is no object, as the one member of an object."""
    return [] if shape is None else [Member(name, name, shape, is_required=True)]


def take_parameter(one: Parameter) -> Member:
    """A parameter as a member of the question, or of the event's data."""
    return Member(one.name, to_field(one.name), one.shape, one.is_required or one.place == "path")


def join_members(first: Iterable[Member], second: Iterable[Member]) -> list[Member]:
    """The members of both; of one field the first."""
    found: dict[str, Member] = {}
    for one in [*first, *second]:
        found.setdefault(one.field, one)
    return list(found.values())


def make_schema(members: Sequence[Member]) -> dict[str, Any]:
    """The closed schema of an object with these members."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": sorted(one.field for one in members if one.is_required),
        "properties": {one.field: one.shape.to_schema(one.field) for one in members},
    }


def write_name(name: str) -> str:
    """A member's name in JSONata."""
    return name if _PLAIN.fullmatch(name) and name not in _RESERVED else f"`{name.replace('`', '')}`"


def quote_text(name: str) -> str:
    """A text in JSONata."""
    return json.dumps(name).decode()


def to_field(name: str) -> str:
    """A name in snake_case."""
    words = "_".join(word.lower() for word in _WORDS.findall(name))
    return words if words[:1].isalpha() else f"isi_{words}".rstrip("_")


def to_word(name: str) -> str:
    """A name for a setting, or for a value of a path."""
    return to_field(name)[:_NAMES_OF_SETTINGS].rstrip("_")


def to_text(value: Any) -> str:
    """A value as a request carries it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value).decode()
