"""Whether two publications are the same event (participant, source and id), and whether their content is the same."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from bus import json
from bus.kit import BUS_ATTRIBUTES

_UNTOLD: Final = BUS_ATTRIBUTES | {"traceparent", "tracestate"}
"""Attributes that do not count: the bus adds them, or a retry may change them and stays the same event."""
_SHORT_NUMBER: Final = re.compile(rb"(?<![0-9.eE+-])-?[0-9.]{1,16}(?![0-9.eE+-])")
_VERSION: Final = re.compile(r"([0-9]+\.[0-9]+\.[0-9]+)(?:/schema)?$")
_MOMENT: Final = re.compile(r"([0-9-]{10}T[0-9:]{8})(?:\.([0-9]+))?(Z|[+-][0-9:]{5})")
_JSON: Final = frozenset({"application/json", "text/json"})
"""Media types that mean the same as no `datacontenttype`."""
_LONGEST_ID: Final = 40
_DIGESTED: Final = b"\xff"
"""A byte that begins no UTF-8 text: so an id's digest differs from every plain id."""


def identity_of(participant: str, source: str, event_id: str) -> bytes:
    """The name of (participant, source, id), in at most 52 bytes.

    Names of one source sort by the text of the id. Apps count their ids up, or begin them with the time. So the database
    writes its unique index at one place, and not at one place for each event.
    """
    text = event_id.encode()
    if len(text) > _LONGEST_ID:
        text = _DIGESTED + blake2b(text, digest_size=20).digest()
    return _digest_sender(participant, source) + text


def say_the_same(one: bytes, other: bytes) -> bool:
    """Whether two CloudEvents of one identity, in JSON, are the same publication.

    Numbers are compared by value. Code in C does the work, since a repeated large event holds up the journal.
    """
    first, second = _read_content(one), _read_content(other)
    # To Python, 1 equals 1.0 as in JSON, but it also equals true.
    return first == second and _write_outline(first) == _write_outline(second)


def _write_outline(told: dict[str, Any]) -> bytes:
    """Canonical JSON in which all short numbers are 0. It tells numbers from booleans if all else is equal.

    Long numbers stay, since Python compares a float by its binary value.
    """
    return _SHORT_NUMBER.sub(b"0", json.dump_canonical(told))


def _read_content(body: bytes) -> dict[str, Any]:
    """The content of an event, in the form that all modes of CloudEvents share."""
    told = {name: _spell(name, value) for name, value in json.loads(body).items() if name not in _UNTOLD}
    return {name: value for name, value in told.items() if value is not None}


def _spell(name: str, value: Any) -> Any:
    if name == "data":
        return value
    if name == "dataschema":
        # Only the version counts: the bus's address may have changed, and the event's type names the contract.
        found = _VERSION.search(value)
        return found[1] if found else value
    if name == "datacontenttype":
        media_type = value.partition(";")[0].strip().lower()
        return None if media_type in _JSON else media_type
    if name == "time":
        return _spell_moment(value.upper())
    if isinstance(value, bool):
        return "true" if value else "false"
    # In binary mode each attribute is text (CloudEvents 1.0.2, section 3.1).
    return str(value)


def _spell_moment(text: str) -> str:
    """A moment in UTC, without zeros at the end of its fraction: libraries write one moment differently in each mode.

    What an earlier version took and no calendar has stays as it came.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return text
    whole, fraction, zone = found.groups(default="")
    try:
        moment = datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    return f"{moment.isoformat()}.{fraction.rstrip('0')}"


@lru_cache(maxsize=4096)
def _digest_sender(participant: str, source: str) -> bytes:
    return blake2b(f"{participant}\x00{source}".encode(), digest_size=12).digest()
