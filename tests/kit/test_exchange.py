"""The border between agencies' HTTP and the bus's failures."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.kit import (
    LONGEST_WAIT,
    AgencyFault,
    AgencyRefused,
    AgencyUnavailable,
    Failure,
    Refused,
    fold,
    parse_object,
    round_decimal,
)
from bus.kit.exchange import classify_status, make_status_fault


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (301, Failure.SINK_DOWN),
        (400, Failure.PERMANENT),
        (401, Failure.SINK_DOWN),
        (403, Failure.SINK_DOWN),
        (404, Failure.SINK_DOWN),
        (407, Failure.SINK_DOWN),
        (408, Failure.TRANSIENT),
        (409, Failure.PERMANENT),
        (421, Failure.SINK_DOWN),
        (423, Failure.TRANSIENT),
        (422, Failure.PERMANENT),
        (429, Failure.TRANSIENT),
        (500, Failure.TRANSIENT),
        (503, Failure.TRANSIENT),
    ],
)
def test_a_status_says_what_to_do_next(status: int, failure: Failure) -> None:
    assert classify_status(status)[0] is failure


@pytest.mark.parametrize(
    ("header", "seconds"), [("120", 120.0), (" 7 ", 7.0), ("9999999", LONGEST_WAIT), ("-5", None), ("soon", None)]
)
def test_an_agency_that_says_when_is_believed_within_reason(header: str, seconds: float | None) -> None:
    assert make_status_fault("X", httpx.Response(503, headers={"retry-after": header})).retry_after == seconds


@pytest.mark.parametrize("status", [429, 503])
def test_an_agency_that_says_when_as_a_date_is_not_asked_again_within_a_second(status: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    wait = make_status_fault("X", httpx.Response(status, headers={"retry-after": date})).retry_after
    assert wait is not None
    assert 200 < wait <= 300


@pytest.mark.parametrize(
    ("failure", "refused"),
    [
        (Failure.TRANSIENT, AgencyUnavailable),
        (Failure.SINK_DOWN, AgencyRefused),
        (Failure.PERMANENT, AgencyRefused),
    ],
)
def test_a_fault_refuses_a_query_by_its_failure(failure: Failure, refused: type[Refused]) -> None:
    assert type(AgencyFault(failure, "X cannot answer now").to_refusal()) is refused


def test_a_query_is_told_when_to_ask_again() -> None:
    refusal = AgencyFault(Failure.TRANSIENT, "X cannot answer now", retry_after=1.5).to_refusal()
    assert refusal.headers == {"Retry-After": "2"}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"text"', b"\xff\xfe", b"{", b'{"a": 0.' + b"1" * 1001 + b"}"]
)
def test_what_is_no_json_object_heals_with_time(body: bytes) -> None:
    with pytest.raises(AgencyFault) as fault:
        parse_object("X", httpx.Response(200, content=body))
    assert fault.value.failure is Failure.TRANSIENT


@pytest.mark.parametrize("number", ["18446744073709551617", "1e400", "0.10000000000000000555", "1e-400"])
def test_a_number_that_json_cannot_hold_is_neither_rounded_nor_keeps_the_rows_around_it(number: str) -> None:
    body = b'{"baris": [1, %b, "\\ud800", 2.5]}' % number.encode()
    assert parse_object("X", httpx.Response(200, content=body)) == {"baris": [1, Decimal(number), "\ufffd", 2.5]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("0.1000000000000000055511"), 0.1),
        (Decimal("1e-400"), 0.0),
        (Decimal("18446744073709551617"), Decimal("18446744073709551617")),
        (Decimal("Infinity"), Decimal("Infinity")),
        (0.123456789, 0.123456789),
        ("0.123456789", "0.123456789"),
    ],
)
def test_what_is_too_precise_is_rounded_and_what_is_too_large_is_left(value: object, expected: object) -> None:
    assert round_decimal(value, 7) == expected


_blanks = st.text(" \t\n", max_size=3)


@given(before=_blanks, after=_blanks, upper=st.booleans())
def test_blanks_and_letter_case_do_not_matter(before: str, after: str, upper: bool) -> None:
    key = "No_Ruas".upper() if upper else "No_Ruas"
    answer = [{f"{before}{key}{after}": {key: f"{before}R-1{after}"}}]
    assert fold(answer) == [{"no_ruas": {"no_ruas": "R-1"}}]
