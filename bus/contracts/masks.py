"""Masks: what each mask of a grant makes of a value."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from bus.contracts.document import Mask

HIDDEN = "***"
Pseudonym = Callable[[str], str]
"""Makes the pseudonym of a text."""

_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"([Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?"
)
_MOST_SHOWN = 4
_PART_SHOWN = 4
"""One character in so many is shown by `last4`."""


@dataclass(frozen=True, slots=True)
class Masking:
    """What a mask does to a value."""

    mask: Mask
    pseudonym: Pseudonym

    def __call__(self, value: Any) -> Any:
        """The value in disguise: what the mask does not know how to disguise becomes `***`, null stays null."""
        if value is None:
            return None
        if self.mask is Mask.PSEUDONYM:
            text = text_of_key(value)
            return HIDDEN if text is None else self.pseudonym(text)
        if not isinstance(value, str) or self.mask is Mask.REDACT:
            return HIDDEN
        return _last4(value) if self.mask is Mask.LAST4 else _year(value)


def text_of_key(value: Any) -> str | None:
    """The text by which a key or another identifier is known; None where a value is none."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _last4(text: str) -> str:
    # Blanks tell nothing, and so buy nothing: at most a quarter of what is written is shown.
    written = sum(not character.isspace() for character in text)
    shown = min(_MOST_SHOWN, written // _PART_SHOWN)
    return "*" * (len(text) - shown) + text[len(text) - shown :]


def _year(text: str) -> str:
    match = _DATE.fullmatch(text)
    if match is None:
        return HIDDEN
    try:
        date.fromisoformat(match[1])
    except ValueError:
        return HIDDEN
    return text[:4]
