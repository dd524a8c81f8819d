"""An index of many filters over context attributes. It finds the filters that hold without a look at each.

A filter is found by a text that it needs to hold, such as the subject that it asks for. Only then is it evaluated. Equal filters
are evaluated once. Promise: the index finds the same filters as an evaluation of each.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from bus import json
from bus.contracts.filter import Predicate, compile_filter, parse_number, read_attribute, to_number, to_text

T = TypeVar("T")
Document = Mapping[str, Any]
Expression = Mapping[str, Any]


class Clue(NamedTuple):
    """A test of one attribute's text: exact, prefix or suffix."""

    dialect: str
    name: str
    text: str


_Clues = frozenset[Clue]


@dataclass(slots=True)
class _Filter(Generic[T]):
    """Expressions that all have to hold, and the values of all subscribers with these expressions, by name.

    Attributes:
        needed: clues; wherever the filter holds, one of them holds. None: the filter may hold without any clue.
    """

    expressions: Sequence[Expression]
    predicates: Sequence[Predicate[Document]]
    needed: _Clues | None
    values: dict[int, T]

    def holds(self, document: Document) -> bool:
        return all(predicate(document) for predicate in self.predicates)


class FilterIndex(Generic[T]):
    """Filters, each with the value of its subscriber. To add or remove a filter needs no look at the others."""

    def __init__(self, filtered: Iterable[tuple[Sequence[Expression], T]] = ()) -> None:
        """Create an index of filters, named by their indexes in `filtered`; see `add`."""
        self._frequency: Counter[Clue] = Counter()
        self._filters: dict[bytes, _Filter[T]] = {}
        self._named: dict[int, bytes] = {}
        self._always: dict[int, _Filter[T]] = {}
        self._by_text: dict[tuple[str, str, int], dict[str, list[_Filter[T]]]] = {}
        self._by_number: dict[str, dict[Decimal, list[_Filter[T]]]] = {}
        for name, (expressions, value) in enumerate(filtered):
            self.add(name, expressions, value)

    def __len__(self) -> int:
        return len(self._named)

    def add(self, name: int, expressions: Sequence[Expression], value: T) -> None:
        """Add a filter: all expressions have to hold.

        Args:
            name: the subscriber's name, which is not in the index yet.

        Raises:
            FilterInvalid: an expression cannot be understood.
        """
        key = json.dump_canonical(list(expressions))
        one = self._filters.get(key)
        if one is None:
            predicates = [compile_filter(part, read_attribute) for part in expressions]
            self._count(expressions)
            one = self._filters[key] = _Filter(expressions, predicates, self._pick_clues(expressions), {})
            self._put_in(one)
        one.values[name] = value
        self._named[name] = key

    def remove(self, name: int) -> None:
        """Remove the filter of this name, if the index has it."""
        key = self._named.pop(name, None)
        if key is None:
            return
        one = self._filters[key]
        del one.values[name]
        if not one.values:
            del self._filters[key]
            self._forget(one.expressions)
            self._take_out(one)

    def _count(self, expressions: Sequence[Expression]) -> None:
        """Count a filter's clues. A filter under a clue that is no longer rare is put under a rarer one."""
        clues = list(_list_all_clues(expressions))
        self._frequency.update(clues)
        for clue in set(clues):
            # Only at 2, 4, 8, …: a look at each addition would take longer with each filter.
            if self._frequency[clue].bit_count() == 1:
                self._put_anew(clue)

    def _put_anew(self, clue: Clue) -> None:
        for one in list(self._by_text.get(_locate(clue), {}).get(clue.text, ())):
            needed = self._pick_clues(one.expressions)
            if needed != one.needed:
                self._take_out(one)
                one.needed = needed
                self._put_in(one)

    def _pick_clues(self, expressions: Sequence[Expression]) -> _Clues | None:
        return _pick_rarest((_find_needed(part, self._frequency) for part in expressions), self._frequency)

    def _forget(self, expressions: Sequence[Expression]) -> None:
        for clue in _list_all_clues(expressions):
            self._frequency[clue] -= 1
            if not self._frequency[clue]:
                del self._frequency[clue]

    def _put_in(self, one: _Filter[T]) -> None:
        if one.needed is None:
            self._always[id(one)] = one
        for clue in one.needed or ():
            texts = self._by_text.setdefault(_locate(clue), {})
            texts.setdefault(clue.text, []).append(one)
            if (number := _read_number(clue)) is not None:
                self._by_number.setdefault(clue.name, {}).setdefault(number, []).append(one)

    def _take_out(self, one: _Filter[T]) -> None:
        self._always.pop(id(one), None)
        for clue in one.needed or ():
            texts = self._by_text[_locate(clue)]
            texts[clue.text] = [other for other in texts[clue.text] if other is not one]
            if not texts[clue.text]:
                del texts[clue.text]
            if not texts:
                del self._by_text[_locate(clue)]
            if (number := _read_number(clue)) is not None:
                self._take_out_number(one, clue.name, number)

    def _take_out_number(self, one: _Filter[T], name: str, number: Decimal) -> None:
        # A filter that asks for 3 and for 3.0 has the number twice. The first removal takes out both.
        numbers = self._by_number.get(name, {})
        if number not in numbers:
            return
        numbers[number] = [other for other in numbers[number] if other is not one]
        if not numbers[number]:
            del numbers[number]
        if not numbers:
            del self._by_number[name]

    def holding(self, document: Document) -> list[T]:
        """The values whose filters hold for a CloudEvent in its JSON format."""
        return [
            value for one in self._list_candidates(document) if one.holds(document) for value in one.values.values()
        ]

    def _list_candidates(self, document: Document) -> Iterable[_Filter[T]]:
        found = dict(self._always)
        for (dialect, name, length), texts in self._by_text.items():
            value = to_text(document.get(name))
            if value is not None and (some := texts.get(_cut_part(dialect, value, length))) is not None:
                found.update({id(one): one for one in some})
        for name, numbers in self._by_number.items():
            number = to_number(document.get(name))
            if number is not None:
                found.update({id(one): one for one in numbers.get(number, ())})
        return found.values()


def _cut_part(dialect: str, value: str, length: int) -> str:
    """The part of a value that equals a clue's text if the clue holds, for the clue's dialect and length."""
    if dialect == "exact":
        return value
    return value[:length] if dialect == "prefix" else value[-length:]


def _locate(clue: Clue) -> tuple[str, str, int]:
    """A clue's place in the index: dialect, attribute, and length of the text (the same for every `exact`)."""
    return clue.dialect, clue.name, 0 if clue.dialect == "exact" else len(clue.text)


def _read_number(clue: Clue) -> Decimal | None:
    """The number that a value must equal for the clue to hold; None: the clue asks for a text."""
    return parse_number(clue.text) if clue.dialect == "exact" else None


def _list_all_clues(expressions: Sequence[Expression]) -> Iterator[Clue]:
    for part in expressions:
        yield from _list_clues(part)


def _list_clues(expression: Expression) -> Iterator[Clue]:
    """The tests in an expression that can help it to hold."""
    ((dialect, operand),) = expression.items()
    if dialect in ("all", "any"):
        for part in operand:
            yield from _list_clues(part)
    elif dialect != "not":
        for name, wanted in operand.items():
            yield Clue(dialect, name, str(to_text(wanted)))


def _find_needed(expression: Expression, frequency: Mapping[Clue, int]) -> _Clues | None:
    """Clues, one of which holds wherever the expression holds. None: the expression may hold without any clue."""
    ((dialect, operand),) = expression.items()
    if dialect == "not":
        return None
    if dialect == "all":
        return _pick_rarest((_find_needed(part, frequency) for part in operand), frequency)
    if dialect == "any":
        parts = [_find_needed(part, frequency) for part in operand]
        known = [part for part in parts if part is not None]
        return frozenset().union(*known) if len(known) == len(parts) else None
    return _pick_rarest((frozenset({clue}) for clue in _list_clues(expression)), frequency)


def _pick_rarest(choices: Iterable[_Clues | None], frequency: Mapping[Clue, int]) -> _Clues | None:
    """The choice that leads to the fewest filters. Events have the texts of the other choices more often."""
    known = (clues for clues in choices if clues is not None)
    return min(known, key=lambda clues: sum(frequency[clue] for clue in clues), default=None)
