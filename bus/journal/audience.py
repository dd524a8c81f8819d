"""Audiences: the waiting readers of one contract who see the same of it. An event wakes only the audiences that may see it."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Final, NamedTuple

from bus import json
from bus.contracts import View
from bus.journal.entries import Entry
from bus.journal.history import Entries, History

_MOST_JUDGED: Final = 100
"""Events of one contract that are judged together. If more come at once, every audience is woken: each has far to go."""

FindView = Callable[[int], View | None]
"""Finds the view of a contract version's events; None: nothing of them is shown. Synchronous."""


class Sight(NamedTuple):
    """What a reader waits for.

    Attributes:
        contract_id: the number of the contract.
        participant: the reader's participant. All its readers see the same.
        find_view: finds the participant's view, if it shows some events and hides others; None: every event wakes the reader.
            Called in a thread.
    """

    contract_id: int
    participant: str
    find_view: FindView | None = None


class Audience:
    """The readers of one participant that wait for one contract. Belongs to one event loop.

    Attributes:
        find_view: see `Sight`.
        latest: the position of the newest event that the audience may see.
        waiting: the readers; each is woken by its future.
    """

    __slots__ = ("find_view", "latest", "waiting")

    def __init__(self, find_view: FindView | None, latest: int) -> None:
        self.find_view = find_view
        self.latest = latest
        self.waiting: set[asyncio.Future[None]] = set()

    def wake(self, position: int) -> None:
        """Note an event that the audience may see, and wake all its readers."""
        self.latest = position
        for woken in self.waiting:
            if not woken.done():
                woken.set_result(None)


class _Candidate:
    """An event that audiences may see. Its data are parsed once for all of them."""

    def __init__(self, entry: Entry, history: History) -> None:
        self._history = history
        self.entry = entry

    def is_shown(self, view: View | None) -> bool:
        """Whether a view shows the event, or shows it as the record's departure; see `viewed.py`."""
        if view is None:
            return False
        if not view.has_rows or view.shows(self._data):
            return True
        return self._data_before is not None and view.shows(self._data_before)

    @cached_property
    def _data(self) -> Any:
        return json.loads(self.entry.body).get("data")

    @cached_property
    def _data_before(self) -> Any:
        before = self._history.before(self.entry)
        return None if before is None else json.loads(before.body).get("data")


def find_news(
    journal: Entries, positions: Sequence[int], audiences: Collection[Audience]
) -> Mapping[Audience, int | None]:
    """The newest of some events of a contract that each audience may see; None: it may see none of them.

    Synchronous: it reads the events, if an audience may see only some.

    Args:
        positions: of the events, in order.

    Raises:
        EventsDeleted: retention deleted one of the events.
    """
    newest = positions[-1]
    judging = {one: cache(one.find_view) for one in audiences if one.find_view is not None}
    found: dict[Audience, int | None] = {one: None if one in judging else newest for one in audiences}
    if len(positions) > _MOST_JUDGED:
        return dict.fromkeys(audiences, newest)
    left = positions[::-1]
    while left and judging:
        piece = journal.piece(left)
        history = History(journal, piece.values())
        candidates = [_Candidate(piece[position], history) for position in left[: len(piece)]]
        found |= {audience: _find_first(candidates, find_view) for audience, find_view in judging.items()}
        judging = {audience: find_view for audience, find_view in judging.items() if found[audience] is None}
        left = left[len(piece) :]
    return found


def _find_first(candidates: Iterable[_Candidate], find_view: FindView) -> int | None:
    """The position of the first candidate that a reader may see."""
    return next((one.entry.position for one in candidates if one.is_shown(find_view(one.entry.version_id))), None)
