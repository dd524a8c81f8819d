"""A page of events as its reader sees it, and the page in the making. The latter says when to stop reading."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bus.contracts import View
from bus.journal import MOST_BYTES, Entry

_STEP: Final = 1000
_BUDGET: Final = 10_000
"""Events that are read for one page, if the view shows few of them."""
_MOST_LOOKED_AT: Final = 16 * MOST_BYTES
"""Bytes of the bodies of these events."""


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a list as its reader sees it.

    Attributes:
        text: the CloudEvents, JSON, with commas between them.
        lengths: the length of each event, in bytes.
        positions: the positions of the same events in the journal.
        position: the page covers the journal up to here.
        is_last: no further event stood behind it.
    """

    text: bytes
    lengths: Sequence[int]
    positions: Sequence[int]
    position: int
    is_last: bool

    @property
    def texts(self) -> Iterator[bytes]:
        """The events one by one."""
        start = 0
        for length in self.lengths:
            yield self.text[start : start + length]
            start += length + 1


class Scan:
    """A page in the making, for a view that hides events or fields. Entries are read until the page is full, or enough were read.

    Attributes:
        position: the position of the last entry that was read.
        step: how many entries to read next.
        seen: the entries that are shown, with their views. Without their bodies, which may be megabytes each.
        is_full: no further event fits on the page.
        is_done: nothing more must be read for the page.
    """

    def __init__(self, after: int, limit: int) -> None:
        self.position = after
        self.step = limit
        self.seen: list[tuple[Entry, View]] = []
        self.is_full = self.is_done = False
        self._limit = limit
        self._texts: list[bytes] = []
        self._size = self._looked_at = self._bytes_looked_at = 0
        self._is_last = False

    def charge(self, size: int) -> bool:
        """Count an event of `size` bytes as read. Returns whether that is enough for a page."""
        self._looked_at += 1
        self._bytes_looked_at += size
        return self.is_spent

    @property
    def is_spent(self) -> bool:
        """Whether enough was read for a page."""
        return self._looked_at >= _BUDGET or self._bytes_looked_at >= _MOST_LOOKED_AT

    def take(self, entry: Entry, view: View | None, text: bytes | None, shown: Entry | None = None) -> None:
        """Take an entry that was read. `text` is what the reader sees of it, or of `shown` in its place."""
        self.position = entry.position
        if view is None or text is None:
            return
        self._texts.append(text)
        self.seen.append(((shown or entry)._replace(body=b""), view))
        self._size += len(text)
        self.is_full = len(self._texts) == self._limit or self._size >= MOST_BYTES

    def end_step(self, entries: Sequence[Entry], *, is_last: bool) -> None:
        """End a step that read some entries; `is_last`: the list ends with it."""
        for entry in entries:
            self.charge(len(entry.body))
        self._is_last = is_last and not self.is_full
        self.step = _STEP
        self.is_done = self.is_full or is_last or self.is_spent

    def page(self, end: int) -> Page:
        """The page; `end` is the journal's end before the first step."""
        positions = [entry.position for entry, _ in self.seen]
        position = max(self.position, end) if self._is_last else self.position
        return Page(b",".join(self._texts), [len(text) for text in self._texts], positions, position, self._is_last)
