"""The formats that contracts may use, each with one meaning in the gate and in the reference validator.

What the two libraries understand by a format differs in places (`email`, a date-time with a last line feed). Here is what the bus
means; the fast library's own check stands in for it where a differential test shows that they agree.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import date

from rfc3986_validator import validate_rfc3986  # type: ignore[import-untyped]

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")
_EMAIL = re.compile(
    r"(?=.{3,254}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_MINUTES_OF_DAY = 24 * 60


def is_date(text: str) -> bool:
    """A full-date of RFC 3339 that a calendar has."""
    found = _DATE.fullmatch(text)
    if not found:
        return False
    year, month, day = (int(part) for part in found.groups())
    try:
        # Year 0 is written in RFC 3339 and unknown to Python; like 2000 it is a leap year.
        date(year or 2000, month, day)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    """A full-time of RFC 3339: with an offset, a leap second only where UTC has one."""
    found = _TIME.fullmatch(text)
    if not found:
        return False
    hour, minute, second = (int(found[group]) for group in (1, 2, 3))
    offset_hour, offset_minute = int(found[5] or 0), int(found[6] or 0)
    if hour > 23 or minute > 59 or second > 60 or offset_hour > 23 or offset_minute > 59:
        return False
    offset = (offset_hour * 60 + offset_minute) * (-1 if found[4] == "-" else 1)
    return second < 60 or (hour * 60 + minute - offset) % _MINUTES_OF_DAY == _MINUTES_OF_DAY - 1


def is_date_time(text: str) -> bool:
    """A date-time of RFC 3339."""
    return len(text) > 10 and text[10] in "Tt" and is_date(text[:10]) and is_time(text[11:])


def is_email(text: str) -> bool:
    """A mailbox as people have them: the dot-string of RFC 5321 at a domain with at least one dot, no quoting, no comments."""
    return _EMAIL.fullmatch(text) is not None


def is_uri(text: str) -> bool:
    """A URI of RFC 3986, absolute."""
    return "\n" not in text and bool(validate_rfc3986(text, rule="URI"))


def is_uri_reference(text: str) -> bool:
    """A URI or a relative reference of RFC 3986."""
    return "\n" not in text and bool(validate_rfc3986(text, rule="URI_reference"))


def is_uuid(text: str) -> bool:
    """A UUID of RFC 9562, with its hyphens."""
    return _UUID.fullmatch(text) is not None


def is_ipv4(text: str) -> bool:
    """Four decimal octets, without leading zeros."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_ipv6(text: str) -> bool:
    """An address of RFC 4291, without a zone."""
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return address.scope_id is None


FORMATS: dict[str, Callable[[str], bool]] = {
    "date": is_date,
    "time": is_time,
    "date-time": is_date_time,
    "email": is_email,
    "uri": is_uri,
    "uri-reference": is_uri_reference,
    "uuid": is_uuid,
    "ipv4": is_ipv4,
    "ipv6": is_ipv6,
}

NATIVE = frozenset({"date", "time", "date-time", "uuid", "ipv4", "ipv6"})
"""Formats for which the fast library's own check means the same; the others it calls back for."""
