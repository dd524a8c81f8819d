"""Reads numbers that agencies write as texts, with trailing blanks, or with a comma in place of the point."""

import re
from decimal import Decimal
from typing import Any, Final

from bus.kit.answer import round_decimal

_PLACES: Final = 10
"""Digits after the point of a number."""
_NUMBER: Final = re.compile(r"-?\d{1,18}(\.\d{1,64})?", re.ASCII)


def read_number(value: Any) -> Any:
    """A number, also from a string such as `"12 "`, `"1.50000"` or `"1,5"`, or one that is too precise.

    An unreadable value is returned as it is.
    """
    exact = read_decimal(value)
    if exact is None:
        return round_decimal(value, _PLACES)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def read_rupiah(value: Any) -> Any:
    """Whole rupiah, also from a string such as `"296187500.00000"`. An unreadable value is returned as it is."""
    exact = read_decimal(value)
    return value if exact is None else round(exact)


def read_decimal(value: Any) -> Decimal | None:
    """The number that a value or its text is; None: it is no number."""
    text = str(round_decimal(value, _PLACES)).strip().replace(",", ".")
    return Decimal(text) if _NUMBER.fullmatch(text) else None
