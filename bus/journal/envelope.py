"""The envelope: what CloudEvents 1.0.2 and the bus ask of an event's attributes."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from bus import json
from bus.contracts import Validator, is_date_time, is_uri_reference
from bus.kit import BUS_ATTRIBUTES, CORE_ATTRIBUTES
from bus.problem import FieldError

_LONGEST: Final = 1024
_BARRED: Final = "\x00-\x1f\x7f-\x9f\ufdd0-\ufdef" + "".join(
    chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF)
)
"""Control characters and Unicode's noncharacters. CloudEvents allows them in no text (section 3.1, String)."""
_IS_BARRED: Final = re.compile(f"[{_BARRED}\ud800-\udfff]")
_TEXTS: Final = frozenset({"traceparent", "tracestate", "partitionkey"})
"""Extensions whose specifications demand text (CloudEvents' Distributed Tracing and Partitioning)."""
_EXTENSION: Final = re.compile(r"[a-z0-9]{1,64}")
_NAME: Final = r"[a-z0-9!#$%&'*+.^_`|~-]+"
_JSON_TYPE: Final = re.compile(
    r"[a-z0-9!#$&^_.+-]+/(?:[a-z0-9!#$&^_.+-]+\+)?json[ \t]*"
    rf'(?:;[ \t]*(?:{_NAME}=(?:{_NAME}|"(?:[^"\\]|\\.)*")[ \t]*)?)*',
    re.ASCII | re.IGNORECASE,
)
"""JSON by its media type (CloudEvents JSON format 1.0.2, section 3.1), and parameters as RFC 9110 writes them."""

TEXT_RULE: Final = f"must be text of 1 to {_LONGEST} characters without control characters and noncharacters"
_SOURCE_RULE: Final = f"must be a URI reference (RFC 3986) of 1 to {_LONGEST} characters"
_TIME_RULE: Final = "must be a moment of the calendar as RFC 3339 writes it, without a leap second"
_TYPE_RULE: Final = "must be a JSON media type"

_USUAL_SOURCE: Final = "^(?:[A-Za-z][A-Za-z0-9+.-]*:)?[A-Za-z0-9._~/-]+$"
"""Matches only URI references, and nearly all that apps use."""
_USUAL_TIME: Final = (
    "^[1-8][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""Matches only times that the calendar has, and nearly all that apps write."""
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": _LONGEST, "pattern": f"^[^{_BARRED}]*$"}
_USUAL: Final = Validator(
    {
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            **dict.fromkeys(("id", "type", "subject", "dataschema", "traceparent", "partitionkey"), _TEXT),
            "source": {"type": "string", "maxLength": _LONGEST, "pattern": _USUAL_SOURCE},
            "specversion": {"const": "1.0"},
            "time": {"type": "string", "maxLength": _LONGEST, "pattern": _USUAL_TIME},
            "datacontenttype": {"const": "application/json"},
            "data": True,
        },
        "additionalProperties": False,
    }
)
"""Accepts only well-formed events, and nearly all of them. It is faster than finding each error."""


def find_wrong_attributes(event: Mapping[str, Any]) -> list[FieldError]:
    """The errors in an event's context attributes, none of which is null; empty if they are well formed."""
    try:
        is_usual = _USUAL.is_valid(event)
    except UnicodeEncodeError:
        # Half a surrogate pair, which an agency's answer can hold.
        is_usual = False
    return [] if is_usual else _find_wrong(event)


def is_text(value: Any) -> TypeGuard[str]:
    """Whether a value is what `TEXT_RULE` says."""
    # For ASCII, the two methods give the expression's answer faster.
    return (
        type(value) is str
        and 0 < len(value) <= _LONGEST
        and ((value.isascii() and value.isprintable()) or not _IS_BARRED.search(value))
    )


def is_json_type(value: Any) -> bool:
    """Whether `datacontenttype` names JSON."""
    return value == "application/json" or (is_text(value) and _JSON_TYPE.fullmatch(value) is not None)


def find_wrong_media(event: Mapping[str, Any]) -> list[FieldError]:
    """The errors in `datacontenttype` and other attributes about the data's form; empty if the data are JSON."""
    wrong: list[FieldError] = []
    if not is_json_type(event.get("datacontenttype", "application/json")):
        wrong.append(FieldError("/datacontenttype", _TYPE_RULE))
    if "data_base64" in event:
        wrong.append(FieldError("/data_base64", "must not be there: data are JSON, in `data`"))
    return wrong


def _find_wrong(event: Mapping[str, Any]) -> list[FieldError]:
    wrong: list[FieldError] = []
    if event.get("specversion") != "1.0":
        wrong.append(FieldError("/specversion", 'must be "1.0"'))
    for name in ("id", "type"):
        if not is_text(event.get(name)):
            wrong.append(FieldError(f"/{name}", TEXT_RULE))
    source = event.get("source")
    if not is_text(source) or not is_uri_reference(source):
        wrong.append(FieldError("/source", _SOURCE_RULE))
    for name in event.keys() - CORE_ATTRIBUTES:
        wrong.extend(_find_wrong_extension(name, event[name]))
    for name in ("subject", "dataschema"):
        if name in event and not is_text(event[name]):
            wrong.append(FieldError(f"/{name}", TEXT_RULE))
    if "time" in event and not _is_moment(event["time"]):
        wrong.append(FieldError("/time", _TIME_RULE))
    return wrong + find_wrong_media(event)


def _is_moment(value: Any) -> bool:
    """Whether a value is a date-time that every receiver can read.

    Libraries raise errors on the 60th second of a leap second, and on years outside 1 to 9999 in UTC.
    """
    if not is_text(value) or not is_date_time(value):
        return False
    try:
        datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def _find_wrong_extension(name: str, value: Any) -> list[FieldError]:
    if name in BUS_ATTRIBUTES:
        return [FieldError(f"/{name}", "is set by the bus; leave it out")]
    if not _EXTENSION.fullmatch(name):
        return [FieldError(json.to_pointer([name]), "is no attribute name: lower-case letters and digits")]
    if value == "" or is_text(value):
        return []
    if name in _TEXTS:
        return [FieldError(f"/{name}", "must be text")]
    if isinstance(value, bool) or (type(value) is int and -(2**31) <= value < 2**31):
        return []
    return [FieldError(f"/{name}", "must be text, a 32-bit integer or a boolean")]
