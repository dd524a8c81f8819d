"""An event as one consumer may see it: the journal's entry through a view.

A record can leave a view with a row filter, such as when a resident moves to another village. The consumer then sees the event
that took the record out as the record's deletion. Nobody will keep its copy up to date. The consumer sees nothing of later
events, and nothing that it sees depends on them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bus import json
from bus.contracts import View
from bus.journal.entries import Entry
from bus.journal.history import Entries

FindBefore = Callable[[Entry], Entry | None]
"""Finds the same record's event before another. Synchronous: if the view has rows, call `apply_view` from a thread."""

_LONGEST_WALK = 1000


def apply_view(entry: Entry, view: View, find: FindBefore) -> bytes | None:
    """The CloudEvent (JSON, with `sequence` and `recordedtime`) that the view shows. None if it shows nothing."""
    if view.is_whole:
        return entry.body
    document = viewed_document(entry, view, find)
    return None if document is None else json.dumps(document)


def viewed_document(entry: Entry, view: View, find: FindBefore) -> dict[str, Any] | None:
    """As `apply_view`, but the CloudEvent as a JSON value."""
    document: dict[str, Any] = json.loads(entry.body)
    if not view.has_rows or view.shows(document.get("data")):
        return view.reduce(document, entry.participant)
    before = find(entry)
    if before is None or not _is_in_rows(before, view):
        return None
    return _write_departure(document, entry, view)


def standing(entry: Entry, view: View) -> bytes | None:
    """The CloudEvent that the view shows. None if the event is outside the view's rows."""
    if view.is_whole:
        return entry.body
    document: dict[str, Any] = json.loads(entry.body)
    if view.has_rows and not view.shows(document.get("data")):
        return None
    return json.dumps(view.reduce(document, entry.participant))


def departure(entry: Entry, view: View) -> bytes:
    """The record's deletion, as the view shows the event by which a record left its rows."""
    return json.dumps(_write_departure(json.loads(entry.body), entry, view))


class Walk:
    """Walks back through the histories of records that are outside their views, to the events by which they left.

    It is for readers of records, who see only newest events. Each step goes one event back in all histories at once. The
    walk holds only the events of one piece.

    Attributes:
        left: by the position of a record's newest event, the event by which the record left the view. Records that never
            left one are missing.
        unfinished: the first newest event whose history was not searched to its end; None if all were.
    """

    def __init__(
        self, journal: Entries, outside: Iterable[tuple[Entry, View]], after: int, charge: Callable[[int], bool]
    ) -> None:
        """Create a walk. Nothing is read yet.
        Args:
            outside: newest events, each with its view.
            after: a position. The walk does not look for records that left up to here.
            charge: called with the size of each event that was read. Once it returns True, the walk has used up its budget
                and searches only the first history to its end.
        """
        self.left: dict[int, int] = {}
        self.unfinished: int | None = None
        self._journal = journal
        self._after = after
        self._charge = charge
        self._views = {entry.position: view for entry, view in outside}
        # The keys are the positions that the walk has reached.
        self._heads = {position: position for position in self._views}
        self._is_enough = False

    def run(self) -> Iterator[None]:
        """Walk in steps, so that the caller may let others work between them. Gives up after `_LONGEST_WALK` events back."""
        for _ in range(_LONGEST_WALK):
            self._heads = {position: head for position, head in self._heads.items() if position > self._after}
            if not self._heads:
                return
            yield from self._take_step()

    def _take_step(self) -> Iterator[None]:
        links = self._journal.preceding(sorted(self._heads))
        self._heads = {before: self._heads[position] for position, before in links.items()}
        behind = {before: position for position, before in links.items()}
        while behind := {before: behind[before] for before in behind if before in self._heads}:
            for before, entry in self._journal.piece(sorted(behind, key=self._heads.__getitem__)).items():
                self._look_at(entry, behind.pop(before))
            if self._is_enough:
                self._end_with_the_first()
            yield

    def _end_with_the_first(self) -> None:
        heads = sorted(self._heads.values())
        if len(heads) > 1:
            first, self.unfinished = heads[:2]
            self._heads = {position: head for position, head in self._heads.items() if head == first}

    def _look_at(self, entry: Entry, behind: int) -> None:
        head = self._heads[entry.position]
        self._is_enough = self._charge(len(entry.body)) or self._is_enough
        if _is_in_rows(entry, self._views[head]):
            self.left[head] = behind
            del self._heads[entry.position]


def _is_in_rows(entry: Entry, view: View) -> bool:
    data = json.loads(entry.body).get("data")
    return data is not None and view.shows(data)


def _write_departure(document: dict[str, Any], entry: Entry, view: View) -> dict[str, Any]:
    if document.get("data") is None:
        return view.reduce(document, entry.participant)
    return view.withdraw(document, entry.participant)
