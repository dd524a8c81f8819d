"""An event as one consumer may see it: the journal's entry through a view.

Where a view has a row filter, a record can leave it (a resident moves to another village). The event that takes it out is
shown as the record's deletion, since the consumer holds a copy that nobody will keep up to date for it. Later events are
none of the consumer's: nothing that it is shown depends on them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bus import json
from bus.contracts import View
from bus.journal.history import Entries
from bus.journal.read import Entry

FindBefore = Callable[[Entry], Entry | None]
"""Finds the same record's event before one; synchronous, so call `apply_view` from a thread where the view has rows."""

_LONGEST_WALK = 1000


def apply_view(entry: Entry, view: View, find: FindBefore) -> bytes | None:
    """The CloudEvent (JSON, with `sequence` and `recordedtime`) that the view shows; None when it shows nothing."""
    if view.is_whole:
        return entry.body
    document = viewed_document(entry, view, find)
    return None if document is None else json.dumps(document)


def viewed_document(entry: Entry, view: View, find: FindBefore) -> dict[str, Any] | None:
    """The same as a document."""
    document: dict[str, Any] = json.loads(entry.body)
    if not view.has_rows or view.shows(document.get("data")):
        return view.reduce(document, entry.participant)
    before = find(entry)
    if before is None or not _stands_in(before, view):
        return None
    return _departure(document, entry, view)


def standing(entry: Entry, view: View) -> bytes | None:
    """The CloudEvent that the view shows; None where it stands outside the view's rows."""
    if view.is_whole:
        return entry.body
    document: dict[str, Any] = json.loads(entry.body)
    if view.has_rows and not view.shows(document.get("data")):
        return None
    return json.dumps(view.reduce(document, entry.participant))


def departure(entry: Entry, view: View) -> bytes:
    """The CloudEvent that the view shows of the event by which a record left its rows."""
    return json.dumps(_departure(json.loads(entry.body), entry, view))


class Walk:
    """Goes back through the histories of records that stand outside their views, to where they left them.

    It is for readers of records, who see newest events only. It goes a step back in all histories at once, and holds no
    events but those of a piece.

    Attributes:
        left: by the position of a record's newest event, where the record left the view; only of those that did.
        unfinished: the first of the newest events whose histories were not looked through; None when all were.
    """

    def __init__(
        self, journal: Entries, outside: Iterable[tuple[Entry, View]], after: int, charge: Callable[[int], bool]
    ) -> None:
        """Nothing is read yet.

        Args:
            outside: newest events, each with its view.
            after: a record that left up to here is not looked for.
            charge: told the size of each event that was looked at; whether that was enough, so that only the first
                history is looked through to its end.
        """
        self.left: dict[int, int] = {}
        self.unfinished: int | None = None
        self._journal = journal
        self._after = after
        self._charge = charge
        self._views = {entry.position: view for entry, view in outside}
        # By the events that the walk stands at.
        self._heads = {position: position for position in self._views}
        self._is_enough = False

    def run(self) -> Iterator[None]:
        """Walk, in steps between which others may have a turn. More than `_LONGEST_WALK` events back is given up."""
        for _ in range(_LONGEST_WALK):
            self._heads = {position: head for position, head in self._heads.items() if position > self._after}
            if not self._heads:
                return
            yield from self._step()

    def _step(self) -> Iterator[None]:
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
        if _stands_in(entry, self._views[head]):
            self.left[head] = behind
            del self._heads[entry.position]


def _stands_in(entry: Entry, view: View) -> bool:
    data = json.loads(entry.body).get("data")
    return data is not None and view.shows(data)


def _departure(document: dict[str, Any], entry: Entry, view: View) -> dict[str, Any]:
    if document.get("data") is None:
        return view.reduce(document, entry.participant)
    return view.withdraw(document, entry.participant)
