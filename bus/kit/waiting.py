"""Reads from a header or a text how long a sink or an agency asks the bus to wait."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_WAIT: Final = 24 * 3600.0
"""Seconds; the most that anybody can ask the bus to wait. A mistyped header must not bury a delivery for years."""

_LONGEST_TEXT = 64
"""Most characters of a time, since parsers take long for a long text."""
_NEXT_ACCESS_FORMS = ("%Y-%b-%d %H:%M:%S%z", "%Y-%b-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%z")


def read_retry_after(header: str | None, at: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks to wait; None if the header is absent or unreadable.

    Args:
        header: the header's value, in seconds or as an HTTP date (RFC 9110, 10.2.3 and 5.6.7).
        at: the current time.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    return count_seconds_until(_parse_http_date(text), at)


def read_next_access(text: str, at: datetime) -> float | None:
    """Seconds until WSO2's `nextAccessTime`; None if the text is unreadable.

    Some versions of the gateway write `2026-Nov-24 05:43:00+0000 UTC`, others milliseconds or seconds since 1970.

    Args:
        text: the member's value.
        at: the current time.
    """
    text = text.strip().removesuffix("UTC").strip()
    if text.isascii() and text.isdigit() and len(text) <= 13:
        # Ten digits of seconds last until the year 2286.
        since_1970 = int(text) / (1000 if len(text) > 10 else 1)
        return count_seconds_until(datetime.fromtimestamp(since_1970, UTC), at)
    for form in _NEXT_ACCESS_FORMS:
        try:
            # Each form ends with the zone.
            return count_seconds_until(datetime.strptime(text[:_LONGEST_TEXT], form), at)  # noqa: DTZ007
        except ValueError:
            continue
    return count_seconds_until(_parse_http_date(text), at)


def count_seconds_until(moment: datetime | None, at: datetime) -> float | None:
    """Seconds from `at` to a moment, at least 0 and at most `LONGEST_WAIT`; None for no moment."""
    return None if moment is None else min(max((moment - at).total_seconds(), 0.0), LONGEST_WAIT)


def _parse_http_date(text: str) -> datetime | None:
    if len(text) > _LONGEST_TEXT:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        # A year of eleven digits overflows.
        return None
    # The asctime form that RFC 9110 still allows names no zone; HTTP dates are UTC.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
