"""Earlier events of the records on a page, found together and held a piece at a time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from bus.journal.entries import Entry


class Entries(Protocol):
    """What `History` needs of the journal; `JournalReader` offers it."""

    def preceding(self, positions: Sequence[int]) -> Mapping[int, int]:
        """Positions of events, each with the position of the same record's event before. A record's first event is left out."""
        ...

    def piece(self, positions: Sequence[int]) -> Mapping[int, Entry]:
        """The events at the first positions: as many as memory may hold at once, but at least one."""
        ...


class History:
    """Finds the event before another of the same record, for `apply_view`. Synchronous: use it in the thread that read the page.

    The caller asks for the event before each event of a page, in order. The first question finds the positions of all of
    them. Then events are read in pieces. A piece replaces the piece before, since events may be large.
    """

    def __init__(self, journal: Entries, entries: Iterable[Entry]) -> None:
        self._journal = journal
        self._preceding: dict[int, int | None] = {}
        self._expected = {entry.position for entry in entries if entry.key is not None}
        self._piece: Mapping[int, Entry] = {}

    def before(self, entry: Entry) -> Entry | None:
        """The same record's event before this one. None for a record's first event, and for an event of no record."""
        if entry.key is None:
            return None
        if entry.position not in self._preceding:
            self._find(self._expected | {entry.position})
        preceding = self._preceding[entry.position]
        if preceding is None:
            return None
        if preceding not in self._piece:
            self._piece = {}
            self._piece = self._journal.piece(self._list_wanted(entry.position))
        return self._piece[preceding]

    def _find(self, positions: set[int]) -> None:
        found = self._journal.preceding(sorted(positions))
        self._preceding.update((position, found.get(position)) for position in positions)
        self._expected = set()

    def _list_wanted(self, position: int) -> list[int]:
        """Positions of the events before this one and the next ones on the page: the caller will ask for them."""
        behind = sorted(one for one in self._preceding if one >= position)
        return [preceding for one in behind if (preceding := self._preceding[one]) is not None]
