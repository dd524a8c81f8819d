"""Lines: no more bytes are read than a page takes."""

from typing import Any

from bus.journal.lines import MOST_BYTES, within_bytes


class Cursor:
    """Rows of these sizes; it counts what is taken from it."""

    def __init__(self, *sizes: int) -> None:
        self._rows = [(number, b"x" * size) for number, size in enumerate(sizes, 1)]
        self.taken = 0

    def fetchmany(self, count: int) -> list[Any]:
        some = self._rows[self.taken : self.taken + count]
        self.taken += len(some)
        return some


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
