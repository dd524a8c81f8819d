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
"""`last4` shows at most one of this many characters."""


@dataclass(frozen=True, slots=True)
class Masking:
    """What a mask does to a value."""

    mask: Mask
    pseudonym: Pseudonym

    def __call__(self, value: Any) -> Any:
        """The masked value. A value that the mask cannot handle becomes `***`; null stays null."""
        if value is None:
            return None
        if self.mask is Mask.PSEUDONYM:
            text = text_of_key(value)
            return HIDDEN if text is None else self.pseudonym(text)
        if not isinstance(value, str) or self.mask is Mask.REDACT:
            return HIDDEN
        return _show_last4(value) if self.mask is Mask.LAST4 else _show_year(value)


def text_of_key(value: Any) -> str | None:
    """The text of a key or another identifier; None: the value is no identifier."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _show_last4(text: str) -> str:
    # Blanks do not count: `last4` shows at most a quarter of the other characters.
    written = sum(not character.isspace() for character in text)
    shown = min(_MOST_SHOWN, written // _PART_SHOWN)
    return "*" * (len(text) - shown) + text[len(text) - shown :]


def _show_year(text: str) -> str:
    match = _DATE.fullmatch(text)
    if match is None:
        return HIDDEN
    try:
        date.fromisoformat(match[1])
    except ValueError:
        return HIDDEN
    return text[:4]
