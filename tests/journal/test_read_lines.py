"""Lines as they are read: each event's bytes, whichever way the database joins them."""

from typing import Any

import pytest
import sqlalchemy as sa

from bus.journal import JournalReader
from bus.journal.lines import MOST_BYTES, Lines
from bus.journal.tables import JOURNAL
from bus.storage import Storage

CONTRACT = 7
FIRST, SECOND = 3, 4


def stored(storage: Storage, *events: tuple[int, bytes]) -> None:
    """Have events of these versions, with these bodies, in the journal, each between two of another contract."""
    rows: list[dict[str, Any]] = []
    for number, (version, body) in enumerate(events):
        for contract, position in ((CONTRACT, 2 * number + 1), (CONTRACT + 1, 2 * number + 2)):
            row = {"contract_id": contract, "position": position, "version_id": version, "identity": b"%d" % position}
            rows.append(row | {"participant": "dinkes", "recorded_at": position, "body": body})
    with storage.write() as transaction:
        transaction.execute(sa.insert(JOURNAL), rows)


def texts(lines: Lines) -> list[bytes]:
    """One by one, as the lengths say."""
    found: list[bytes] = []
    rest = lines.text
    for length in lines.lengths:
        found.append(rest[:length])
        assert rest[length : length + 1] in (b",", b"")
        rest = rest[length + 1 :]
    assert not rest
    return found


def test_each_event_is_there_as_it_was_stored(storage: Storage):
    bodies = ['{"a":"é, ü"}'.encode(), b'{"a":"\\u0000"}', b'{"b":"\xf0\x9f\x90\x84"}', b"{}"]
    stored(storage, *[(FIRST, body) for body in bodies])

    lines = JournalReader(storage).feed_lines(CONTRACT, 0, 10)

    assert (texts(lines), lines.positions, lines.is_last, lines.end) == (bodies, [1, 3, 5, 7], True, 8)
    assert lines.by_version == {FIRST: [1, 3, 5, 7]}


def test_the_events_of_each_version_are_told_apart(storage: Storage):
    stored(storage, (FIRST, b"1"), (SECOND, b"2"), (FIRST, b"3"))

    lines = JournalReader(storage).feed_lines(CONTRACT, 0, 10)

    assert lines.by_version == {FIRST: [1, 5], SECOND: [3]}


def test_a_full_page_is_not_the_last(storage: Storage):
    stored(storage, (FIRST, b"1"), (FIRST, b"2"), (FIRST, b"3"))
    reader = JournalReader(storage)

    pages = [reader.feed_lines(CONTRACT, after, 2) for after in (0, 3, 5)]

    assert [(page.text, list(page.positions), page.is_last) for page in pages] == [
        (b"1,2", [1, 3], False),
        (b"3", [5], True),
        (b"", [], True),
    ]


@pytest.mark.parametrize("first", [MOST_BYTES // 2, 1000], ids=["the first tells", "the first is small"])
def test_a_page_ends_with_the_event_that_reaches_the_bytes(storage: Storage, first: int):
    sizes = [first, MOST_BYTES // 2 - 1, MOST_BYTES // 2, 10]
    stored(storage, *[(FIRST, b"x" * size) for size in sizes])
    reader = JournalReader(storage)

    pages: list[Lines] = []
    while not pages or not pages[-1].is_last:
        pages.append(reader.feed_lines(CONTRACT, pages[-1].positions[-1] if pages else 0, 100))

    assert [page.lengths for page in pages] == [sizes[:3], sizes[3:]]


def test_a_large_page_leaves_nothing_behind_at_the_connection(storage: Storage):
    stored(storage, (FIRST, b"x"), (FIRST, b"y" * (MOST_BYTES + 1)))
    reader = JournalReader(storage)

    reader.feed_lines(CONTRACT, 0, 100)

    assert len(reader.at([3])[3].body) == MOST_BYTES + 1
