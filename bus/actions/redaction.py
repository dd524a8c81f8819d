"""Redaction: what an action may say of a text or an address that somebody else chose.

Promise: no control character, no secret of a URL and no NIK passes, and nothing is longer than its bound.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

_LONGEST: Final = 500
_MOST: Final = 50
_NUMBER: Final = re.compile(r"\d{13,}")
"""A NIK or a family card's number, also one that was cut, and longer numbers of persons."""
_HIDDEN: Final = "…"


def make_printable(text: str, longest: int = _LONGEST) -> str:
    """A text that can neither begin a line of its own nor steer a terminal, nor hold a person's number."""
    # Cut first: what follows costs time by the character.
    shown = text[:longest]
    if not shown.isprintable():
        shown = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in shown)
    return _NUMBER.sub(_HIDDEN, shown) + (_HIDDEN if len(text) > longest else "")


def make_plain(value: Any) -> Any:
    """A JSON value whose texts are `printable` and whose arrays and objects have a bound."""
    if isinstance(value, str):
        return make_printable(value)
    if isinstance(value, Mapping):
        return {make_printable(str(name)): make_plain(one) for name, one in list(value.items())[:_MOST]}
    if isinstance(value, Sequence):
        more = [f"{_HIDDEN} and {len(value) - _MOST} more"] if len(value) > _MOST else []
        return [make_plain(one) for one in value[:_MOST]] + more
    return value


def mask_url(url: str) -> str:
    """A URL by its host and path: without user and password, and with the values of its query hidden."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "(an address that cannot be read)"
    host = parts.hostname or ""
    place = f"[{host}]" if ":" in host else host
    slashes = "//" if "//" in url else ""
    query = "&".join(_mask_value(pair) for pair in parts.query.split("&")) if parts.query else ""
    return f"{parts.scheme}:{slashes}{place}{port}{parts.path}{'?' if query else ''}{query}"


def _mask_value(pair: str) -> str:
    # Without an equals sign it may be a secret itself.
    name, equals, _ = pair.partition("=")
    return f"{name}={_HIDDEN}" if equals else _HIDDEN
