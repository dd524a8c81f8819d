"""The envelope: what CloudEvents 1.0.2 and the bus ask of an event's attributes."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from bus import json
from bus.contracts import Validator
from bus.kit import BUS_ATTRIBUTES, CORE_ATTRIBUTES
from bus.problem import FieldError

_LONGEST: Final = 1024
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TEXTS: Final = frozenset({"traceparent", "tracestate", "partitionkey"})
"""Extensions that are text wherever they are described (CloudEvents' Distributed Tracing and Partitioning)."""
_EXTENSION: Final = re.compile(r"[a-z0-9]{1,64}")
_TIME: Final = (
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"
    r"(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_IS_TIME: Final = re.compile(_TIME)
_JSON_TYPE: Final = re.compile(r"application/([a-z0-9.+-]+\+)?json\s*(;.*)?", re.IGNORECASE)

TEXT_RULE: Final = f"must be text of 1 to {_LONGEST} characters without control characters"

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": _LONGEST, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"}
_USUAL: Final = Validator(
    {
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            **dict.fromkeys(("id", "source", "type", "subject", "dataschema", "traceparent", "partitionkey"), _TEXT),
            "specversion": {"const": "1.0"},
            "time": {"type": "string", "pattern": f"^{_TIME}$"},
            "datacontenttype": {"const": "application/json"},
            "data": True,
        },
        "additionalProperties": False,
    }
)
"""Takes nearly every event that is well formed, and none that is not, in a third of the time that it takes to say why."""


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
    # Of ASCII the two methods say the same as the expression, in a tenth of its time.
    return (
        type(value) is str
        and 0 < len(value) <= _LONGEST
        and ((value.isascii() and value.isprintable()) or not _CONTROL.search(value))
    )


def _find_wrong(event: Mapping[str, Any]) -> list[FieldError]:
    wrong: list[FieldError] = []
    if event.get("specversion") != "1.0":
        wrong.append(FieldError("/specversion", 'must be "1.0"'))
    for name in ("id", "source", "type"):
        if not is_text(event.get(name)):
            wrong.append(FieldError(f"/{name}", TEXT_RULE))
    for name in event.keys() - CORE_ATTRIBUTES:
        wrong.extend(_find_wrong_extension(name, event[name]))
    for name in ("subject", "dataschema"):
        if name in event and not is_text(event[name]):
            wrong.append(FieldError(f"/{name}", TEXT_RULE))
    if "time" in event and not (isinstance(event["time"], str) and _IS_TIME.fullmatch(event["time"])):
        wrong.append(FieldError("/time", "must be an RFC 3339 timestamp"))
    if not _is_json_type(event.get("datacontenttype", "application/json")):
        wrong.append(FieldError("/datacontenttype", "must be a JSON media type"))
    if "data_base64" in event:
        wrong.append(FieldError("/data_base64", "must not be there: data are JSON, in `data`"))
    return wrong


def _is_json_type(value: Any) -> bool:
    return value == "application/json" or (type(value) is str and _JSON_TYPE.fullmatch(value) is not None)


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
