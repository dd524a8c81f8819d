"""An index of many filters over context attributes: which of them hold, without evaluating each.

A filter is found by a text that it cannot hold without, such as the subject it asks for, and only then evaluated; equal filters
are evaluated once. Promise: finds what evaluating each would find.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from bus import json
from bus.contracts.filter import Predicate, attribute, compile_filter, number_in, number_of, text_of

T = TypeVar("T")
Document = Mapping[str, Any]
Expression = Mapping[str, Any]


class Clue(NamedTuple):
    """A test of one attribute's text: exact, prefix or suffix."""

    dialect: str
    name: str
    text: str


_Clues = frozenset[Clue]


@dataclass(frozen=True, slots=True)
class _Filter(Generic[T]):
    """Expressions that all have to hold, and the values of all who ask for the same."""

    expressions: Sequence[Expression]
    predicates: Sequence[Predicate[Document]]
    values: list[T]

    def holds(self, document: Document) -> bool:
        return all(predicate(document) for predicate in self.predicates)


class FilterIndex(Generic[T]):
    """Filters, each with a value that stands for who asks."""

    def __init__(self, filtered: Iterable[tuple[Sequence[Expression], T]]) -> None:
        """Of each value, all expressions have to hold.

        Raises:
            FilterInvalid: an expression cannot be understood.
        """
        filters = _distinct(filtered)
        frequency = Counter(clue for one in filters for part in one.expressions for clue in _clues(part))
        self._always: list[_Filter[T]] = []
        self._by_text: dict[tuple[str, str, int], dict[str, list[_Filter[T]]]] = {}
        self._by_number: dict[str, dict[Decimal, list[_Filter[T]]]] = {}
        for one in filters:
            needed = _rarest((_needed(part, frequency) for part in one.expressions), frequency)
            if needed is None:
                self._always.append(one)
            for clue in needed or ():
                length = 0 if clue.dialect == "exact" else len(clue.text)
                texts = self._by_text.setdefault((clue.dialect, clue.name, length), {})
                texts.setdefault(clue.text, []).append(one)
                if clue.dialect == "exact" and (number := number_in(clue.text)) is not None:
                    self._by_number.setdefault(clue.name, {}).setdefault(number, []).append(one)

    def holding(self, document: Document) -> list[T]:
        """The values whose filters hold for a CloudEvent in its JSON format."""
        return [value for one in self._candidates(document) if one.holds(document) for value in one.values]

    def _candidates(self, document: Document) -> Iterable[_Filter[T]]:
        found = {id(one): one for one in self._always}
        for (dialect, name, length), texts in self._by_text.items():
            value = text_of(document.get(name))
            if value is not None and (some := texts.get(_part(dialect, value, length))) is not None:
                found.update({id(one): one for one in some})
        for name, numbers in self._by_number.items():
            number = number_of(document.get(name))
            if number is not None:
                found.update({id(one): one for one in numbers.get(number, ())})
        return found.values()


def _part(dialect: str, value: str, length: int) -> str:
    """What of a value is the text that a clue of this dialect and length asks for, if it holds."""
    if dialect == "exact":
        return value
    return value[:length] if dialect == "prefix" else value[-length:]


def _distinct(filtered: Iterable[tuple[Sequence[Expression], T]]) -> list[_Filter[T]]:
    found: dict[bytes, _Filter[T]] = {}
    for expressions, value in filtered:
        name = json.canonical(list(expressions))
        if name not in found:
            found[name] = _Filter(expressions, [compile_filter(part, attribute) for part in expressions], [])
        found[name].values.append(value)
    return list(found.values())


def _clues(expression: Expression) -> Iterator[Clue]:
    """The tests in an expression that can help it to hold."""
    ((dialect, operand),) = expression.items()
    if dialect in ("all", "any"):
        for part in operand:
            yield from _clues(part)
    elif dialect != "not":
        for name, wanted in operand.items():
            yield Clue(dialect, name, str(text_of(wanted)))


def _needed(expression: Expression, frequency: Mapping[Clue, int]) -> _Clues | None:
    """Clues of which one holds wherever the expression does; None where it may hold without any."""
    ((dialect, operand),) = expression.items()
    if dialect == "not":
        return None
    if dialect == "all":
        return _rarest((_needed(part, frequency) for part in operand), frequency)
    if dialect == "any":
        parts = [_needed(part, frequency) for part in operand]
        known = [part for part in parts if part is not None]
        return frozenset().union(*known) if len(known) == len(parts) else None
    return _rarest((frozenset({clue}) for clue in _clues(expression)), frequency)


def _rarest(choices: Iterable[_Clues | None], frequency: Mapping[Clue, int]) -> _Clues | None:
    """The choice that leads to the fewest filters: an event has the others' texts more often than not."""
    known = (clues for clues in choices if clues is not None)
    return min(known, key=lambda clues: sum(frequency[clue] for clue in clues), default=None)
