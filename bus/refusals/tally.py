"""The tally: it counts this process's refusals in memory, with a bound on the different refusals of an hour.

Promise: the waiting counts stay small, however many events are refused and for however many reasons. One client's refusals leave
room for those of other clients. A refusal without room is counted without its place, or else without its sender.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bus.refusals.refusal import Refusal

_OF_A_CLIENT: Final = 100
"""Rows with places that one client may have in an hour of one process."""
_WITH_PLACE: Final = 400
"""Rows with places that all clients together may have in an hour of one process."""
_ANY: Final = 500
"""Rows, with places or without, that all clients together may have in an hour of one process."""
_WAITING: Final = 5_000
"""Rows that may wait for the database."""


@dataclass(frozen=True, slots=True)
class Count:
    """The number of a refusal's occurrences, and their first and last time.

    Attributes:
        count: how often the rule was broken at the place.
        events: how many events count in this row and in no other. The sum over all rows is the number of refused events.
        first_at: the first time, in microseconds since 1970.
        last_at: the last time, in microseconds since 1970.
    """

    count: int
    events: int
    first_at: int
    last_at: int

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.count + other.count,
            self.events + other.events,
            min(self.first_at, other.first_at),
            max(self.last_at, other.last_at),
        )


class Tally:
    """Counts refusals until `take` hands them out. Belongs to one thread."""

    def __init__(self) -> None:
        self._hour = 0
        self._known: set[Refusal] = set()
        self._of_client: Counter[str] = Counter()
        self._waiting: dict[Refusal, Count] = {}

    def count(self, refusals: Iterable[Refusal], at: int) -> None:
        """Count one refused event.

        Args:
            refusals: one refusal for each broken rule at each place.
            at: the time, in microseconds since 1970.
        """
        events = 1
        for refusal in dict.fromkeys(self._admit(refusal) for refusal in refusals):
            self._add(refusal, Count(1, events, at, at))
            events = 0

    def take(self) -> Mapping[Refusal, Count]:
        """The counts since the last call. The tally then forgets them."""
        taken, self._waiting = self._waiting, {}
        return taken

    def put_back(self, taken: Mapping[Refusal, Count]) -> None:
        """Count refusals again that `take` handed out and that could not be written."""
        for refusal, count in taken.items():
            self._add(refusal, count)

    def _add(self, refusal: Refusal, count: Count) -> None:
        before = self._waiting.get(refusal)
        self._waiting[refusal] = before + count if before else count

    def _admit(self, refusal: Refusal) -> Refusal:
        """The refusal as the tally counts it: whole if there is room, else without its place or without its sender."""
        if refusal.hour != self._hour:
            self._hour, self._known, self._of_client = refusal.hour, set(), Counter()
        if refusal in self._known or self._has_room(refusal, _WITH_PLACE, _OF_A_CLIENT):
            return self._keep(refusal)
        placeless = refusal.without_place()
        if placeless in self._known or self._has_room(placeless, _ANY, _OF_A_CLIENT + _ANY - _WITH_PLACE):
            return self._keep(placeless)
        return refusal.without_sender()

    def _has_room(self, refusal: Refusal, most: int, most_of_client: int) -> bool:
        return (
            len(self._known) < most
            and self._of_client[refusal.client_id] < most_of_client
            and len(self._waiting) < _WAITING
        )

    def _keep(self, refusal: Refusal) -> Refusal:
        if refusal not in self._known:
            self._known.add(refusal)
            self._of_client[refusal.client_id] += 1
        return refusal
