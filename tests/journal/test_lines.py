"""Lines: what is spliced at once is what is spliced one by one, and no more bytes are read than a page takes."""

from typing import Any

from bus.journal.lines import MOST_BYTES, texts, within_bytes
from bus.journal.read import Entry

BODY = b'{"id":"1"}'
DECEMBER = 1_766_000_000_123_456


class Cursor:
    """Rows of these sizes; it counts what is taken from it."""

    def __init__(self, *sizes: int) -> None:
        self._rows = [(number, b"x" * size) for number, size in enumerate(sizes, 1)]
        self.taken = 0

    def fetchmany(self, count: int) -> list[Any]:
        some = self._rows[self.taken : self.taken + count]
        self.taken += len(some)
        return some


def test_texts_are_those_of_entries():
    rows = [(9, 1, DECEMBER, BODY), (10, 1, DECEMBER, BODY), (12_345_678_901, 2, DECEMBER + 1, BODY)]
    entries = [Entry(at, 1, version, "dpupr", None, None, None, moment, body) for at, version, moment, body in rows]
    assert texts(rows, [row[0] for row in rows]) == [entry.text() for entry in entries]


def test_nothing_gives_no_texts():
    assert texts([], []) == []


def test_fewer_rows_than_asked_for_are_the_last():
    assert within_bytes(Cursor(1, 1), limit=3) == ([(1, b"x"), (2, b"x")], True)
    assert within_bytes(Cursor(1, 1), limit=2)[1] is False


def test_rows_end_with_the_one_that_reaches_the_bytes():
    half = MOST_BYTES // 2
    rows, is_last = within_bytes(Cursor(half, half, half), limit=3)
    assert ([number for number, _ in rows], is_last) == ([1, 2], False)


def test_a_row_larger_than_a_page_is_there():
    rows, is_last = within_bytes(Cursor(MOST_BYTES * 2, 1), limit=1000)
    assert ([number for number, _ in rows], is_last) == ([1], False)


def test_what_no_page_needs_is_not_read():
    cursor = Cursor(*[MOST_BYTES // 10] * 1000)
    assert len(within_bytes(cursor, limit=1000)[0]) == 11
    assert cursor.taken < 100
