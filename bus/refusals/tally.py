"""The tally: refusals of this process counted in memory, with a bound on how many kinds of them an hour may have.

Promise: however many events are refused, and for however many reasons, what waits to be written stays small, and one
client's refusals do not crowd out another's. What finds no room is counted without its place, then without its sender.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bus.refusals.refusal import Refusal

_OF_A_CLIENT: Final = 100
_WITH_PLACE: Final = 400
_ANY: Final = 500
_WAITING: Final = 5_000
"""Rows: what an hour of one process may have of one client, with places and in all; and what may wait for the database."""


@dataclass(frozen=True, slots=True)
class Count:
    """How often and when.

    Attributes:
        events: those that no other row of the same event counts; over all rows they add up to the events refused.
        first_at, last_at: microseconds since 1970.
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
    """Counts what was refused until it is taken. Belongs to one thread."""

    def __init__(self) -> None:
        self._hour = 0
        self._known: set[Refusal] = set()
        self._of_client: Counter[str] = Counter()
        self._waiting: dict[Refusal, Count] = {}

    def count(self, refusals: Iterable[Refusal], at: int) -> None:
        """Count one event's refusal.

        Args:
            refusals: one for each rule that it broke at each place.
            at: microseconds since 1970.
        """
        events = 1
        for refusal in dict.fromkeys(self._admit(refusal) for refusal in refusals):
            self._add(refusal, Count(1, events, at, at))
            events = 0

    def take(self) -> Mapping[Refusal, Count]:
        """What was counted since the last time."""
        taken, self._waiting = self._waiting, {}
        return taken

    def put_back(self, taken: Mapping[Refusal, Count]) -> None:
        """Count again what was taken and could not be written."""
        for refusal, count in taken.items():
            self._add(refusal, count)

    def _add(self, refusal: Refusal, count: Count) -> None:
        before = self._waiting.get(refusal)
        self._waiting[refusal] = before + count if before else count

    def _admit(self, refusal: Refusal) -> Refusal:
        """What a refusal is counted as, now that others have taken their room."""
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
