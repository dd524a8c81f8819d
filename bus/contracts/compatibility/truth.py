"""Judges whether a given value makes a formula true. It reads JSON Schema as the search does."""

from collections.abc import Callable, Iterable
from typing import Any, assert_never

from bus.contracts.compatibility.automata import Pattern
from bus.contracts.compatibility.logic import (
    Both,
    Bound,
    Count,
    Either,
    EveryItem,
    EveryMember,
    EveryName,
    Formatted,
    Formula,
    Has,
    Literal,
    Match,
    Matching,
    Multiple,
    Named,
    Names,
    OneOf,
    Outside,
    Size,
    SomeItem,
    SomeMember,
    SomeName,
    Unique,
)
from bus.contracts.compatibility.meaning import Meaning
from bus.contracts.compatibility.values import exact, identity, type_of
from bus.contracts.formats import FORMATS


class Truth:
    """Judges values by formulas."""

    def __init__(self, meaning: Meaning, pattern: Callable[[str], Pattern]) -> None:
        self._meaning = meaning
        self._pattern = pattern

    def all_hold(self, formulas: Iterable[Formula], value: Any) -> bool:
        """Whether the value makes all the formulas true."""
        return all(self.holds(formula, value) for formula in formulas)

    def holds(self, formula: Formula, value: Any) -> bool:
        """Whether the value makes the formula true. An atom must belong to the value's type."""
        match formula:
            case Literal():
                return self.holds(self._meaning.of(formula, type_of(value)), value)
            case Both(parts):
                return all(self.holds(part, value) for part in parts)
            case Either(parts):
                return any(self.holds(part, value) for part in parts)
            case OneOf(keys, positive):
                return (identity(value) in keys) is positive
            case Bound(limit, upper, strict):
                number = exact(value)
                return (number == limit and not strict) or (number < limit if upper else number > limit)
            case Multiple(of, positive):
                return (exact(value) % of == 0) is positive
            case Size(limit, upper):
                return len(value) <= limit if upper else len(value) >= limit
            case Match(pattern, positive):
                return self._pattern(pattern).matches(value) is positive
            case Formatted(name, positive):
                return FORMATS[name](value) is positive
            case EveryItem() | SomeItem() | Count() | Unique():
                return self._judge_items(formula, value)
            case Has() | EveryMember() | SomeMember() | EveryName() | SomeName():
                return self._judge_members(formula, value)
            case _:
                assert_never(formula)

    def _judge_items(self, atom: EveryItem | SomeItem | Count | Unique, items: list[Any]) -> bool:
        match atom:
            case EveryItem(start, stop, what):
                return all(self.holds(what, item) for item in items[start:stop])
            case SomeItem(start, stop, what):
                return any(self.holds(what, item) for item in items[start:stop])
            case Count(what, limit, upper):
                found = sum(self.holds(what, item) for item in items)
                return found <= limit if upper else found >= limit
            case Unique(positive):
                return (len({identity(item) for item in items}) == len(items)) is positive

    def _judge_members(
        self, atom: Has | EveryMember | SomeMember | EveryName | SomeName, members: dict[str, Any]
    ) -> bool:
        match atom:
            case Has(name, positive):
                return (name in members) is positive
            case EveryMember(names, what):
                return all(self.holds(what, value) for name, value in members.items() if self.speaks_of(names, name))
            case SomeMember(names, what):
                return any(self.holds(what, value) for name, value in members.items() if self.speaks_of(names, name))
            case EveryName(what):
                return all(self.holds(what, name) for name in members)
            case SomeName(what):
                return any(self.holds(what, name) for name in members)

    def speaks_of(self, names: Names, name: str) -> bool:
        """Whether an atom is about members of a name."""
        match names:
            case Named(only):
                return name == only
            case Matching(pattern):
                return self._pattern(pattern).matches(name)
            case Outside(known, patterns):
                return name not in known and not any(self._pattern(pattern).matches(name) for pattern in patterns)
