"""An event as one consumer may see it: the journal's entry through a view.

Where a view has a row filter, a record can leave it (a resident moves to another village). The event that takes it out is
shown as the record's deletion, since the consumer holds a copy that nobody will keep up to date for it.
"""

from collections.abc import Callable
from typing import Any

from bus import json
from bus.contracts.view import View
from bus.journal.read import Entry

FindBefore = Callable[[Entry], Entry | None]
"""Finds the same record's event before one; synchronous, so call `viewed` from a thread where the view has rows."""

_LONGEST_WALK = 1000


def viewed(entry: Entry, view: View, find: FindBefore) -> bytes | None:
    """The CloudEvent (JSON, with `sequence` and `recordedtime`) that the view shows; None when it shows nothing."""
    if view.is_whole:
        return entry.body
    document = viewed_document(entry, view, find)
    return None if document is None else json.dumps(document)


def viewed_document(entry: Entry, view: View, find: FindBefore, after: int | None = None) -> dict[str, Any] | None:
    """The same as a document.

    Args:
        after: for a reader of records, who sees newest events only: a record that left the view later than this position
            is still shown as deleted. None: only the event that takes it out is.
    """
    document: dict[str, Any] = json.loads(entry.body)
    data = document.get("data")
    if view.has_rows and (data is None or not view.shows(data)):
        left = _left_at(entry, view, find, entry.position - 1 if after is None else after)
        if left is None:
            return None
        if data is not None:
            return view.withdraw(document, entry.participant)
    return view.reduce(document, entry.participant)


def _left_at(entry: Entry, view: View, find: FindBefore, after: int) -> int | None:
    """Where, later than a position, the record left the view that it is not in at `entry`; None when it did not.

    A walk of more events than `_LONGEST_WALK` is given up.
    """
    for _ in range(_LONGEST_WALK):
        before = find(entry) if entry.position > after else None
        if before is None:
            return None
        data = json.loads(before.body).get("data")
        if data is not None and view.shows(data):
            return entry.position
        entry = before
    return None
