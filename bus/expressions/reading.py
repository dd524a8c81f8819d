"""Reads JSON for expressions, with the digits that a number was sent with, or not at all. Only worker processes read so."""

import json
import re
import unicodedata
from collections.abc import Callable, Collection
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, Literal

from bus import json as bus_json
from bus.expressions.expression import MOST_DIGITS

Numbers = Literal["short", "text"]

_MAY_BE_LONG: Final = re.compile(rb"[0-9][0-9.]{15}|[0-9][eE][+-]?[0-9]")
"""A number that may have more digits than the library keeps, or an exponent."""
_ENDLESS: Final = 1000


def read_json(text: bytes, numbers: Numbers) -> Any:
    """The value of a JSON text. A number with too many digits is a `Decimal`, which no expression takes.

    Half a surrogate pair stays in its text, and so does a byte that is no UTF-8. So one bad row holds up no other.

    Args:
        numbers: `text`: each number is a text with the digits as they were sent.

    Raises:
        ValueError: the text is no JSON.
    """
    if numbers == "short" and not _MAY_BE_LONG.search(text):
        with suppress(ValueError):
            return bus_json.loads(text)
    parse: Callable[[str], Any] = str if numbers == "text" else _read_short
    try:
        return json.loads(
            text.decode("utf-8", "surrogateescape"),
            strict=False,
            parse_int=parse,
            parse_float=parse,
            parse_constant=_refuse,
        )
    except RecursionError:
        raise ValueError("is nested too deep") from None


def has_ambiguous_names(text: bytes, signed: Collection[str]) -> bool:
    """Whether an object in a JSON text has two members that a reader may take for one. What is no JSON has none.

    Names that differ in letter case, in blanks around them or in a character's form (NFKC) are one name.

    Args:
        signed: names of members that a signature covers. Separators within such a name make no other name either, so that the
            signature of `nib` vouches for no `n_i_b`.
    """
    bare = {_drop_separators(name) for name in signed}

    def check(pairs: list[tuple[str, Any]]) -> None:
        names = [short if (short := _drop_separators(name)) in bare else _fold_name(name) for name, _ in pairs]
        if len(set(names)) < len(names):
            raise _Ambiguous

    try:
        json.loads(text.decode("utf-8", "surrogateescape"), strict=False, object_pairs_hook=check, parse_int=str)
    except _Ambiguous:
        return True
    except (ValueError, RecursionError):
        return False
    return False


class _Ambiguous(Exception):
    """An object has two members that a reader may take for one."""


def _fold_name(name: str) -> str:
    """A name as `bus.kit.fold` makes it, and without what else nobody sees."""
    return unicodedata.normalize("NFKC", name.strip().lower()).casefold().strip()


def _drop_separators(name: str) -> str:
    return "".join(filter(str.isalnum, _fold_name(name)))


def is_usable(value: Any) -> bool:
    """Whether an expression may see a value: it holds no `Decimal` and no half of a surrogate pair."""
    try:
        bus_json.dumps(value)
    except TypeError:
        return False
    return True


def _read_short(number: str) -> int | float | Decimal:
    digits = re.split("[eE]", number)[0].replace(".", "").strip("-").strip("0")
    if len(digits) <= MOST_DIGITS and len(number) < _ENDLESS:
        value = float(number)
        if abs(value) < 10**MOST_DIGITS and not (value == 0 and digits):
            return value if re.search("[.eE]", number) else int(number)
    return Decimal("Infinity") if len(number) >= _ENDLESS else Decimal(number)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
