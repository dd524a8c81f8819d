"""Value keys: how the index of records' values spells a value, and which keys a filter's text may mean.

Promise: every value for which `exact` or `prefix` holds (see `filter.py`) has a key among `list_keys`. The reverse does not
hold: a key is cut at some length, and a fraction has the key of its number. So who finds a record by a key judges it again.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bus.contracts.filter import parse_number, to_number, to_text

MANY: Final = b"\xff"
"""The key of a record that had many values. No text in UTF-8 holds this byte."""
_LONGEST: Final = 64
"""Bytes of a key: enough for codes and names, and small beside the event."""


@dataclass(frozen=True, slots=True)
class ValueKeys:
    """The keys that a filter's text may mean.

    Attributes:
        exact: single keys.
        beginning: also all keys that begin so; None: no others.
    """

    exact: frozenset[bytes]
    beginning: bytes | None = None

    @property
    def behind(self) -> bytes:
        """The first key, in the order of bytes, behind all that begin with `beginning`."""
        beginning = self.beginning or b"\0"
        # UTF-8 has no byte 255, so the last byte can grow.
        return beginning[:-1] + bytes([beginning[-1] + 1])


def spell_value(value: Any) -> bytes | None:
    """The key of a value; None: no filter judges it."""
    text = to_text(value)
    if text is None:
        number = to_number(value)
        text = None if number is None else _spell_number(number)
    return None if text is None else _cut(text)


def list_keys(dialect: str, text: str) -> ValueKeys:
    """The keys of the values for which a filter may hold.

    Args:
        dialect: `exact` or `prefix`.
        text: the filter's text; not empty.
    """
    if dialect == "prefix":
        return ValueKeys(frozenset({MANY}), _cut(text))
    number = parse_number(text)
    spelled = {_cut(text)} if number is None else {_cut(text), _cut(_spell_number(number))}
    return ValueKeys(frozenset({MANY, *spelled}))


def _spell_number(number: Decimal) -> str:
    """The one spelling of a number: 35, 35.0 and 3.5e1 are equal."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _cut(text: str) -> bytes:
    return text.encode()[:_LONGEST]
