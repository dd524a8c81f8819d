"""Earlier events of the records on a page, found together and held a piece at a time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from bus.journal.read import Entry


class Entries(Protocol):
    """What is asked of the journal; `JournalReader` does it."""

    def preceding(self, positions: Sequence[int]) -> Mapping[int, int]:
        """By the positions of some records' events, where the same record's event before it is; the first is left out."""
        ...

    def piece(self, positions: Sequence[int]) -> Mapping[int, Entry]:
        """The events at the first of some positions: as many as may be held at once, but one at least."""
        ...


class History:
    """Finds the event before another of the same record, for `apply_view`. Synchronous: use it in the thread that read the page.

    Whoever looks through a page asks for the event before each of its events, in order. The first question finds where all
    of them are, and reads the next ones in a piece that replaces the one before: events may be large.
    """

    def __init__(self, journal: Entries, entries: Iterable[Entry]) -> None:
        self._journal = journal
        self._preceding: dict[int, int | None] = {}
        self._expected = {entry.position for entry in entries if entry.key is not None}
        self._piece: Mapping[int, Entry] = {}

    def before(self, entry: Entry) -> Entry | None:
        """The same record's event before this one; None before the first, and of what is no record's."""
        if entry.key is None:
            return None
        if entry.position not in self._preceding:
            self._find(self._expected | {entry.position})
        preceding = self._preceding[entry.position]
        if preceding is None:
            return None
        if preceding not in self._piece:
            self._piece = {}
            self._piece = self._journal.piece(self._wanted_from(entry.position))
        return self._piece[preceding]

    def _find(self, positions: set[int]) -> None:
        found = self._journal.preceding(sorted(positions))
        self._preceding.update((position, found.get(position)) for position in positions)
        self._expected = set()

    def _wanted_from(self, position: int) -> list[int]:
        """The events before this one and those behind it, which will be asked for next."""
        behind = sorted(one for one in self._preceding if one >= position)
        return [preceding for one in behind if (preceding := self._preceding[one]) is not None]
