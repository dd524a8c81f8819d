"""The head of a request, as it is read from its text."""

from bus.http.front_door.request import HeadParser


def test_blanks_around_a_value_were_a_part_of_it() -> None:
    head = HeadParser().read(b"GET / HTTP/1.1\r\nhost: bus\r\nce-subject:\t a b \t\r\nx: \t\r\n\r\n")
    assert head.fields[1:] == [(b"ce-subject", b"a b"), (b"x", b"")]
