"""Earlier events of the records on a page, found a generation at a time."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from bus.journal.read import Entry


class Entries(Protocol):
    """What is asked of the journal; `JournalReader` does it."""

    def at(self, positions: Sequence[int]) -> dict[int, Entry]:
        """The events at some positions; a position that is not there is left out."""
        ...


class History:
    """Finds events by position, for `viewed`. Synchronous: use it in the thread that read the page.

    A page of a row-filtered view asks for the event before each of its events, then for those before them. The first
    question of a generation reads all of it in one query.
    """

    def __init__(self, journal: Entries, entries: Iterable[Entry]) -> None:
        self._journal = journal
        self._found: dict[int, Entry | None] = {}
        self._expected = {entry.previous for entry in entries if entry.previous is not None}

    def find(self, position: int) -> Entry | None:
        """The event at a position."""
        if position not in self._found:
            self._read(self._expected | {position})
        return self._found[position]

    def _read(self, positions: set[int]) -> None:
        found = self._journal.at(sorted(positions))
        self._found.update((position, found.get(position)) for position in positions)
        before = {entry.previous for entry in found.values() if entry.previous is not None}
        self._expected = before - self._found.keys()
