"""The head of a request, as it is read from its text."""

import pytest

from bus.http.front_door.refusals import RequestMalformed
from bus.http.front_door.request import HeadParser, find_end


def test_blanks_around_a_value_were_a_part_of_it() -> None:
    head = HeadParser().read(b"GET / HTTP/1.1\r\nhost: bus\r\nce-subject:\t a b \t\r\nx: \t\r\n\r\n")
    assert head.fields[1:] == [(b"ce-subject", b"a b"), (b"x", b"")]


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\nhost: a\n\n", b"GET / HTTP/1.1\rhost: a\r\r", b"GET / HTTP/1.1\r\nhost: a\n\r\n"]
)
def test_a_head_with_bare_line_ends_waited_for_its_time_out(head: bytes) -> None:
    with pytest.raises(RequestMalformed, match="CR LF"):
        [find_end(head[: seen + 1], seen) for seen in range(len(head))]


def test_a_head_in_pieces_is_found_at_its_empty_line() -> None:
    head = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
    ends = [find_end(head[: at + 1], at) for at in range(len(head))]
    assert ends == [-1] * (len(head) - 1) + [len(head) - 4]
