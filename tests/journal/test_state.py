"""The state of records: each record once, as it was at one position, whatever is written meanwhile."""

from random import Random

import pytest

from bus.journal import Appender, JournalReader, RecordState
from bus.storage import Storage
from tests.builders import a_submission

ROUNDS = 12
KEYS = ["a", "B", "é", "z/1", "aa", "\U0001f600", "￿", *map(str, range(12))]
"""Their order by bytes is neither a dictionary's nor that of UTF-16."""


class Journal:
    """A journal, and a model of it: contract and key of each event."""

    def __init__(self, storage: Storage, seed: int) -> None:
        self.random = Random(seed)
        self.reader = JournalReader(storage)
        self._storage = storage
        self._events: list[tuple[int, str]] = []

    async def append(self, most: int) -> None:
        """Append some events of two contracts."""
        appender = Appender(self._storage, lambda position: None)
        events = [(self.random.choice((1, 1, 2)), self.random.choice(KEYS)) for _ in range(self.random.randrange(most))]
        start = len(self._events)
        submissions = [a_submission(start + n, contract_id=one, key=key) for n, (one, key) in enumerate(events)]
        if submissions:
            await appender.append(submissions)
        await appender.close()
        self._events += events

    def state(self, head: int, after: int = 0) -> dict[str, int]:
        """The position of each record's event in the state, by key, if it is behind `after`."""
        newest = {key: n for n, (one, key) in enumerate(self._events[:head], 1) if one == 1}
        return {key: position for key, position in newest.items() if position > after}


async def read_all(journal: Journal, state: RecordState, after: int, lines: bool) -> list[int]:
    """The positions of a pass, with writers at work between its pages."""
    positions: list[int] = []
    is_last = False
    while not is_last:
        limit = journal.random.randrange(1, 6)
        found = state.read_lines(after, limit) if lines else None
        if found is None:
            entries, is_last = state.read(after, limit)
            page = [entry.position for entry in entries]
        else:
            page, is_last = list(found.positions), found.is_last
        assert len(page) <= limit
        positions += page
        after = max([after, *page])
        await journal.append(9)
    return positions


@pytest.mark.parametrize("lines", [False, True], ids=["entries", "lines"])
async def test_a_pass_shows_each_record_once_as_it_was_while_writers_write(storage: Storage, lines: bool):
    journal = Journal(storage, seed=1 + lines)
    before = 0
    for _ in range(ROUNDS):
        await journal.append(20)
        state = journal.reader.records(1)
        expected = journal.state(state.head, before)
        assert state.count(before) == len(expected)
        assert await read_all(journal, state, before, lines) == sorted(expected.values())
        before = state.head


async def test_a_pass_that_another_process_goes_on_with_shows_the_same_state(storage: Storage):
    journal = Journal(storage, seed=3)
    await journal.append(60)
    head = journal.reader.records(1).head
    for _ in range(ROUNDS):
        await journal.append(20)
        after = journal.random.randrange(head)
        positions = await read_all(journal, JournalReader(storage).records(1, head), after, lines=False)
        assert positions == sorted(journal.state(head, after).values())


async def test_records_come_in_the_order_of_the_bytes_of_their_keys_as_they_were(storage: Storage):
    journal = Journal(storage, seed=4)
    await journal.append(60)
    head = journal.reader.records(1).head
    for limit in (1, 3, 100):
        await journal.append(20)
        state, above, positions = JournalReader(storage).records(1, head), "", []
        while True:
            keys = state.list_by_key(above, limit)
            positions += keys.positions
            if keys.last is None:
                break
            above = keys.last[0]
        expected = journal.state(head)
        assert positions == [expected[key] for key in sorted(expected, key=str.encode)]


async def test_many_changes_are_noted_in_steps(storage: Storage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bus.journal.state._NOTED", 7)
    journal = Journal(storage, seed=5)
    await journal.append(60)
    state = journal.reader.records(1)
    await journal.append(100)
    journal.reader.records(1)
    assert state.note_changes()
    assert await read_all(journal, state, 0, lines=False) == sorted(journal.state(state.head).values())
