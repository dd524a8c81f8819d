"""Redaction: it makes texts and addresses that somebody else chose fit for the action log.

Promise: the result has no control character, no secret of a URL and no NIK. It is never longer than its bound.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

_LONGEST: Final = 500
_MOST: Final = 50
_NUMBER: Final = re.compile(r"\d{13,}")
"""A number of 13 digits or more may be a NIK or a family card's number, also a cut one."""
_HIDDEN: Final = "…"


def make_printable(text: str, longest: int = _LONGEST) -> str:
    """The text on one line, without control characters and without numbers of persons, at most `longest` characters long."""
    # The text is cut first, since each character costs time below.
    shown = text[:longest]
    if not shown.isprintable():
        shown = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in shown)
    return _NUMBER.sub(_HIDDEN, shown) + (_HIDDEN if len(text) > longest else "")


def make_plain(value: Any) -> Any:
    """The JSON value with printable texts (`make_printable`) and with at most 50 entries in each array and object."""
    if isinstance(value, str):
        return make_printable(value)
    if isinstance(value, Mapping):
        return {make_printable(str(name)): make_plain(one) for name, one in list(value.items())[:_MOST]}
    if isinstance(value, Sequence):
        more = [f"{_HIDDEN} and {len(value) - _MOST} more"] if len(value) > _MOST else []
        return [make_plain(one) for one in value[:_MOST]] + more
    return value


def mask_url(url: str) -> str:
    """The URL without its user and password, and with the values of its query hidden."""
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
    # A pair without an equals sign may itself be a secret.
    name, equals, _ = pair.partition("=")
    return f"{name}={_HIDDEN}" if equals else _HIDDEN
