"""The status of an answer that is not HTTP as it should be: the status decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.delivery.sinks.status import Answer, salvage


@pytest.mark.parametrize(
    ("received", "answer"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\nrest", (204, None)),
        (b"http/1.1 200 ok\r\n\r\n", (200, None)),
        (b"HTTP/1.1 200\r\n\r\n", (200, None)),
        (b"HTTP/1.1 200 \r\n\r\n", (200, None)),
        (b"HTTP/1.1  200  OK\r\n\r\n", (200, None)),
        (b"HTTP/1.1 200 \xff\x00\x01\x7f\r\n\r\n", (200, None)),
        (b"HTTP/1.0 200 OK\n\n", (200, None)),
        (b"HTTP/2 200\r\n\r\n", (200, None)),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", (200, None)),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9000, (200, None)),
        (b"HTTP/1.1 503 Busy\r\nRetry-After : 7\r\n\r\n", (503, "7")),
        (b"HTTP/1.1 503 Busy\nretry-after:7\n\n", (503, "7")),
        (b"HTTP/1.1 503 Busy\r\nA: b\r\n\r\nRetry-After: 9\r\n", (503, None)),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n", (202, None)),
        (b"HTTP/1.1 103 Hints\r\nRetry-After: 1\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", (503, None)),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81", (101, None)),
        (b"HTTP/1.1 100 Continue\r\n\r\n", None),
        (b"HTTP/1.1 100 Continue\r\nX", None),
        (b"HTTP/1.1 200 OK", None),
        (b"HTTP/1.1 2000 OK\r\n\r\n", None),
        (b"HTTP/1.1 20 OK\r\n\r\n", None),
        (b"HTTP/1.1 099 Odd\r\n\r\n", None),
        (b"SSH-2.0-OpenSSH_9.6\r\nHTTP/1.1 200 OK\r\n\r\n", None),
        (b"<html>HTTP/1.1 200 OK\r\n\r\n", None),
        (b"", None),
    ],
)
def test_what_came_has_a_status_or_none(received: bytes, answer: tuple[int, str | None] | None):
    assert salvage(received) == (None if answer is None else Answer(*answer))


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_without_an_error(rest: bytes):
    assert salvage(b"HTTP/1.1 200 OK\r\n" + rest) == salvage(b"HTTP/1.1 200 OK\r\n\r\n") or b"etry" in rest.lower()
    salvage(rest)


def test_a_long_head_is_read_in_time_that_grows_with_its_length():
    assert salvage(b"HTTP/1.1 100 C\r\n\r\n" * 1800) is None
    assert salvage(b"HTTP/1.1 200 " + b" " * 32_000) is None
