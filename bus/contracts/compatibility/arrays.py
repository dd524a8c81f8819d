"""Arrays: decides which items must exist, where they may stand, and what each must be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from bus.contracts.compatibility.answers import NOTHING, Answer, Found, Nothing, Unknown, first
from bus.contracts.compatibility.logic import (
    Atom,
    Count,
    EveryItem,
    Formula,
    Goal,
    Size,
    SomeItem,
    Unique,
    one_of,
)
from bus.contracts.compatibility.sizes import bounds

if TYPE_CHECKING:
    from bus.contracts.compatibility.search import Search

_LONGEST = 2_000
_MOST_WITNESSES = 20


def decide(atoms: Iterable[Atom], search: "Search") -> Answer:
    """An array that meets the atoms."""
    return _Array(frozenset(atoms), search).decide()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An item that must exist, at some index from `start` up to `stop`.

    Attributes:
        crowd: items with the same number here must stand at different indexes.
    """

    start: int
    stop: int | None
    what: Formula
    crowd: int = -1


Placed = dict[int, tuple[_Wanted, ...]]
"""The wanted items by their indexes."""


class _Array:
    def __init__(self, atoms: frozenset[Atom], search: "Search") -> None:
        self._atoms = atoms
        self._search = search
        self._least, self._most = bounds(atom for atom in atoms if isinstance(atom, Size))
        self._every = [atom for atom in atoms if isinstance(atom, EveryItem)]
        self._is_unique = Unique(True) in atoms
        self._limited = [atom for atom in atoms if isinstance(atom, Count) and atom.upper]
        self._wanted = list(self._list_wanted())
        placed: list[EveryItem | _Wanted] = [*self._every, *self._wanted]
        edges = [edge for atom in placed for edge in (atom.start, atom.stop) if edge is not None]
        # From this index on, all places are alike.
        self._alike = max(edges, default=0)

    def _list_wanted(self) -> Iterator[_Wanted]:
        for number, atom in enumerate(self._atoms):
            if isinstance(atom, SomeItem):
                yield _Wanted(atom.start, atom.stop, atom.what)
            elif isinstance(atom, Count) and not atom.upper:
                yield from (_Wanted(0, None, atom.what, number) for _ in range(min(atom.limit, _MOST_WITNESSES)))

    def decide(self) -> Answer:
        if self._most is not None and self._least > self._most:
            return NOTHING
        if max(self._least, self._alike) > _LONGEST:
            return Unknown(f"only arrays of more than {_LONGEST} items could show it")
        if Unique(False) not in self._atoms:
            return first(self._build(placed, None) for placed in self._place_wanted(0, {}))
        pairs = list(combinations(range(self._alike + len(self._wanted) + 2), 2))
        return first(self._build(placed, pair) for placed in self._place_wanted(0, {}) for pair in pairs)

    def _place_wanted(self, number: int, placed: Placed) -> Iterator[Placed]:
        """Every way to place the wanted items."""
        if number == len(self._wanted):
            yield placed
            return
        wanted = self._wanted[number]
        stop = self._alike + len(self._wanted)
        # The items of a crowd are alike, so one order of them is enough.
        crowd = [index for index, those in placed.items() if any(one.crowd == wanted.crowd >= 0 for one in those)]
        start = max((wanted.start, *(index + 1 for index in crowd)))
        for index in range(start, stop if wanted.stop is None else min(wanted.stop, stop)):
            self._search.budget.spend()
            yield from self._place_wanted(number + 1, {**placed, index: (*placed.get(index, ()), wanted)})

    def _make_goal(self, index: int, placed: Placed) -> Goal:
        everywhere = (
            atom.what for atom in self._every if atom.start <= index and (atom.stop is None or index < atom.stop)
        )
        return frozenset((*everywhere, *(wanted.what for wanted in placed.get(index, ()))))

    def _build(self, placed: Placed, pair: tuple[int, int] | None) -> Answer:
        """The array with the wanted items at their places, and with two equal items if they are wanted."""
        length = max((self._least, *(index + 1 for index in (*placed, *(pair or ())))))
        if self._most is not None and length > self._most:
            return NOTHING
        goals = {index: self._make_goal(index, placed) for index in range(length)}
        if pair:
            goals[pair[0]] = goals[pair[1]] = goals[pair[0]] | goals[pair[1]]
        if any(self._are_too_many(limited, goals.values()) for limited in self._limited):
            return NOTHING
        items: list[Any] = []
        doubt: Answer | None = None
        for index, goal in goals.items():
            twin = pair[0] if pair and index == pair[1] else None
            item = self._find_item(goal, index in placed, items) if twin is None else Found(items[twin])
            if isinstance(item, Nothing):
                return NOTHING
            if isinstance(item, Unknown):
                doubt = item
            items.append(item.value if isinstance(item, Found) else None)
        if doubt is not None:
            return doubt
        return self._judge(items)

    def _are_too_many(self, limited: Count, goals: Iterable[Goal]) -> bool:
        """Whether more items must be of a form than `limited` allows."""
        other = limited.what.negated()
        return sum(isinstance(self._search.find(goal | {other}), Nothing) for goal in goals) > limited.limit

    def _find_item(self, goal: Goal, is_wanted: bool, before: list[Any]) -> Answer:
        self._search.budget.spend()
        answer = self._search.find(goal)
        if not isinstance(answer, Found):
            return answer
        wishes: list[Formula] = [] if is_wanted else [limited.what.negated() for limited in self._limited]
        if self._is_unique and before:
            wishes.append(one_of(before, positive=False))
        if wishes:
            better = self._search.find(goal | frozenset(wishes))
            return better if isinstance(better, Found) else answer
        return answer

    def _judge(self, items: list[Any]) -> Answer:
        if self._search.truth.all_hold(self._atoms, items):
            return Found(items)
        return Unknown("no array was found that meets the rules for its items together")
