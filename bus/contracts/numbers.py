"""Numbers in data: the bus accepts a number only if it hands out the same value."""

from collections.abc import Sequence
from typing import Any, Final

from bus import json
from bus.contracts.validation import write_pointer
from bus.problem import FieldError, Refused

NUMBER_RULE: Final = "has more digits than the bus keeps, or is too large or too small; send fewer digits, or text"
_MOST_ERRORS: Final = 100


class NumberChanged(Refused):
    """The bus would hand out another number than the one that you sent."""

    status = 422
    slug = "number-changed"


def check_numbers(text: bytes, written: bytes = b"", prefix: str = "") -> None:
    """Refuse a JSON text with a number that the bus would hand out with another value.

    Args:
        written: the value of the text as `json.dumps` writes it; empty: the text cannot be parsed.
        prefix: pointer of the value in the caller's document, such as `/data`.

    Raises:
        NumberChanged: with a pointer for each such number.
    """
    if json.changes_number(text, written) and (found := find_changed_numbers(text)[1]):
        raise refuse_numbers([prefix + write_pointer(path) for path in found[:_MOST_ERRORS]])


def find_changed_numbers(text: bytes) -> tuple[Any, list[json.Path]]:
    """A text's value, and the paths of numbers that the bus would change; see `json.find_changed_numbers`.

    For a text that is not JSON, the value is None and there are no paths.
    """
    try:
        return json.find_changed_numbers(text)
    except ValueError:
        return None, []


def refuse_numbers(pointers: Sequence[str]) -> NumberChanged:
    """The refusal of data with numbers that the bus would change."""
    return NumberChanged(
        "A number is beyond what JSON numbers hold exactly.",
        errors=[FieldError(pointer, NUMBER_RULE) for pointer in pointers[:_MOST_ERRORS]],
    )
