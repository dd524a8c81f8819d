"""The bus's one way to read and write JSON, and JSON Pointers (RFC 6901)."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

Path = tuple[str | int, ...]
"""The keys and indexes that lead from a value to a part of it."""

_BACKSLASH = 0x5C
_OUTLINE = bytes.maketrans(b"0123456789. \t\n\r:,[-+E", b"00000000000:::::::::e")
"""Makes digits and points alike, and what may stand before a number."""
_LONG = b":0000000000000000"
"""The outline of a number of 16 characters or more begins so."""
_LONG_NUMBER = re.compile(
    rb"[ \t\n\r:,\[](-?[0-9](?:[0-9.]{15,}(?:[eE][+-]?[0-9]+)?|[0-9]*(?:\.[0-9]+)?[eE][+-]?[0-9]{3,}))"
)
"""A number of 16 characters or more, or with an exponent of three digits: any other number is kept."""
_MOST_DIGITS = 20
"""Digits that an integer of 64 bits may have; what `dumps` writes of a float has at most 17."""
_MOST_PATHS = 100
"""How many numbers that would change are told of one entry."""
_ENDLESS = 1000
"""Characters of a number that nobody means."""
_LONGEST_EXPONENT = 9
"""Digits of an exponent. A larger one is beyond a float, however many digits stand before it."""


def loads(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: the text is not JSON (RFC 8259) in UTF-8. The error says what is wrong and where, and quotes nothing.
    """
    return orjson.loads(text)


def dumps(value: Any) -> bytes:
    """The value as compact JSON in UTF-8. Keys keep their order."""
    return orjson.dumps(value)


def is_small(value: Any, most: int) -> bool:
    """Whether a value has at most `most` characters and values. Counting ends soon after it passes `most`."""
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


def has_repeated_names(text: bytes, written: bytes) -> bool:
    """Whether an object in a JSON text has two members with the same name.

    A reader keeps only the last of such members, so the value written again has fewer colons than the text. To count colons is
    far cheaper than to compare names.

    Args:
        text: the JSON text as it was received.
        written: the text's value, written by `dumps`.
    """
    if text == written:
        return False
    if may_escape_colons(text):
        # An escaped colon counts in `written` and not in `text`, so the names have to be compared.
        return find_repeated_name(text) is not None
    return text.count(b":") != written.count(b":")


def may_escape_colons(text: bytes) -> bool:
    """Whether a JSON text may hold an escaped colon. `has_repeated_names` then has to compare names, which is slow."""
    return _BACKSLASH in text and (b"\\u003a" in text or b"\\u003A" in text)


def find_repeated_name(text: bytes) -> Path | None:
    """The path of the first object in a JSON text that has two members with the same name. None: there is no such object."""
    # Numbers stay text: Python refuses integers of several thousand digits.
    value = json.loads(text, object_pairs_hook=_collect_members, parse_int=str)
    return next((tuple(path) for path, inner in _walk(value) if type(inner) is _Repeating), None)


def changes_number(text: bytes, written: bytes = b"") -> bool:
    """Whether a JSON text may have a number that `dumps` writes with another value; false: it has none.

    Such numbers are floats with too many digits, beyond a float's range, and integers of more than 64 bits.

    Args:
        text: as it came.
        written: what `dumps` makes of its value, if that is known.
    """
    if text == written:
        return False
    outline = text.translate(_OUTLINE)
    if _LONG in outline or b"0e000" in outline or b"0e:000" in outline or text[:1] in b"-0123456789":
        # The expression looks for what stands before a number. Nothing may stand before a text that is a number alone.
        return not all(_is_certainly_kept(found[1].decode()) for found in _LONG_NUMBER.finditer(b":" + text))
    return False


def count_long_numbers(text: bytes) -> int:
    """The numbers of 16 characters or more in a JSON text: `changes_number` looks at each of them, which takes long."""
    return text.translate(_OUTLINE).count(_LONG)


def find_changed_numbers(text: bytes) -> tuple[Any, list[Path]]:
    """The value of a JSON text, with null for each number that `dumps` would change, and where these numbers are.

    Of each entry of the outermost value the first hundred are told.
    Slow, see `loads_exactly`. It also reads numbers that `loads` refuses.

    Raises:
        ValueError: the text is not JSON, or is nested deeper than Python reads.
    """
    value = loads_exactly(text)
    try:
        paths = _find_decimals(value)
        value = _without_decimals(value) if paths else value
        # Python's parser takes half a surrogate pair, which UTF-8 does not have.
        dumps(value)
    except (RecursionError, TypeError):
        raise ValueError("is not JSON in UTF-8, or is nested too deep") from None
    return value, paths


def loads_exactly(text: bytes) -> Any:
    """The value of a JSON text, with a `Decimal` for each number that `dumps` would change. `dumps` does not write them.

    Slow: Python's own parser reads the text. Half a surrogate pair passes.

    Raises:
        ValueError: the text is not JSON, or is nested deeper than Python reads.
    """
    return _load_exactly(text.decode(), strict=True)


def loads_leniently(text: str) -> Any:
    """As `loads_exactly`; texts in it may hold control characters, and a number of a thousand digits is infinite."""
    return _load_exactly(text, strict=False)


def _load_exactly(text: str, *, strict: bool) -> Any:
    read = _read_exactly if strict else _read_bounded
    try:
        return json.loads(text, strict=strict, parse_int=read, parse_float=read, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("is nested too deep") from None


def _read_bounded(number: str) -> float | Decimal:
    """As `_read_exactly`; a number that takes long to read, and that nobody means, is infinite."""
    return _read_exactly(number) if len(number) < _ENDLESS else Decimal("Infinity")


def _read_exactly(number: str) -> float | Decimal:
    """What `loads` reads, or a decimal if `dumps` would change that."""
    if is_kept(number):
        return float(number) if not number.lstrip("-").isdecimal() or _is_long(number) else int(number)
    try:
        return Decimal(number)
    except InvalidOperation:
        # Its exponent has more digits than a decimal's may have.
        return Decimal("Infinity")


def _is_long(number: str) -> bool:
    """Whether an integer, in decimal digits, has more than 64 bits."""
    return len(number) > _MOST_DIGITS + 1 or not -(2**63) <= int(number) < 2**64


def is_kept(number: str) -> bool:
    """Whether `dumps` writes a number of a JSON text, once it is read, with the same value."""
    if number.lstrip("-").isdecimal() and not _is_long(number):
        return True
    if repr(float(number)) == number:
        return True
    value = _split_number(number)
    return value is not None and len(value[1]) <= _MOST_DIGITS and value == _split_number(repr(float(number)))


def _is_certainly_kept(number: str) -> bool:
    """Whether a part of a JSON text is a number that `is_kept`; a part of a string, such as 1.234.567, is none."""
    try:
        return is_kept(number)
    except ValueError:
        return False


def _split_number(number: str) -> tuple[bool, str, int] | None:
    """Sign, digits without zeros at the ends, and power of ten; None: beyond a float's range.

    Two numbers with the same parts have the same value.
    """
    significand, _, exponent = number.lower().partition("e")
    whole, _, fraction = significand.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    kept = digits.rstrip("0")
    if not kept:
        return False, "", 0
    power = exponent.lstrip("+-0")
    if len(power) > _LONGEST_EXPONENT or kept == "inf":
        return None
    shift = -int(power or 0) if exponent.startswith("-") else int(power or 0)
    return number.startswith("-"), kept, shift - len(fraction) + len(digits) - len(kept)


def _refuse_constant(name: str) -> Any:
    """Refuse NaN and Infinity, which Python's parser takes and JSON does not have."""
    raise ValueError(f"{name} is no JSON")


def _find_decimals(value: Any) -> list[Path]:
    """Where the decimals in a value are; of each entry of the value the first `_MOST_PATHS`."""
    found: list[Path] = []
    counts: Counter[str | int] = Counter()
    for path, inner in _walk(value):
        if type(inner) is Decimal and counts[entry := path[0] if path else ""] < _MOST_PATHS:
            counts[entry] += 1
            found.append(tuple(path))
    return found


def _without_decimals(value: Any) -> Any:
    """The value with null for each decimal."""
    if isinstance(value, dict):
        return {name: _without_decimals(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_decimals(inner) for inner in value]
    return None if type(value) is Decimal else value


def decimal_at(value: Any) -> Path | None:
    """Where in a value the first `Decimal` is, which `loads_exactly` makes; None: there is none."""
    return next((tuple(path) for path, inner in _walk(value) if type(inner) is Decimal), None)


def find_nul(value: Any) -> Path | None:
    """The path of the first text in a value that holds the character NUL. None: no text holds it.

    For a name that holds NUL, this is the path of the name's object.
    """
    for path, inner in _walk(value):
        texts = inner if isinstance(inner, dict) else (inner,)
        if any(isinstance(text, str) and "\0" in text for text in texts):
            return tuple(path)
    return None


class _Repeating(dict[str, Any]):
    """An object that has two members with the same name."""


def _collect_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Repeating(members)


def _walk(value: Any) -> Iterator[tuple[Sequence[str | int], Any]]:
    """A value and all values in it, in the order of the text, each with its path.

    A path is good until the next step: to copy it for each value takes as long as the value is deep.
    """
    path: list[str | int] = []
    yield path, value
    # Not by generators in generators: each value would pass through as many as it is deep.
    under_way = [_list_entries(value)]
    while under_way:
        entry = next(under_way[-1], None)
        del path[len(under_way) - 1 :]
        if entry is None:
            under_way.pop()
            continue
        path.append(entry[0])
        yield path, entry[1]
        if isinstance(entry[1], dict | list):
            under_way.append(_list_entries(entry[1]))


def _list_entries(value: Any) -> Iterator[tuple[str | int, Any]]:
    """The entries of an object or array, by name or index; none of another value."""
    return iter(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())


def dump_pretty(value: Any) -> str:
    """The value as JSON for people: one member on each line, indented by two spaces for each level."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def dump_canonical(value: Any, write: Callable[[Any], Any] | None = None) -> bytes:
    """The same bytes for the same value, whatever the order of its keys.

    Args:
        write: makes JSON of what is none.
    """
    return orjson.dumps(value, write, orjson.OPT_SORT_KEYS)


def to_pointer(path: Iterable[str | int]) -> str:
    """The JSON Pointer (RFC 6901) of a path of keys and indexes. It is empty for the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a JSON Pointer (RFC 6901).

    Raises:
        ValueError: the pointer neither is empty nor begins with a slash.
    """
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is not a JSON Pointer: it begins with '/'")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def find(document: Any, pointer: str) -> Any:
    """The part of a document that a JSON Pointer names. None: there is no such part."""
    return follow(document, parse_pointer(pointer))


def follow(document: Any, steps: Sequence[str]) -> Any:
    """The part of a document that a JSON Pointer's reference tokens lead to. None: there is no such part."""
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
    """Whether a value is nested deeper than `levels`. The check uses no recursion, so no value can exhaust the stack."""
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
