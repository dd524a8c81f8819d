"""Known heads: read once, bounded in bytes."""

from bus.http.heads import Head, Heads

FIELDS = {b"host": b"bus", b"content-length": b"2", b"content-type": b"application/cloudevents+json"}


def test_a_head_that_was_kept_is_known_with_a_body_of_its_length_alone():
    heads, head = Heads(), Head.of(FIELDS)
    heads.keep(b"text", head)
    assert heads.read(b"text\r\n\r\n{}") == (head, b"{}")
    assert heads.read(b"text\r\n\r\n{} ") is None
    assert heads.read(b"other\r\n\r\n{}") is None


def test_heads_of_any_number_and_size_hold_a_megabyte():
    heads = Heads()
    for number in range(3000):
        heads.keep(b"%d" % number + b"x" * 3900, Head.of(FIELDS))
        assert heads.size <= 1024 * 1024
    heads.keep(b"x" * 200_000, Head.of(FIELDS))
    assert heads.read(b"x" * 200_000 + b"\r\n\r\n{}") is None


def test_a_head_that_never_comes_again_is_not_kept():
    heads = Heads()
    heads.keep(b"text", Head.of(FIELDS | {b"traceparent": b"00-0-0-0"}))
    heads.keep(b"more", Head.of(FIELDS | {b"ce-id": b"1"}))
    assert heads.size == 0
