"""JSON in one place: bytes in, bytes out, and RFC 6901 pointers."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import orjson

Path = tuple[str | int, ...]
"""Keys and indexes that lead into a value."""

_BACKSLASH = 0x5C
_FEW = 64
"""Entries of an object or array below which each may be most of the value."""


def loads(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: the text is not JSON (RFC 8259) in UTF-8.
    """
    return orjson.loads(text)


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON, keys in their given order."""
    return orjson.dumps(value)


def dumps_in_pieces(value: Any, most: int) -> bytes:
    """What `dumps` writes, written in pieces: the writer holds the interpreter's lock, and other threads wait for a large value.

    Args:
        value: not nested deeper than `dumps` allows.
        most: characters and values of a piece, about.
    """
    return b"".join(_write_pieces(value, most))


def is_small(value: Any, most: int) -> bool:
    """Whether a value has no more characters and values than `most`; counting ends soon after it has."""
    size = 0
    left: list[Any] = [value]
    while left:
        part = left.pop()
        size += 1 + (len(part) if isinstance(part, str | Mapping | list) else 0)
        if size > most:
            return False
        if isinstance(part, Mapping):
            left += part
            left += part.values()
        elif isinstance(part, list):
            left += part
    return True


def _write_pieces(value: Any, most: int) -> Iterator[bytes]:
    if not isinstance(value, dict | list) or is_small(value, most):
        yield dumps(value)
        return
    is_object = isinstance(value, dict)
    yield b"{" if is_object else b"["
    inside = _write_entries(value, most) if len(value) < _FEW else _write_runs(value, most)
    for number, pieces in enumerate(inside):
        if number:
            yield b","
        yield from pieces
    yield b"}" if is_object else b"]"


def _write_entries(value: dict[str, Any] | list[Any], most: int) -> Iterator[Iterable[bytes]]:
    """Each entry of a short object or array."""
    if isinstance(value, list):
        yield from (_write_pieces(inner, most) for inner in value)
    else:
        yield from (chain([dumps({name: 0})[1:-2]], _write_pieces(inner, most)) for name, inner in value.items())


def _write_runs(value: dict[str, Any] | list[Any], most: int) -> Iterator[Iterable[bytes]]:
    """Runs of the entries of a long object or array, each about as long as a piece may be, by the length of the one before."""
    entries = value if isinstance(value, list) else list(value.items())
    start, count = 0, 1
    while start < len(entries):
        run = entries[start : start + count]
        text = dumps(run if isinstance(value, list) else dict(run))[1:-1]
        yield (text,)
        start += count
        count = max(1, min(2 * count, count * most // len(text)))


def has_repeated_names(text: bytes, written: bytes) -> bool:
    """Whether an object in a JSON text has two members of one name, of which a reader keeps the last.

    Counted, since to look at each name while parsing takes far longer: what was left out had a colon.

    Args:
        text: as it came.
        written: what `dumps` makes of its value.
    """
    if text == written:
        return False
    if may_escape_colons(text):
        # Written as an escape, a colon in a text is one in `written` alone.
        return find_repeated_name(text) is not None
    return text.count(b":") != written.count(b":")


def may_escape_colons(text: bytes) -> bool:
    """Whether a JSON text may have a colon that is written as an escape, so that `repeats` has to look at each name."""
    return _BACKSLASH in text and (b"\\u003a" in text or b"\\u003A" in text)


def find_repeated_name(text: bytes) -> Path | None:
    """Where in a JSON text the first object is that has two members of one name; None: there is none."""
    # Numbers stay text: Python takes no integer of more than some thousand digits.
    value = json.loads(text, object_pairs_hook=_collect_members, parse_int=str)
    return next((path for path, inner in _walk(value, ()) if type(inner) is _Repeating), None)


def find_nul(value: Any) -> Path | None:
    """Where in a value the first text with the character NUL is, or the object with such a name; None: there is none."""
    for path, inner in _walk(value, ()):
        texts = inner if isinstance(inner, dict) else (inner,)
        if any(isinstance(text, str) and "\0" in text for text in texts):
            return path
    return None


class _Repeating(dict[str, Any]):
    """An object that has two members of one name."""


def _collect_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Repeating(members)


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield from _walk(one, (*path, step))


def dump_pretty(value: Any) -> str:
    """JSON for people: a member a line, two spaces deeper at each level."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def dump_canonical(value: Any) -> bytes:
    """The same bytes for the same value, whatever the order of its keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def to_pointer(path: Iterable[str | int]) -> str:
    """The JSON Pointer (RFC 6901) of a path of keys and indexes; empty for the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a JSON Pointer (RFC 6901).

    Raises:
        ValueError: a pointer is empty or begins with a slash.
    """
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is not a JSON Pointer: it begins with '/'")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def find(document: Any, pointer: str) -> Any:
    """What a JSON Pointer points at, or None when nothing is there."""
    return follow(document, parse_pointer(pointer))


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
        row = [child for parent in row for child in _list_children(parent)]
        if not row:
            return False
    return True


def _list_children(value: Any) -> Iterable[Any]:
    if type(value) is dict:
        return value.values()
    return value if type(value) is list else ()
