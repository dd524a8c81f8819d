"""Events by their positions: each as it was stored, whatever is in it, and however large they are together."""

import pytest
import sqlalchemy as sa

from bus.journal import JournalReader
from bus.journal.entries import Entry
from bus.journal.lines import MOST_BYTES
from bus.journal.tables import JOURNAL
from bus.storage import Storage


def stored(storage: Storage, *bodies: bytes, key: str | None = "k", person: str | None = None) -> dict[int, Entry]:
    """Have these events in the journal, at every second position."""
    entries = [Entry(2 * n, 1, 3, "dinkes", key, person, 2**51 + n, body) for n, body in enumerate(bodies, 1)]
    rows = [{**entry._asdict(), "identity": b"%d" % entry.position} for entry in entries]
    with storage.write() as transaction:
        transaction.execute(sa.insert(JOURNAL), rows)
    return {entry.position: entry for entry in entries}


def test_each_is_as_it_was_stored(storage: Storage):
    texts = ['{"a":"é\\u0000\\n"}'.encode(), b'{"a":\n1}\n', b"\xff\x00", b"[]", b'{"b":"', b'","c":2}']
    entries = stored(storage, *texts, key='k"\\\té', person="3524")

    assert JournalReader(storage).at([2, 4, 6, 8, 10, 12]) == entries


def test_an_event_without_key_or_person_has_neither(storage: Storage):
    entries = stored(storage, b"{}", key=None)

    assert JournalReader(storage).at([2]) == entries


def test_those_that_are_not_there_are_left_out(storage: Storage):
    entries = stored(storage, *[b"%d" % n for n in range(150)])

    assert JournalReader(storage).at(list(range(1, 301))) == entries
    assert JournalReader(storage).at([1, 3]) == {}


@pytest.mark.parametrize("share", [2, 4])
def test_large_ones_are_read_too(storage: Storage, share: int):
    entries = stored(storage, *[bytes([65 + n]) * (MOST_BYTES // share + 1) for n in range(3)])

    assert JournalReader(storage).at([2, 4, 6]) == entries
