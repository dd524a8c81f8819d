"""The formats that contracts may use, each with one meaning in the gate and in the reference validator.

The two validators differ in some formats, such as `email` or a date-time with a line feed at its end. Each has errors. This
module holds the bus's meaning. If a differential test shows that the fast library agrees, its own check is used.
"""

import ipaddress
import re
from collections.abc import Callable

from bus.contracts.patterns import PatternUnsupported, translate_for_python

_FULL_DATE = (
    r"(?:[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    # The 29th of February: every fourth year; of the years that end in 00, again every fourth.
    r"|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
_FULL_TIME = (
    r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_DATE = re.compile(_FULL_DATE)
_TIME = re.compile(_FULL_TIME)
_DATE_TIME = re.compile(f"{_FULL_DATE}[Tt]{_FULL_TIME}")
_EMAIL = re.compile(
    r"(?=.{3,254}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_TIME_PART = "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
_DATE_PART = "(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)"
_DURATION = re.compile(f"P(?:{_DATE_PART}(?:{_TIME_PART})?|{_TIME_PART}|[0-9]+W)")
_JSON_POINTER = re.compile("(?:/(?:[^~/]|~[01])*)*", re.DOTALL)
_MINUTES_OF_DAY = 24 * 60

_URI_PARTS = re.compile(
    r"(?:(?P<scheme>[^:/?#]+):)?(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
"""RFC 3986, appendix B: splits any text into parts. The characters of each part are checked afterwards."""
_UNRESERVED = r"A-Za-z0-9._~\-"
_SUB_DELIMS = "!$&'()*+,;="
_ESCAPED = "%[0-9A-Fa-f]{2}"
_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*")
_AUTHORITY = re.compile(
    f"(?:(?:[{_UNRESERVED}{_SUB_DELIMS}:]|{_ESCAPED})*@)?"
    rf"(?:\[(?P<literal>[^\[\]]*)\]|(?:[{_UNRESERVED}{_SUB_DELIMS}]|{_ESCAPED})*)(?::[0-9]*)?"
)
_LATER_ADDRESS = re.compile(f"[vV][0-9A-Fa-f]+[.][{_UNRESERVED}{_SUB_DELIMS}:]+")
_PATH = re.compile(f"(?:[{_UNRESERVED}{_SUB_DELIMS}:@/]|{_ESCAPED})*")
_QUERY_OR_FRAGMENT = re.compile(f"(?:[{_UNRESERVED}{_SUB_DELIMS}:@/?]|{_ESCAPED})*")


def is_date(text: str) -> bool:
    """A full-date of RFC 3339 that the calendar has."""
    return _DATE.fullmatch(text) is not None


def is_time(text: str) -> bool:
    """A full-time of RFC 3339: with an offset, and a leap second only where UTC has one."""
    found = _TIME.fullmatch(text)
    return found is not None and (found[3] != "60" or _is_leap_second(found))


def is_date_time(text: str) -> bool:
    """A date-time of RFC 3339."""
    found = _DATE_TIME.fullmatch(text)
    return found is not None and (found[3] != "60" or _is_leap_second(found))


def _is_leap_second(found: re.Match[str]) -> bool:
    """Whether a minute with a 60th second is the last one of a day in UTC."""
    offset = (int(found[5] or 0) * 60 + int(found[6] or 0)) * (-1 if found[4] == "-" else 1)
    return (int(found[1]) * 60 + int(found[2]) - offset) % _MINUTES_OF_DAY == _MINUTES_OF_DAY - 1


def is_email(text: str) -> bool:
    """A usual mailbox: a dot-string of RFC 5321, `@`, and a domain with a dot. No quoting, no comments."""
    return _EMAIL.fullmatch(text) is not None


def is_uri(text: str) -> bool:
    """A URI of RFC 3986: with a scheme."""
    parts = _URI_PARTS.fullmatch(text)
    return parts is not None and parts["scheme"] is not None and _are_uri_parts(parts)


def is_uri_reference(text: str) -> bool:
    """A URI or a relative reference of RFC 3986."""
    parts = _URI_PARTS.fullmatch(text)
    return parts is not None and _are_uri_parts(parts)


def _are_uri_parts(parts: re.Match[str]) -> bool:
    scheme, authority, path = parts["scheme"], parts["authority"], parts["path"]
    if scheme is None and authority is None and ":" in path.partition("/")[0]:
        # Section 4.2: a reader would take such a segment for a scheme.
        return False
    return (
        (scheme is None or _SCHEME.fullmatch(scheme) is not None)
        and (authority is None or _is_authority(authority))
        and _PATH.fullmatch(path) is not None
        and all(_QUERY_OR_FRAGMENT.fullmatch(parts[name] or "") for name in ("query", "fragment"))
    )


def _is_authority(text: str) -> bool:
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return False
    literal = found["literal"]
    return literal is None or is_ipv6(literal) or _LATER_ADDRESS.fullmatch(literal) is not None


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


def is_hostname(text: str) -> bool:
    """A name of RFC 1123 in ASCII, without a dot at its end. Names in other scripts are written in Punycode."""
    return _HOSTNAME.fullmatch(text) is not None


def is_duration(text: str) -> bool:
    """A duration of RFC 3339, appendix A, such as `P1DT12H`; weeks stand alone."""
    return _DURATION.fullmatch(text) is not None


def is_regex(text: str) -> bool:
    """A pattern that contracts may use themselves."""
    try:
        translate_for_python(text)
    except PatternUnsupported:
        return False
    return True


def is_json_pointer(text: str) -> bool:
    """A JSON Pointer of RFC 6901, as text: empty, or with a slash before each step."""
    return _JSON_POINTER.fullmatch(text) is not None


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
    "hostname": is_hostname,
    "duration": is_duration,
    "regex": is_regex,
    "json-pointer": is_json_pointer,
}

INSTEAD: dict[str, str] = {
    "idn-email": "use email",
    "idn-hostname": "use hostname, with such names in Punycode",
    "iri": "use uri",
    "iri-reference": "use uri-reference",
    "uri-template": "use a pattern",
    "relative-json-pointer": "use json-pointer, or a pattern",
    "phone": "refer to telepon in schemas/common/teks.schema.json",
    "telepon": "refer to telepon in schemas/common/teks.schema.json",
    "nik": "refer to schemas/common/nik.schema.json",
    "int32": "use minimum and maximum",
    "int64": "use minimum and maximum",
    "float": "use minimum and maximum",
    "double": "use minimum and maximum",
    "decimal": "use multipleOf, or refer to schemas/common/uang.schema.json",
    "byte": "use contentEncoding: base64",
    "binary": "use contentEncoding: base64",
    "password": "leave the format out, and keep secrets off the bus",
    "datetime": "use date-time",
    "timestamp": "use date-time",
    "url": "use uri",
    "ip": "use ipv4 or ipv6",
}
"""What to write in place of formats that contracts may not use, by their names here and in OpenAPI."""

NATIVE = frozenset({"uuid", "ipv4", "ipv6"})
"""Formats that the fast library checks as the bus means them. For the others it calls the bus's functions.

Its own date and time checks are wrong. For jsonschema-rs 0.60, `+324-02-29` is a date, since it does not check for digits.
"""

AS_PATTERNS = {"date": f"^{_FULL_DATE}$"}
"""Formats that equal a pattern, so that the fast library calls no function."""
