"""The bus's one clock: moments in UTC, and integers of microseconds as the database keeps them."""

import time
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

WIB = timezone(timedelta(hours=7), "WIB")
"""Waktu Indonesia Barat, the regency's civil time. A date in a contract ends at midnight of this time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER_HOUR = 900 * 1_000_000_000
"""In nanoseconds."""


def now() -> datetime:
    """The current moment in UTC."""
    return datetime.now(UTC)


def now_micros() -> int:
    """The current moment in microseconds since 1970, as `micros(now())`; this is cheaper, for the hot path."""
    return time.time_ns() // 1000


def micros(moment: datetime) -> int:
    """The microseconds from 1970 in UTC to `moment`."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The moment that lies `micros` microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def rfc3339(moment: datetime) -> str:
    """The moment as RFC 3339 writes it in UTC: `2026-11-24T05:35:25.123456Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def format_micros(micros: int) -> bytes:
    """The same text as `rfc3339(moment(micros))`, in ASCII; this is cheaper, for pages of many events."""
    seconds, rest = divmod(micros, 1_000_000)
    return b"%b.%06dZ" % (_format_second(seconds), rest)


@lru_cache(4096)
def _format_second(seconds: int) -> bytes:
    return rfc3339(moment(seconds * 1_000_000))[:19].encode()


def local_date(moment: datetime) -> date:
    """The date of a moment in Lamongan's civil time."""
    return moment.astimezone(WIB).date()


def today() -> date:
    """Today's date in Lamongan's civil time, as `local_date(now())`; this is cheaper, for the hot path."""
    return _find_date(time.time_ns() // _QUARTER_HOUR)


@lru_cache(2)
def _find_date(quarter_hours: int) -> date:
    # Midnight in WIB is the beginning of a quarter of an hour in UTC.
    return local_date(moment(quarter_hours * _QUARTER_HOUR // 1000))
