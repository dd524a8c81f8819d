"""Reading by pull: what one caller may see of one contract, a page at a time.

Promise: personal data on a page stand in the disclosure log, on disk, before the page is handed back.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final

from fastapi import Depends, Request

from bus import clock, json
from bus.audit.disclose import Shown, of_shown, shown
from bus.audit.log import Channel
from bus.contracts.catalogue import ContractVersion
from bus.contracts.view import View
from bus.http.rooms import Rooms
from bus.http.security import caller
from bus.identity.scopes import Scope
from bus.identity.tokens import Principal
from bus.journal import Entry
from bus.journal.history import History
from bus.journal.lines import MOST_BYTES, Lines
from bus.journal.read import Stretch
from bus.journal.viewed import FindBefore, viewed_document
from bus.problem import Forbidden, NotFound

EventReader = Annotated[Principal, Depends(caller(Scope.EVENTS_READ))]
"""Who calls, with the scope to read events."""

NO_STORE: Final = {"Cache-Control": "no-store"}

_STEP: Final = 1000
_BUDGET: Final = 10_000
"""How many events one page looks at, where a view shows few of them."""

Read = Callable[[int, int, int], Stretch]
"""Reads at most so many entries of a contract behind a position."""
ReadLines = Callable[[int, int, int], Lines]
"""The same, for a reader who sees the events whole."""


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a list as its reader sees it.

    Attributes:
        text: the CloudEvents, JSON, with commas between them.
        lengths: of each.
        positions: where the same events stand in the journal.
        position: everything up to here was looked at.
        is_last: nothing stood behind it.
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


@dataclass(frozen=True, slots=True)
class Reading:
    """One caller's reading of one contract. Synchronous: call it from a thread."""

    rooms: Rooms
    contract: str
    caller: Principal
    channel: Channel

    @property
    def version(self) -> ContractVersion:
        """The newest version in force.

        Raises:
            NoSuchContract: none is.
        """
        return self.rooms.catalogue.newest(self.contract)

    def views(self) -> list[View]:
        """The caller's views of the versions in force, the newest version first.

        Raises:
            NoSuchContract: none is in force.
            NotGranted, GrantExpired: none shows the caller anything, as of now.
        """
        view_of = self._view
        found: list[View] = []
        refused: Forbidden | None = None
        for version in reversed(self.rooms.catalogue.in_force(self.contract) or [self.version]):
            try:
                found.append(view_of(version.id))
            except Forbidden as refusal:
                refused = refused or refusal
        if refused is not None and not found:
            raise refused
        return found

    def feed(self, after: int, limit: int) -> Page:
        """Events behind a position, in order; what is raised see `views`."""
        journal = self.rooms.journal
        return self._whole(journal.feed_lines, after, limit) or self._page(journal.feed, after, limit, None)

    def records(self, after: int, limit: int) -> Page:
        """The newest event of each record whose newest event is behind a position; what is raised see `views`."""
        journal = self.rooms.journal
        return self._whole(journal.record_lines, after, limit) or self._page(journal.records, after, limit, after)

    def record(self, key: str) -> tuple[bytes, tuple[Entry, View]] | None:
        """A record's newest event; None when there is none that the caller may see. It is not disclosed yet.

        A row filter judges it as it stands: one that left the caller's rows is not there.

        Raises:
            see `views`.
        """
        self.views()
        # No key has a NUL, and PostgreSQL takes none in a text.
        entry = self.rooms.journal.record(self.version.contract_id, key) if "\0" not in key else None
        view = self._view_or_none(entry.version_id) if entry else None
        if entry is None or view is None or not view.can_look_up_by_key:
            return None
        document = json.loads(entry.body)
        if document["data"] is None or not view.shows(document["data"]):
            return None
        return json.dumps(view.reduce(document, entry.participant)), (entry, view)

    def event(self, entry: Entry) -> tuple[bytes, View] | None:
        """One event of the contract; None when the caller may not see it. It is not disclosed yet."""
        view = self._view_or_none(entry.version_id)
        text = view and _text(entry, view, History(self.rooms.journal, [entry]).before, None)
        return (text, view) if text and view else None

    def disclose(self, entry: Entry, view: View) -> None:
        """Note, on disk, that the caller gets this event; nothing is noted of data that are about nobody."""
        self._disclose(shown([(entry, view)]))

    def _disclose(self, groups: Shown) -> None:
        found = of_shown(groups, self.rooms.catalogue, self.channel, self.caller.client_id)
        if found:
            self.rooms.disclosures.record(found)

    def _whole(self, read: ReadLines, after: int, limit: int) -> Page | None:
        """A page as it stands in the journal, unparsed; None when an event on it may not be shown whole."""
        if not all(view.is_whole for view in self.views()):
            return None
        lines = read(self.version.contract_id, after, limit)
        groups: dict[tuple[int, View], Sequence[int]] = {}
        for number, positions in lines.by_version.items():
            view = self._view_or_none(number)
            if view is None or not view.is_whole:
                return None
            groups[number, view] = positions
        self._disclose(groups)
        last = lines.positions[-1] if lines.positions else after
        position = max(last, lines.end) if lines.is_last else last
        return Page(lines.text, lines.lengths, lines.positions, position, lines.is_last)

    def _page(self, read: Read, after: int, limit: int, copies_up_to: int | None) -> Page:
        self.views()
        contract_id = self.version.contract_id
        # Asked before the entries are read: what stands up to here was there to be read.
        end = self.rooms.journal.last_position()
        texts, seen, position, is_last = self._scanned(
            lambda position, most: read(contract_id, position, most), after, limit, copies_up_to
        )
        self._disclose(shown(seen))
        positions = [entry.position for entry, _ in seen]
        position = max(position, end) if is_last else position
        return Page(b",".join(texts), [len(text) for text in texts], positions, position, is_last)

    def _scanned(
        self, read: Callable[[int, int], Stretch], after: int, limit: int, copies_up_to: int | None
    ) -> tuple[list[bytes], list[tuple[Entry, View]], int, bool]:
        """Read on until the page is full, the list ends, or the page has looked at enough.

        Returns:
            What is shown and of which events, the position of the last that was looked at, and whether the list ended.
        """
        view_of = cache(self._view_or_none)
        texts: list[bytes] = []
        seen: list[tuple[Entry, View]] = []
        position, looked_at, step, size = after, 0, limit, 0
        while looked_at < _BUDGET:
            entries, is_last = read(position, step)
            find = History(self.rooms.journal, entries).before
            for entry in entries:
                position = entry.position
                view = view_of(entry.version_id)
                text = None if view is None else _text(entry, view, find, copies_up_to)
                if view is not None and text is not None:
                    texts.append(text)
                    seen.append((entry, view))
                    size += len(text)
                    if len(texts) == limit or size >= MOST_BYTES:
                        return texts, seen, position, False
            if is_last:
                return texts, seen, position, True
            looked_at += len(entries)
            step = _STEP
        return texts, seen, position, False

    def _view(self, version_id: int) -> View:
        today = clock.local_date(clock.now())
        return self.rooms.catalogue.view(self.contract, self.caller.participant, version_id, today)

    def _view_or_none(self, version_id: int) -> View | None:
        """The view of events of a version; None where nothing grants them (any more)."""
        try:
            return self._view(version_id)
        except (Forbidden, NotFound):
            return None


def _text(entry: Entry, view: View, find: FindBefore, copies_up_to: int | None) -> bytes | None:
    """The CloudEvent through a view.

    Args:
        copies_up_to: of a reader of records, the position up to which it may hold copies (see `viewed_document`).
    """
    if view.is_whole:
        return entry.body
    document = viewed_document(entry, view, find, copies_up_to)
    return None if document is None else json.dumps(document)


def listed(name: bytes, page: Page, following: str) -> tuple[bytes, bytes, bytes]:
    """The document `{name: [events…], "next": following}`, in parts: a page may be megabytes, which are better not copied."""
    return b'{"%b":[' % name, page.text, b'],"next":%b}' % json.dumps(following)


def wanted(request: Request, *media_types: str) -> str | None:
    """The first of the Accept header's media types that is among some; None when JSON stands before it, or none does."""
    for media_type in _accepted(request):
        if media_type in media_types:
            return media_type
        if media_type in ("application/json", "*/*"):
            return None
    return None


def _accepted(request: Request) -> Iterator[str]:
    for part in request.headers.get("accept", "").split(","):
        yield part.partition(";")[0].strip().lower()
