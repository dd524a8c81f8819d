"""The headers for a publisher whose contract version is deprecated (RFC 9745, RFC 8594)."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime

from bus.clock import WIB
from bus.contracts import Notice

_LAST = date.max - timedelta(days=1)


def deprecation_headers(notices: Collection[Notice], url: str) -> dict[str, str]:
    """The headers of an answer.

    A batch may use several deprecated versions: the headers give the earliest dates, and every successor.

    Args:
        notices: at least one.
        url: where clients reach the bus, without a slash at the end.
    """
    headers = {"Deprecation": f"@{int(min(notice.since for notice in notices).timestamp())}"}
    sunsets = [notice.sunset for notice in notices if notice.sunset]
    if sunsets:
        headers["Sunset"] = format_datetime(_end_of(min(sunsets)), usegmt=True)
    successors = sorted((notice.contract, notice.successor) for notice in notices if notice.successor)
    if successors:
        links = (f"<{url}/v1/contracts/{name}/versions/{version}>" for name, version in dict.fromkeys(successors))
        headers["Link"] = ", ".join(f'{link}; rel="successor-version"' for link in links)
    return headers


def _end_of(day: date) -> datetime:
    """The moment at which a day in Lamongan is over."""
    # The calendar has no day after the last one.
    return datetime.combine(min(day, _LAST) + timedelta(days=1), time(), WIB).astimezone(UTC)
