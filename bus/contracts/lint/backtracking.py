"""Lint of patterns: finds patterns for which a backtracking engine may need exponential time.

The gate's engine is linear, but apps validate with the engine of their language. A backtracking engine takes exponential time if
a loop can read the same text in two ways. Then the pattern's automaton has a state with two ways back to itself over one text.
Source: Weideman et al., "Analyzing Matching Time Behavior of Backtracking Regular Expression Matchers", 2016.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bus import json
from bus.contracts.compatibility.budget import Undecided
from bus.contracts.document import Contract
from bus.contracts.expressions import Anchor, Chars, Choice, Expression, Ranges, Repeat, Sequence, parse
from bus.contracts.lint.rule import Rule, Severity
from bus.contracts.schemas import Schema, subschemas
from bus.problem import FieldError

BACKTRACKING = Rule(
    "backtracking",
    Severity.WARNING,
    "No loop of a pattern can read the same text in two ways.",
    "Consumers match with engines that backtrack: a text of some dozen characters keeps them busy for years.",
    "Make the loop's turns begin or end with a character that is nowhere else in it: `a+(-a+)*` rather than `(a+-?)*`.",
)

_FEW = 3
"""Turns of a counted loop that are written out. A loop with more turns counts as endless."""
_MOST_POSITIONS = 150
_MOST_STEPS = 100_000

Pair = tuple[int, int]


def find_backtracking(contract: Contract) -> Iterator[FieldError]:
    """Errors for patterns that can take exponential time."""
    for part in ("schema", "request", "answer"):
        for path, schema in subschemas(contract.document.get(part)):
            for at, pattern in _list_patterns(schema):
                if is_exponential(pattern):
                    yield FieldError(
                        f"/{part}" + json.to_pointer((*path, *at)), "has a loop that reads a text in two ways"
                    )


def _list_patterns(schema: Schema) -> Iterator[tuple[tuple[str, ...], str]]:
    if "pattern" in schema:
        yield ("pattern",), schema["pattern"]
    yield from ((("patternProperties", name), name) for name in schema.get("patternProperties", ()))


def is_exponential(pattern: str) -> bool:
    """Whether a loop of the pattern is ambiguous. False for a pattern that is too large to decide."""
    automaton = _Automaton()
    try:
        automaton.add(parse(pattern))
    except Undecided:
        return False
    return _is_ambiguous(automaton)


@dataclass(frozen=True, slots=True)
class _Part:
    """The states where a part of the expression can begin and end, and the number of ways to be empty."""

    first: Counter[int]
    last: Counter[int]
    empty: int


@dataclass(slots=True)
class _Automaton:
    """Glushkov's automaton: a state for each character of the expression. It counts the ways between two states."""

    ranges: list[Ranges] = field(default_factory=list)
    follow: list[Counter[int]] = field(default_factory=list)

    def add(self, tree: Expression) -> _Part:
        match tree:
            case Chars(ranges):
                return self._add_position(ranges)
            case Anchor():
                return _Part(Counter(), Counter(), 1)
            case Sequence(parts):
                return self._add_chain([self.add(part) for part in parts])
            case Choice(options):
                return _add_either([self.add(option) for option in options])
            case Repeat(what, least, most):
                return self._add_repeated(what, least, most)

    def _add_position(self, ranges: Ranges) -> _Part:
        if len(self.ranges) >= _MOST_POSITIONS:
            raise Undecided("too many positions")
        self.ranges.append(ranges)
        self.follow.append(Counter())
        here = len(self.ranges) - 1
        return _Part(Counter({here: 1}), Counter({here: 1}), 0)

    def _add_chain(self, parts: list[_Part]) -> _Part:
        whole = _Part(Counter(), Counter(), 1)
        for part in parts:
            self._link(whole.last, part.first)
            first = whole.first + _multiply(part.first, whole.empty)
            last = part.last + _multiply(whole.last, part.empty)
            whole = _Part(first, last, whole.empty * part.empty)
        return whole

    def _add_repeated(self, what: Expression, least: int, most: int | None) -> _Part:
        if most is not None and most <= _FEW:
            parts = [self.add(what) for _ in range(most)]
        elif most == least:
            # A few turns show whether the loop is ambiguous.
            parts = [self.add(what) for _ in range(_FEW)]
            least = _FEW
        else:
            return self._add_loop(what, least)
        return self._add_chain([part if n < least else _make_optional(part) for n, part in enumerate(parts)])

    def _add_loop(self, what: Expression, least: int) -> _Part:
        part = self.add(what)
        self._link(part.last, part.first)
        # Engines stop at an empty turn, so it is no second way.
        return part if least else _Part(part.first, part.last, 1)

    def _link(self, last: Counter[int], first: Counter[int]) -> None:
        for here, ways in last.items():
            self.follow[here].update(_multiply(first, ways))


def _multiply(counter: Counter[int], ways: int) -> Counter[int]:
    return Counter({key: count * ways for key, count in counter.items()}) if ways else Counter()


def _add_either(parts: list[_Part]) -> _Part:
    first: Counter[int] = Counter()
    last: Counter[int] = Counter()
    for part in parts:
        first, last = first + part.first, last + part.last
    return _Part(first, last, sum(part.empty for part in parts))


def _make_optional(part: _Part) -> _Part:
    return _Part(part.first, part.last, part.empty + 1)


def _is_ambiguous(automaton: _Automaton) -> bool:
    """Whether two different ways lead from some state back to it over one text."""
    reach = [_find_reachable(automaton, state) for state in range(len(automaton.ranges))]
    loops = [state for state, reached in enumerate(reach) if state in reached]
    for state in loops:
        if any(ways > 1 and state in reach[then] for then, ways in automaton.follow[state].items()):
            return True
    steps = _MOST_STEPS
    for state in loops:
        inside = {other for other in reach[state] if state in reach[other]}
        found, steps = _returns_apart(automaton, state, inside, steps)
        if found:
            return True
        if steps <= 0:
            return False
    return False


def _find_reachable(automaton: _Automaton, state: int) -> set[int]:
    found: set[int] = set()
    waiting = list(automaton.follow[state])
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += automaton.follow[here]
    return found


def _returns_apart(automaton: _Automaton, state: int, inside: set[int], steps: int) -> tuple[bool, int]:
    """Whether two walkers leave a state over the same text, part, and meet there again. Also the steps that are left."""
    parted: set[Pair] = set()
    waiting: list[Pair] = [(state, state)]
    seen: set[Pair] = set()
    while waiting and steps > 0:
        pair = waiting.pop()
        for then in _list_moves(automaton, pair, inside):
            steps -= 1
            apart = then[0] != then[1] or pair in parted
            if apart and then == (state, state):
                return True, steps
            if then not in seen or (apart and then not in parted):
                seen.add(then)
                if apart:
                    parted.add(then)
                waiting.append(then)
    return False, steps


def _list_moves(automaton: _Automaton, pair: Pair, inside: set[int]) -> Iterator[Pair]:
    one, other = (automaton.follow[place].keys() & inside for place in pair)
    for first in one:
        for second in other:
            if _meet(automaton.ranges[first], automaton.ranges[second]):
                yield first, second


def _meet(one: Ranges, other: Ranges) -> bool:
    return any(low <= last and first <= high for low, high in one for first, last in other)
