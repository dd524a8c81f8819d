"""The column `journal.person`: whom an event is about, as one text.

One person is plain text. Several persons are a JSON array of texts, sorted, each once. A text that begins with `[` is always
such an array. So a single identifier that begins with `[` becomes an array of one.
"""

from collections.abc import Iterable
from typing import Final

from bus import json

_ARRAY: Final = "["


def write_persons(persons: Iterable[str]) -> str | None:
    """The text that stands for some persons; None: there are none."""
    each = sorted(set(persons))
    if not each:
        return None
    if len(each) == 1 and not is_ambiguous(each[0]):
        return each[0]
    return json.dumps(each).decode()


def is_ambiguous(person: str) -> bool:
    """Whether an identifier, as plain text, would look like an array."""
    return person.startswith(_ARRAY)
