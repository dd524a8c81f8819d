"""Finds every person in data: the identifiers at each place where the schema certainly has one.

Promise: it misses no identifier at a place that `persons.is_certain` names. If a schema is too large to search, each number that
looks like an identifier counts as one.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bus import json
from bus.contracts.effort import count_states
from bus.contracts.person_names import certain_name, names_tax_number
from bus.contracts.persons import is_certain, member_names, names_identifiers
from bus.contracts.schemas import Schema, children, in_place

_MOST_WORK: Final = 500
"""Units of work for one schema, which may hold up the event loop once. Usual schemas take some hundred units."""
_STATES: Final = 500
"""States of patterns that cost one unit."""
_ENTRIES: Final = 500
"""Entries of `enum` that cost one unit."""
_TOGETHER: Final = 10
"""Pairs of schemas that apply at one place that cost a unit."""
_SEPARATOR: Final = r"[\s.,/_\-\u2010-\u2015]{0,3}"
"""What people write between the figures of a number."""
_SPELLED: Final = re.compile(rf"(?<![0-9])[1-9](?:{_SEPARATOR}[0-9]){{15}}(?![0-9])")
_NO_FIGURE: Final = re.compile(r"[^0-9]")
_LONGEST: Final = 200
"""Characters of a text that is read as an identifier with words beside it; a longer text is prose."""
_MOST_BESIDE: Final = 20
"""Characters beside an identifier, such as `NIK: `, in a text of which nothing is known."""


@dataclass(slots=True, eq=False)
class _Place:
    """One place in the data, with the places below it that lead to identifiers.

    Attributes:
        is_identifier: a text or an integer here is an identifier.
        is_mixed: the place joins several places, such as the items of a tuple. A value that looks like an identifier is one.
        is_unknown: nothing is known of the place. A value that looks like an identifier is one, here and below.
        has_named: names of members here may be identifiers.
        declared: names of members with a place of their own, whether it leads to identifiers or not.
        members: places that lead to identifiers, by the names of members.
        others: the place of each member that is not `declared`.
        items: the place of each item of an array.
    """

    is_identifier: bool = False
    is_mixed: bool = False
    is_unknown: bool = False
    has_named: bool = False
    declared: frozenset[str] = frozenset()
    members: dict[str, "_Place"] = field(default_factory=dict)
    others: "_Place | None" = None
    items: "_Place | None" = None

    def is_telling(self) -> bool:
        """Whether the place itself holds identifiers."""
        return self.is_identifier or self.is_unknown or self.has_named

    def below(self) -> Iterator["_Place"]:
        yield from self.members.values()
        yield from (one for one in (self.others, self.items) if one is not None)

    def prune(self, leading: set[int]) -> None:
        """Remove the places below that lead to no identifier."""
        self.members = {name: one for name, one in self.members.items() if id(one) in leading}
        self.others = self.others if id(self.others) in leading else None
        self.items = self.items if id(self.items) in leading else None


class PersonFinder:
    """Finds the identifiers of persons in the data of one schema."""

    def __init__(self, root: _Place) -> None:
        self._root = root

    def find(self, data: Any, most: int) -> list[str]:
        """The identifiers in data that fit the schema, each once. The search ends when it has more than `most`.

        An identifier may be written in another way, such as `352401 120190 0016` or `NIK 3524…`. Then it is found twice: as it is
        written, and as plain figures.
        """
        found: dict[str, None] = {}
        waiting = [(self._root, data)]
        while waiting and len(found) <= most:
            place, value = waiting.pop()
            if isinstance(value, dict):
                if place.has_named or place.is_unknown:
                    found.update(dict.fromkeys(text for name in value for text in _recognise(name)))
                waiting += _members(place, value)
            elif isinstance(value, list):
                if (items := place if place.is_unknown else place.items) is not None:
                    waiting += [(items, inner) for inner in value]
            elif (place.is_identifier or place.is_unknown) and (text := read_identifier(value)) is not None:
                is_told = place.is_identifier and not place.is_mixed
                found.update(dict.fromkeys(spell_identifier(text) if is_told else _recognise(text)))
        return list(found)


def make_finder(schema: Schema, subject: str | None) -> PersonFinder | None:
    """The finder for a schema; None: no other place than `subject`, a JSON Pointer, holds an identifier."""
    root = _Survey(schema).survey()
    is_empty = not root.is_telling() and not any(root.below())
    if is_empty or (subject is not None and _is_only(root, json.parse_pointer(subject))):
        return None
    return PersonFinder(root)


class _Survey:
    """Searches one schema for the places of identifiers. Each set of schemas makes one place, also in a recursive schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._work = 0
        self._places: dict[tuple[Any, ...], _Place] = {}
        self._waiting: list[tuple[_Place, str, tuple[Schema, ...]]] = []
        self._unknown = _Place(is_unknown=True)

    def survey(self) -> _Place:
        root = self._place("", [self._schema])
        while self._waiting:
            self._look_below(*self._waiting.pop())
        places = [*self._places.values(), self._unknown]
        leading = _leading(places)
        for place in places:
            place.prune(leading)
        return root

    def _mixed(self, name: str, heads: list[Any]) -> _Place | None:
        """One place for values of different places: any of the schemas may apply to each. None: there are no schemas."""
        allowed = _allowed(heads)
        return self._place(name, allowed, is_mixed=len(allowed) > 1) if allowed else None

    def _place(self, name: str, heads: list[Any], *, is_mixed: bool = False) -> _Place:
        """The place of a value to which some schemas apply; `name` is the name of the nearest member."""
        if self._work > _MOST_WORK:
            return self._unknown
        schemas = tuple(one for one in in_place(self._schema, heads) if isinstance(one, dict))
        key = (tuple(map(id, schemas)), certain_name(name), names_tax_number(name), is_mixed)
        place = self._places.get(key)
        if place is None:
            # Each schema is judged together with the schemas inside it.
            self._work += 1 + sum(map(_work, schemas)) + len(schemas) ** 2 // _TOGETHER
            if self._work > _MOST_WORK:
                return self._unknown
            place = self._places[key] = _Place(is_certain(self._schema, name, schemas), is_mixed)
            self._waiting.append((place, name, schemas))
        return place

    def _look_below(self, place: _Place, name: str, schemas: tuple[Schema, ...]) -> None:
        place.has_named = any(names_identifiers(self._schema, schema) for schema in schemas)
        names = dict.fromkeys(one for schema in schemas for one in member_names(schema))
        # Each name is matched with each pattern.
        self._work += len(names) * sum(len(schema.get("patternProperties", ())) for schema in schemas)
        if self._work > _MOST_WORK:
            place.is_unknown = True
            return
        place.declared = frozenset(names)
        for member in names:
            heads = [head for schema in schemas for head in children(schema, member)]
            # These apply to a member that only a branch declares, if that branch does not hold.
            others = _allowed([head for schema in schemas for head in _unevaluated(schema, "Properties")])
            # Of a member that no schema describes nothing is certain, whatever its name.
            if _allowed(heads) or others:
                is_mixed = bool(_allowed(heads) and others)
                place.members[member] = self._place(member, [*heads, *others], is_mixed=is_mixed)
        place.others = self._mixed(name, [head for schema in schemas for head in _undeclared(schema)])
        place.items = self._mixed(name, [head for schema in schemas for head in _items(schema)])


def _leading(places: Sequence[_Place]) -> set[int]:
    """The ids of the places that hold identifiers, or lead to a place that does."""
    above: dict[int, list[_Place]] = {}
    for place in places:
        for below in place.below():
            above.setdefault(id(below), []).append(place)
    waiting = [place for place in places if place.is_telling()]
    leading: set[int] = set()
    while waiting:
        place = waiting.pop()
        if id(place) not in leading:
            leading.add(id(place))
            waiting += above.get(id(place), ())
    return leading


def _is_only(place: _Place, path: Sequence[Any]) -> bool:
    """Whether the only identifier is at one path."""
    for step in path:
        if place.is_telling() or place.others or place.items or place.members.keys() != {step}:
            return False
        place = place.members[step]
    return not (place.is_unknown or place.has_named or any(place.below()))


def _members(place: _Place, value: dict[str, Any]) -> list[tuple[_Place, Any]]:
    """The members of an object that may hold identifiers, each with its place."""
    found = [(below, value[name]) for name, below in place.members.items() if name in value]
    others = place if place.is_unknown else place.others
    if others is not None:
        found += [(others, inner) for name, inner in value.items() if name not in place.declared]
    return found


def spell_identifier(text: str) -> list[str]:
    """How an identifier is found: as it is written, and as the plain figures of each number of 16 figures in it."""
    if text.isascii() and text.isdecimal():
        return [text]
    return list(dict.fromkeys([text, *_find_numbers(text)]))


def read_identifier(value: Any) -> str | None:
    """An identifier as text, also where it is a number (`3524011201900001.0` too); None: the value is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _recognise(text: str) -> list[str]:
    """How an identifier in a text of which nothing is known is found; nothing, if the text does not look like one."""
    numbers = _find_numbers(text)
    if len(numbers) != 1 or len(text) - len(numbers[0]) > _MOST_BESIDE:
        return []
    return list(dict.fromkeys([text, *numbers]))


def _find_numbers(text: str) -> list[str]:
    if len(text) > _LONGEST:
        return []
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return [_NO_FIGURE.sub("", found) for found in _SPELLED.findall(folded)]


def _work(schema: Schema) -> int:
    patterns = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
    patterns += schema.get("patternProperties", ())
    return 1 + len(patterns) + sum(map(count_states, patterns)) // _STATES + len(schema.get("enum", ())) // _ENTRIES


def _allowed(heads: list[Any]) -> list[Any]:
    return [head for head in heads if head is not False]


def _undeclared(schema: Schema) -> Iterator[Any]:
    """The schemas of members without a declared name."""
    yield from schema.get("patternProperties", {}).values()
    if isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]
    yield from _unevaluated(schema, "Properties")


def _items(schema: Schema) -> Iterator[Any]:
    yield from children(schema, "*")
    if isinstance(schema.get("contains"), dict):
        yield schema["contains"]
    yield from _unevaluated(schema, "Items")


def _unevaluated(schema: Schema, what: str) -> Iterator[Any]:
    if isinstance(inner := schema.get(f"unevaluated{what}"), dict):
        yield inner
