"""How long a sink or an agency asks to wait, as RFC 9110 and WSO2 write it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.kit import read_retry_after
from bus.kit.waiting import read_next_access

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DAY = 24 * 3600


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("86401", DAY),
        ("9" * 10_000, DAY),
        ("-1", None),
        ("1.5", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Tue, 24 Nov 2026 08:02:00 GMT", 120),
        ("Tuesday, 24-Nov-26 08:02:00 GMT", 120),
        ("Tue Nov 24 08:02:00 2026", 120),
        ("Tue, 24 Nov 2026 07:00:00 GMT", 0),
        ("Thu, 24 Nov 2033 08:00:00 GMT", DAY),
        ("Tue, 99 Nov 2026 08:02:00 GMT", None),
        ("Tue, 24 Nov 99999 08:02:00 GMT", None),
        ("Tue, 24 Nov 99999999999 08:02:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_rfc_9110_writes_it(header: str | None, seconds: float | None):
    assert read_retry_after(header, NOW) == seconds


@given(st.text() | st.datetimes(timezones=st.just(UTC)).map(lambda moment: format_datetime(moment, usegmt=True)))
def test_no_retry_after_breaks_the_reader(header: str):
    wait = read_retry_after(header, NOW)
    assert wait is None or 0 <= wait <= timedelta(days=1).total_seconds()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-Nov-24 08:01:00+0000 UTC", 60),
        ("2026-Nov-24 15:01:00 +0700", 60),
        ("2026-11-24T08:01:00Z", 60),
        ("1795507260000", 60),
        ("1795507260", 60),
        ("Tue, 24 Nov 2026 08:01:00 GMT", 60),
        ("2036-Nov-24 08:01:00+0000 UTC", DAY),
        ("1", 0),
        ("9" * 14, None),
        ("2026-Nov-24", None),
        ("", None),
    ],
)
def test_next_access_time_is_read_in_each_form(text: str, seconds: float | None):
    assert read_next_access(text, NOW) == seconds


@given(st.text() | st.integers().map(str))
def test_no_next_access_time_breaks_the_reader(text: str):
    wait = read_next_access(text, NOW)
    assert wait is None or 0 <= wait <= DAY
