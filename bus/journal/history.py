"""Earlier events of the records on a page, found a generation at a time."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from bus.journal.read import Entry


class Entries(Protocol):
    """What is asked of the journal; `JournalReader` does it."""

    def preceding(self, positions: Sequence[int]) -> dict[int, Entry]:
        """By the positions of some records' events, the same record's event before each; left out where it is the first."""
        ...


class History:
    """Finds the event before another of the same record, for `viewed`. Synchronous: use it in the thread that read the page.

    A page of a row-filtered view asks for the event before each of its events, then for those before them. The first
    question of a generation reads all of it in one query.
    """

    def __init__(self, journal: Entries, entries: Iterable[Entry]) -> None:
        self._journal = journal
        self._found: dict[int, Entry | None] = {}
        self._expected = {entry.position for entry in entries if entry.key is not None}

    def before(self, entry: Entry) -> Entry | None:
        """The same record's event before this one; None before the first, and of what is no record's."""
        if entry.key is None:
            return None
        if entry.position not in self._found:
            self._read(self._expected | {entry.position})
        return self._found[entry.position]

    def _read(self, positions: set[int]) -> None:
        found = self._journal.preceding(sorted(positions))
        self._found.update((position, found.get(position)) for position in positions)
        self._expected = {entry.position for entry in found.values()} - self._found.keys()
