"""Automata over strings: find a string that meets several constraints, such as patterns and lengths, or prove there is none.

Each constraint is a deterministic automaton. Its states are made when a walk reaches them. A walk through all automata together
finds exactly the strings that meet all constraints.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from bus.contracts.compatibility.budget import Budget, Undecided
from bus.contracts.expressions import (
    ANY,
    Anchor,
    Chars,
    Choice,
    Expression,
    Ranges,
    Repeat,
    parse,
)
from bus.contracts.expressions import Sequence as Chain

_MOST_STATES = 20_000
_LAST = 0x10FFFF
_WELCOME = "xa0A1-_. "
"""Characters that are easy to read in an example, best first."""


class Automaton(Protocol):
    """One constraint on a string. States are numbers from 0, the first one."""

    def step(self, state: int, char: int) -> int:
        """The state after one more character."""
        ...

    def accepts(self, state: int) -> bool:
        """Whether the string may end here."""
        ...

    def borders(self, state: int) -> Iterable[int]:
        """The code points where, in this state, a range of characters with the same next state begins."""
        ...


@dataclass(slots=True)
class _Place:
    """A state of the nondeterministic automaton."""

    free: list[int]
    at_start: list[int]
    at_end: list[int]
    ranges: Ranges = ()
    then: int = -1


class Pattern:
    """The automaton of the strings that match a pattern somewhere."""

    def __init__(self, pattern: str, budget: Budget) -> None:
        """Build the automaton.

        Raises:
            Undecided: the pattern is too large.
        """
        self._budget = budget
        self._places: list[_Place] = []
        self._end = self._place()
        first = self._build(parse(pattern), self._end)
        # JSON Schema searches for a pattern: any characters may stand before a match.
        loop = self._place(ANY)
        self._places[loop].then = start = self._place()
        self._places[start].free += [first, loop]
        self._sets: list[frozenset[int]] = []
        self._numbers: dict[frozenset[int], int] = {}
        self._steps: dict[tuple[int, int], int] = {}
        self._borders: dict[int, tuple[int, ...]] = {}
        self._number(self._close([start], at_start=True))

    def step(self, state: int, char: int) -> int:
        if (state, char) not in self._steps:
            self._steps[state, char] = self._step(state, char)
        return self._steps[state, char]

    def _step(self, state: int, char: int) -> int:
        places = self._sets[state]
        if self._end in places:
            return state
        moved = frozenset(
            self._places[place].then
            for place in places
            if any(low <= char <= high for low, high in self._places[place].ranges)
        )
        return self._number(self._close(moved))

    def accepts(self, state: int) -> bool:
        return self._end in self._close(self._sets[state], at_end=True)

    def borders(self, state: int) -> tuple[int, ...]:
        if state not in self._borders:
            ranges = [part for place in self._sets[state] for part in self._places[place].ranges]
            self._borders[state] = tuple({edge for low, high in ranges for edge in (low, high + 1)})
        return self._borders[state] if self._end not in self._sets[state] else ()

    def matches(self, text: str) -> bool:
        """Whether a string matches."""
        state = 0
        for char in text:
            state = self.step(state, ord(char))
        return self.accepts(state)

    def _number(self, places: frozenset[int]) -> int:
        # After a match, any further characters keep it: one state represents all these states.
        places = frozenset({self._end}) if self._end in places else places
        if places not in self._numbers:
            if len(self._sets) > _MOST_STATES:
                raise Undecided("a pattern has too many states")
            self._numbers[places] = len(self._sets)
            self._sets.append(places)
        return self._numbers[places]

    def _close(self, places: Iterable[int], at_start: bool = False, at_end: bool = False) -> frozenset[int]:
        found: set[int] = set()
        waiting = list(places)
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                place = self._places[number]
                waiting += place.free
                waiting += place.at_start if at_start else ()
                waiting += place.at_end if at_end else ()
        self._budget.spend(1 + len(found) // 20)
        return frozenset(found)

    def _place(self, ranges: Ranges = (), then: int = -1) -> int:
        if len(self._places) > _MOST_STATES:
            raise Undecided("a pattern is too large")
        self._places.append(_Place([], [], [], ranges, then))
        return len(self._places) - 1

    def _build(self, what: Expression, then: int) -> int:
        """Build `what` before the place `then`, and return the place where it begins."""
        match what:
            case Chars(ranges):
                return self._place(ranges, then)
            case Anchor.START:
                place = self._place()
                self._places[place].at_start.append(then)
                return place
            case Anchor.END:
                place = self._place()
                self._places[place].at_end.append(then)
                return place
            case Chain(parts):
                for part in reversed(parts):
                    then = self._build(part, then)
                return then
            case Choice(options):
                place = self._place()
                self._places[place].free += [self._build(option, then) for option in options]
                return place
            case Repeat(inner, least, most):
                return self._build_repeated(inner, least, most, then)

    def _build_repeated(self, inner: Expression, least: int, most: int | None, then: int) -> int:
        if least + (most or 0) > _MOST_STATES:
            raise Undecided("a pattern is too large")
        if most is None:
            loop = self._place()
            self._places[loop].free += [self._build(inner, loop), then]
            then = loop
        for _ in range((most or least) - least):
            place = self._place()
            self._places[place].free += [self._build(inner, then), then]
            then = place
        for _ in range(least):
            then = self._build(inner, then)
        return then


class Not:
    """The automaton of the strings that another automaton does not accept."""

    def __init__(self, automaton: Automaton) -> None:
        self.step, self.borders = automaton.step, automaton.borders
        self._accepts = automaton.accepts

    def accepts(self, state: int) -> bool:
        return not self._accepts(state)


class NoneOf:
    """The automaton of all strings but the listed words."""

    def __init__(self, words: Iterable[str]) -> None:
        self._next: list[dict[int, int]] = [{}, {}]
        self._ends: set[int] = set()
        for word in words:
            self._add(word)

    def _add(self, word: str) -> None:
        state = 0
        for char in word:
            if ord(char) not in self._next[state]:
                self._next[state][ord(char)] = len(self._next)
                self._next.append({})
            state = self._next[state][ord(char)]
        self._ends.add(state)

    def step(self, state: int, char: int) -> int:
        # State 1: the string is no beginning of any word.
        return self._next[state].get(char, 1)

    def accepts(self, state: int) -> bool:
        return state not in self._ends

    def borders(self, state: int) -> Iterable[int]:
        return (edge for char in self._next[state] for edge in (char, char + 1))


_Joint = tuple[int, ...]
"""The states of several automata together."""


def words(automata: Sequence[Automaton], least: int, most: int | None, budget: Budget) -> Iterator[str]:
    """Strings that all automata accept, of `least` to `most` characters, shortest first.

    It does not give every string, but at least one if one exists. So if it gives none, there is none.
    """
    layer: dict[_Joint, tuple[object, str]] = {(0,) * len(automata): ((), "")}
    seen: set[_Joint] = set()
    length = 0
    while layer and (most is None or length <= most):
        if length >= least:
            for states, chain in layer.items():
                if all(automaton.accepts(state) for automaton, state in zip(automata, states, strict=True)):
                    yield _spell(chain)
            # If a state was reached before at an allowed length, it leads only to longer strings of the same kind.
            layer = {states: chain for states, chain in layer.items() if states not in seen}
            seen.update(layer)
        following: dict[_Joint, tuple[object, str]] = {}
        for states, chain in layer.items():
            for char in _pick_next_chars(automata, states):
                budget.spend()
                after = tuple(
                    automaton.step(state, ord(char)) for automaton, state in zip(automata, states, strict=True)
                )
                following.setdefault(after, (chain, char))
        layer, length = following, length + 1


def _spell(chain: tuple[object, str]) -> str:
    chars: list[str] = []
    link: object = chain
    while isinstance(link, tuple) and link:
        link, char = link
        chars.append(char)
    return "".join(reversed(chars))


def _pick_next_chars(automata: Sequence[Automaton], states: tuple[int, ...]) -> Iterator[str]:
    """One character for each way in which the automata can continue."""
    edges = {0, 0xD800, 0xE000, _LAST + 1}
    for automaton, state in zip(automata, states, strict=True):
        edges.update(automaton.borders(state))
    for low, after in pairwise(sorted(edges)):
        if low != 0xD800:
            yield _pick_representative(low, after - 1)


def _pick_representative(low: int, high: int) -> str:
    return next((char for char in _WELCOME if low <= ord(char) <= high), chr(low))
