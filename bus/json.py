"""JSON in one place: bytes in, bytes out, and RFC 6901 pointers."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson


def loads(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: the text is not JSON (RFC 8259) in UTF-8.
    """
    return orjson.loads(text)


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON, keys in their given order."""
    return orjson.dumps(value)


def pretty(value: Any) -> str:
    """JSON for people: a member a line, two spaces deeper at each level."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def canonical(value: Any) -> bytes:
    """The same bytes for the same value, whatever the order of its keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def pointer(path: Iterable[str | int]) -> str:
    """The JSON Pointer (RFC 6901) of a path of keys and indexes; empty for the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def path(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a JSON Pointer (RFC 6901).

    Raises:
        ValueError: a pointer is empty or begins with a slash.
    """
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is not a JSON Pointer: it begins with '/'")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def at(document: Any, pointer: str) -> Any:
    """What a JSON Pointer points at, or None when nothing is there."""
    return follow(document, path(pointer))


def follow(document: Any, steps: Sequence[str]) -> Any:
    """What a JSON Pointer's reference tokens lead to, or None when nothing is there."""
    value = document
    for part in steps:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def is_deeper(value: Any, levels: int) -> bool:
    """Whether a value is nested deeper than some levels; found level by level, without recursion."""
    row: list[Any] = [value]
    for _ in range(levels + 1):
        row = [child for parent in row for child in _children(parent)]
        if not row:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    if type(value) is dict:
        return value.values()
    return value if type(value) is list else ()
