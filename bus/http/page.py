"""Reading by pull: what one caller may see of one contract, a page at a time.

Promise: before a page with personal data is returned, its disclosure is on disk.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from time import perf_counter
from typing import Annotated, Final, NoReturn, TypeVar
from urllib.parse import quote

from fastapi import Depends

from bus import clock, json
from bus.contracts import ContractVersion, View, Wanted, WantedRows, find_single_values
from bus.disclosures import Channel, Shown, group_shown, make_group_disclosures
from bus.heavy import Steps
from bus.http.cursors import CursorGone, EventsGone, FeedPlace, Place, StateTooOld, write_feed_place
from bus.http.rooms import Rooms
from bus.http.scan import Page, Scan
from bus.http.sealed_cursors import is_sealed, make_cursor_key, seal_cursor, unseal_cursor
from bus.http.security import caller
from bus.identity import Principal, Scope
from bus.journal import Entry, History, Horizon, Lines, RecordState, Stretch, Walk, apply_view, departure, standing
from bus.problem import Forbidden, NotFound

EventReader = Annotated[Principal, Depends(caller(Scope.EVENTS_READ))]
"""The caller, whose token has the scope to read events."""

T = TypeVar("T")

NO_STORE: Final = {"Cache-Control": "no-store"}

_FAR: Final = 1_000_000
"""Events after the head of a pass, from which on the pass gets a new head."""
_TOGETHER: Final = 100
"""Records whose histories are searched together."""

_RESTORED: Final = "The bus was restored to an earlier state."
_DELETED: Final = "The contract does not keep events for so long: some behind this cursor were deleted."

_SLICE_SECONDS: Final = 0.01
"""Time for which a page of a view that cuts is read before other work has a turn."""

Read = Callable[[int, int], Stretch]
"""Reads entries of a contract, given a position to begin after, and the most entries."""
ReadLines = Callable[[], Lines | None]
"""Reads lines, for a reader that sees events whole; None: the events come as entries alone."""


Look = Callable[[Scan, Sequence[Entry]], Steps[None]]
"""Looks at entries for a page until it is full."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One caller's reading of one contract. Synchronous, except `read`: call it from a thread.

    Attributes:
        wanted: what the caller wants of what its grant shows; None: all.
    """

    rooms: Rooms
    contract: str
    caller: Principal
    channel: Channel
    wanted: Wanted | None = None
    _narrowed: dict[int, tuple[View, View]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def version(self) -> ContractVersion:
        """The newest version in force.

        Raises:
            NoSuchContract: no version is in force.
        """
        return self.rooms.catalogue.newest(self.contract)

    def views(self) -> list[View]:
        """The caller's views of the versions in force, the newest version first.

        Raises:
            NoSuchContract: no version is in force.
            NotGranted, GrantExpired: no version shows the caller anything now.
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

    @property
    def sees_every_record(self) -> bool:
        """Whether the caller sees something of every record, deletions too. Raises what `views` raises."""
        views = self.views()
        # A version that is not in force is seen through the newest version's grant.
        return len(views) == len(self.rooms.catalogue.in_force(self.contract)) and not any(
            view.has_rows for view in views
        )

    def seal(self, cursor: str) -> str:
        """A cursor of the contract, sealed if the caller does not see every event.

        A plain cursor names a position. Behind a page that hides events, it would tell when hidden events came, and how many.
        Raises what `views` raises.
        """
        return cursor if self.sees_every_record else seal_cursor(self._cursor_key, cursor)

    def unseal(self, cursor: str) -> str:
        """The plain cursor. Raises `CursorInvalid` if it was sealed for somebody else."""
        return unseal_cursor(self._cursor_key, cursor) if is_sealed(cursor) else cursor

    @property
    def _cursor_key(self) -> bytes:
        return make_cursor_key(self.rooms.keys.pseudonym, self.contract, self.caller.participant)

    def begin_feed(self) -> FeedPlace:
        """The place at the beginning of the feed, of what is left of it."""
        told = self.rooms.journal.horizon(self.version.contract_id).whole
        return FeedPlace(0, told, self.rooms.epochs.current)

    def check_feed(self, place: FeedPlace) -> FeedPlace:
        """The same place in the present epoch.

        Raises:
            EventsGone: events behind the place were deleted, and the reader does not know; or a restore undid the place.
        """
        horizon = self.rooms.journal.horizon(self.version.contract_id)
        current = self.rooms.epochs.current
        common = min(self.rooms.epochs.find_common(place.epoch, place.position), horizon.end)
        if common < place.position:
            self._refuse_feed(_RESTORED, FeedPlace(common, max(horizon.whole, common), current))
        told = place.told if place.epoch == current else 0
        if max(place.position, told) < horizon.whole:
            self._refuse_feed(_DELETED, FeedPlace(place.position, horizon.whole, current))
        return FeedPlace(place.position, told, current)

    def _refuse_feed(self, why: str, following: FeedPlace) -> NoReturn:
        cursor = self.seal(write_feed_place(self.contract, following))
        raise EventsGone(f"{why} `next` goes on with what is there.", next=cursor)

    def feed(self, after: int, limit: int) -> Steps[Page]:
        """Events after a position, in order, read in steps. Call `check_feed` then. Raises what `views` raises."""
        self.views()
        journal, contract_id = self.rooms.journal, self.version.contract_id
        page = self._whole(partial(journal.feed_lines, contract_id, after, limit), after)
        if page is not None:
            return page
        # Read before the entries, so the entries include everything up to here.
        end = journal.last_position()
        yield
        return (yield from self._page(partial(journal.feed, contract_id), after, limit, self._scanned, end))

    def find_state(self, place: Place) -> Steps[tuple[RecordState, Place]]:
        """The records' state that a pass shows, and the place in the pass. Found in steps.

        A pass that began long ago gets a new head. So it need not look for all that happened since. It then shows some records
        again, and misses none.

        Raises:
            CursorGone: a restore undid the place, or what happened since was deleted.
        """
        horizon = self.check_records(place)
        is_old = not place.head or horizon.end - place.head > _FAR or place.head < horizon.whole
        state = self.rooms.journal.records(self.version.contract_id, None if is_old else place.head)
        while state.note_changes(place.position):
            yield
        return state, place._replace(head=state.head, epoch=self.rooms.epochs.current)

    def check_records(self, place: Place) -> Horizon:
        """The contract's horizon, if a reader at a place misses nothing. Call it again after each read from the place.

        Raises:
            CursorGone: a restore undid the place, or what happened since was deleted.
        """
        horizon = self.rooms.journal.horizon(self.version.contract_id)
        furthest = max(place.position, place.head)
        epochs = self.rooms.epochs
        is_undone = furthest > min(epochs.find_common(place.epoch, furthest), horizon.end)
        # A `sequence` does not name the state of its stream. That state may be one that the restore undid.
        is_unsure = place.is_sequence and place.epoch < epochs.current and epochs.began_lately(clock.now())
        if is_undone or is_unsure:
            self.refuse_cursor(_RESTORED)
        # Who sees all records misses only those whose deletion is gone. A row filter also needs the events by which they left.
        gone = horizon.deletions if self.sees_every_record else horizon.whole
        # A `sequence` does not name the cursor of its stream either. Events that this reader needs may be older than both.
        is_unsure = place.is_sequence and not self.sees_every_record and gone > 0
        if 0 < place.known < gone or is_unsure:
            self.refuse_cursor(_DELETED)
        return horizon

    def find_past(self, place: Place) -> RecordState:
        """The records' state at a place.

        Raises:
            CursorGone: a restore undid the place, or events of this state were deleted.
            StateTooOld: too much happened since.
        """
        horizon = self.rooms.journal.horizon(self.version.contract_id)
        head = place.position
        if head > min(self.rooms.epochs.find_common(place.epoch, head), horizon.end):
            self.refuse_cursor(_RESTORED)
        if head < horizon.whole:
            self.refuse_cursor(_DELETED)
        if horizon.end - head > _FAR:
            raise StateTooOld(f"More than {_FAR:,} events came since; read the changes first.")
        return self.rooms.journal.records(self.version.contract_id, head)

    def check_history(self, epoch: int, position: int, *, is_there: bool) -> None:
        """Refuse a place in a history that a restore undid, or whose event was deleted.

        Raises:
            CursorGone: begin without a cursor.
        """
        if self.rooms.epochs.find_common(epoch, position) < position:
            self.refuse_cursor(_RESTORED)
        if not is_there and position <= self.rooms.journal.horizon(self.version.contract_id).whole:
            self.refuse_cursor(_DELETED)

    def refuse_cursor(self, why: str) -> NoReturn:
        """Refuse a cursor of records, with the way back."""
        address = f"/v1/records/{quote(self.contract, safe='')}"
        raise CursorGone(f"{why} Begin without a cursor, and replace your copy.", restart=address)

    def records(self, state: RecordState, place: Place, limit: int) -> Steps[Page]:
        """The records of a state behind a place. Read in steps. Raises what `views` raises."""
        page = self._whole(partial(state.read_lines, place.position, limit), place.position)
        if page is not None:
            return page
        look = partial(self._scanned_records, place.begun)
        rows = self._find_choosing()
        journal, contract_id = self.rooms.journal, self.version.contract_id
        chosen = journal.choose_records(contract_id, state, rows, place.position) if rows else state
        return (yield from self._page(chosen.read, place.position, limit, look, state.head))

    def _find_choosing(self) -> Sequence[WantedRows]:
        """The filters by which the index may choose records. Raises what `views` raises.

        By the reader's own filter, the index would also find records that the reader may not see. The time that it takes to pass
        them by would tell that they are there. So beside a grant with rows, the grant's rows choose.
        """
        wanted, views = self.wanted.rows if self.wanted is not None else (), self.views()
        if not wanted or not all(view.filters_by(one.pointer) for view in views for one in wanted):
            return ()
        granted = [view.grant.rows for view in views]
        if not any(granted):
            return wanted
        return find_single_values(granted[0]) if all(rows == granted[0] for rows in granted) else ()

    async def read(self, steps: Steps[T]) -> T:
        """The result of steps. Each step is a turn of the caller's."""
        return await self.rooms.reading.run_steps(steps, who=self.caller.participant)

    async def read_woken(self, steps: Steps[T]) -> T:
        """As `read`, for a reader that waited. Thousands may have waited for the same event: it is not refused for that."""
        return await self.rooms.reading.run_woken(steps, who=self.caller.participant)

    def record(self, key: str) -> tuple[bytes, tuple[Entry, View]] | None:
        """A record's newest event; None: the caller may see no such record. It is not disclosed yet.

        A row filter judges the newest event: a record that left the caller's rows does not exist for it.

        Raises what `views` raises.
        """
        self.views()
        # No key has a NUL, and PostgreSQL allows none in a text.
        entry = self.rooms.journal.record(self.version.contract_id, key) if "\0" not in key else None
        view = self.view_or_none(entry.version_id) if entry else None
        if entry is None or view is None or not view.can_look_up_by_key:
            return None
        document = json.loads(entry.body)
        if document["data"] is None or not view.shows(document["data"]):
            return None
        return json.dumps(view.reduce(document, entry.participant)), (entry, view)

    def event(self, entry: Entry) -> tuple[bytes, View] | None:
        """One event of the contract; None: the caller may not see it. It is not disclosed yet."""
        view = self.view_or_none(entry.version_id)
        text = apply_view(entry, view, History(self.rooms.journal, [entry]).before) if view is not None else None
        return (text, view) if text and view else None

    def disclose(self, entry: Entry, view: View) -> None:
        """Write to disk that the caller gets this event. Does nothing if the data are about nobody."""
        self.disclose_all([(entry, view)])

    def disclose_all(self, shown: Iterable[tuple[Entry, View]]) -> None:
        """Write to disk that the caller gets these events. Does nothing if the data are about nobody."""
        self._disclose(group_shown(shown))

    def _disclose(self, groups: Shown) -> None:
        self.rooms.pulled.note(self.contract, self.caller.participant, sum(map(len, groups.values())))
        found = make_group_disclosures(groups, self.rooms.catalogue, self.channel, self.caller.client_id)
        if found:
            self.rooms.disclosures.record(found)

    def _whole(self, read: ReadLines, after: int) -> Page | None:
        """A page of unparsed events from the journal; None: an event on it may not be shown whole."""
        if not all(view.is_whole for view in self.views()):
            return None
        lines = read()
        if lines is None:
            return None
        groups: dict[tuple[int, View], Sequence[int]] = {}
        for number, positions in lines.by_version.items():
            view = self.view_or_none(number)
            if view is None or not view.is_whole:
                return None
            groups[number, view] = positions
        self._disclose(groups)
        last = lines.positions[-1] if lines.positions else after
        position = max(last, lines.end) if lines.is_last else last
        return Page(lines.text, lines.lengths, lines.positions, position, lines.is_last)

    def _page(self, read: Read, after: int, limit: int, look: Look, end: int) -> Steps[Page]:
        scan = Scan(after, limit)
        while not scan.is_done:
            entries, is_last = read(scan.position, scan.step)
            yield from look(scan, entries)
            scan.end_step(entries, is_last=is_last)
        self._disclose(group_shown(scan.seen))
        return scan.page(end)

    def _scanned(self, scan: Scan, entries: Sequence[Entry]) -> Steps[None]:
        """Look at entries until the page is full."""
        view_of = cache(self.view_or_none)
        find = History(self.rooms.journal, entries).before
        until = perf_counter() + _SLICE_SECONDS
        for entry in entries:
            view = view_of(entry.version_id)
            scan.take(entry, view, apply_view(entry, view, find) if view is not None else None)
            if scan.is_full:
                return
            if perf_counter() >= until:
                yield
                until = perf_counter() + _SLICE_SECONDS

    def _scanned_records(self, begun: int, scan: Scan, entries: Sequence[Entry]) -> Steps[None]:
        """As `_scanned`, for newest events, with the departures of records that left the rows since the pass began."""
        view_of = cache(self.view_or_none)
        for start in range(0, len(entries), _TOGETHER):
            looked_at: list[tuple[Entry, View | None, bytes | None]] = []
            until = perf_counter() + _SLICE_SECONDS
            for entry in entries[start : start + _TOGETHER]:
                view = view_of(entry.version_id)
                looked_at.append((entry, view, standing(entry, view) if view is not None else None))
                if perf_counter() >= until:
                    yield
                    until = perf_counter() + _SLICE_SECONDS
            outside = [(entry, view) for entry, view, text in looked_at if view is not None and text is None]
            walk = Walk(self.rooms.journal, outside, begun, scan.charge)
            yield from walk.run()
            yield from self._taken(scan, looked_at, walk)
            scan.is_full = scan.is_full or scan.is_spent
            if scan.is_full:
                return

    def _taken(
        self, scan: Scan, looked_at: Sequence[tuple[Entry, View | None, bytes | None]], walk: Walk
    ) -> Steps[None]:
        for entry, view, text in looked_at:
            if scan.is_full or entry.position == walk.unfinished:
                scan.is_full = True
                return
            left = walk.left.get(entry.position)
            if view is None or left is None:
                scan.take(entry, view, text)
                continue
            leaving = entry if left == entry.position else self.rooms.journal.piece([left])[left]
            scan.take(entry, view, departure(leaving, view), leaving)
            yield

    def _view(self, version_id: int) -> View:
        today = clock.today()
        asked = self.contract, self.caller.participant, version_id, today
        view = self.rooms.catalogue.view(*asked)
        if self.wanted is None:
            return view
        made = self._narrowed.get(version_id)
        if made is None or made[0] is not view:
            made = self._narrowed[version_id] = view, self.rooms.catalogue.view(*asked, self.wanted)
        return made[1]

    def view_or_none(self, version_id: int) -> View | None:
        """The view of a version's events; None: no grant shows them any more."""
        try:
            return self._view(version_id)
        except (Forbidden, NotFound):
            return None
