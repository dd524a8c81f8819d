"""Compares schemas: is every value of one schema a value of the other? If not, which demands does it break?"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from bus.contracts.compatibility.answers import Answer, Found, Nothing, Unknown
from bus.contracts.compatibility.budget import Budget, Undecided
from bus.contracts.compatibility.counterparts import Place, below, here, path_of
from bus.contracts.compatibility.logic import Formula, Goal
from bus.contracts.compatibility.meaning import Meaning
from bus.contracts.compatibility.nodes import Library, target
from bus.contracts.compatibility.pieces import Part, Path, Piece, Wrap, parts, pieces
from bus.contracts.compatibility.report import Rule
from bus.contracts.compatibility.search import Search

_MOST_BREAKS = 50


@dataclass(frozen=True, slots=True)
class Break:
    """One demand of the strict schema that a value of the lenient schema breaks, or may break.

    Attributes:
        strict, lenient: the path of the demand, and the path in the lenient schema about the same data.
        field: path into the data that the demand is about; `*` is any item or other property.
        about: the property that the demand is about, if there is one.
        demand: the keyword's value.
        answer: a value that breaks the demand, or why that is uncertain.
    """

    rule: Rule
    strict: Path
    lenient: Path
    field: tuple[str, ...]
    about: str
    demand: Any
    answer: Found | Unknown


@dataclass(frozen=True, slots=True)
class _Walk:
    """A place in a walk through the strict schema.

    Attributes:
        wrap: makes a demand on this part a demand on the whole value.
        trail: the schemas on the way to this place, each with the lenient schema's counterpart.
    """

    place: Place
    wrap: Wrap
    lenient: list[Place]
    field: tuple[str, ...] = ()
    given: Goal = frozenset()
    trail: frozenset[tuple[int, ...]] = frozenset()


class Comparisons:
    """Compares schemas. It keeps its findings about parts of them for the next comparison."""

    def __init__(self, budget: Budget, samples: Sequence[str] = ()) -> None:
        """Create.

        Args:
            budget: the budget of all comparisons together.
            samples: strings to make examples with.
        """
        self._meaning = Meaning(Library(budget))
        self._search = Search(self._meaning, budget, samples)

    def contained(self, lenient: Any, strict: Any) -> bool:
        """Whether every value of `lenient` is proven to be a value of `strict`."""
        return isinstance(self._find_outside(lenient, strict), Nothing)

    def breaks(self, lenient: Any, strict: Any, examples: Sequence[Any] = ()) -> list[Break]:
        """The demands of `strict` that a value of `lenient` breaks or may break. Empty: all values are proven to fit.

        Args:
            lenient, strict: self-contained schemas.
            examples: values to try as counter-examples before made-up values.
        """
        answer = self._find_outside(lenient, strict)
        if isinstance(answer, Nothing):
            return []
        return _Breaks(self._meaning, self._search, lenient, strict, examples).all_of(answer)

    def _find_outside(self, lenient: Any, strict: Any) -> Answer:
        """A value of `lenient` that is no value of `strict`."""
        try:
            within, without = self._meaning.literal(lenient, lenient), self._meaning.literal(strict, strict).negated()
            return self._search.find({within, without})
        except Undecided as undecided:
            return Unknown(str(undecided))
        except RecursionError:
            return Unknown("the schemas are nested too deeply")


class _Breaks:
    def __init__(self, meaning: Meaning, search: Search, lenient: Any, strict: Any, examples: Sequence[Any]) -> None:
        self._meaning = meaning
        self._search = search
        self._lenient = lenient
        self._strict = strict
        self._examples = examples

    def all_of(self, answer: Found | Unknown) -> list[Break]:
        """Every break once. If no single demand can be named, the break of the whole schema."""
        found: dict[tuple[Rule, Path, Path, str], Break] = {}
        # If the walk ends early, the breaks that it found count. `answer` says already that there is one.
        with suppress(Undecided, RecursionError):
            start = _Walk(Place((), self._strict), lambda inner: inner, here(Place((), self._lenient), self._lenient))
            for each in islice(self._walk_from(start), _MOST_BREAKS):
                key = (each.rule, each.strict, each.lenient, each.about)
                if key not in found or isinstance(each.answer, Found):
                    found[key] = each
        breaks = list(found.values())
        if isinstance(answer, Found) and not any(isinstance(each.answer, Found) for each in breaks):
            breaks.append(Break(Rule.SCHEMA, (), (), (), "", None, answer))
        return breaks or [Break(Rule.SCHEMA, (), (), (), "", None, answer)]

    def _walk_from(self, walk: _Walk) -> Iterator[Break]:
        schema = walk.place.schema
        mark = (id(schema), *(id(place.schema) for place in walk.lenient))
        if schema is True or mark in walk.trail:
            return
        if schema is False:
            yield from self._find_broken(walk, Piece((), False, Rule.EXCLUDED))
            return
        walk = replace(walk, trail=walk.trail | {mark})
        for piece in pieces(schema):
            if piece.rule is Rule.CLOSED:
                yield from self._find_in_closed(walk, piece)
            elif piece.rule in (Rule.ANY_OF, Rule.ONE_OF):
                yield from self._find_in_branches(walk, piece)
            else:
                yield from self._find_broken(walk, piece)
        for part in (*parts(schema), *self._follow_reference(schema)):
            yield from self._walk_below(walk, part)

    def _follow_reference(self, schema: Any) -> Iterator[Part]:
        if "$ref" in schema:
            inner = target(schema["$ref"], self._strict)
            yield Part(path_of(schema["$ref"]), inner, lambda inner: inner, is_reference=True)

    def _walk_below(self, walk: _Walk, part: Part) -> Iterator[Break]:
        answer = self._find_value(walk, part.wrap(part.schema))
        if isinstance(answer, Nothing):
            return
        path = part.path if part.is_reference else (*walk.place.path, *part.path)
        inside = walk.lenient if part.step is None else below(walk.lenient, part.step, self._lenient, self._search)
        if isinstance(part.step, str) and self._is_open(walk.lenient, inside):
            at = _get_path_of_any(walk.lenient)
            yield Break(Rule.OPEN_MODEL, path, at, (*walk.field, part.step), part.step, None, answer)
            return
        wrap, field = walk.wrap, walk.field if part.step is None else (*walk.field, _write_token(part.step))
        yield from self._walk_from(
            _Walk(
                Place(path, part.schema),
                lambda inner: wrap(part.wrap(inner)),
                inside,
                field,
                walk.given,
                walk.trail,
            )
        )

    def _is_open(self, outside: list[Place], inside: list[Place]) -> bool:
        """Whether the lenient schema allows a property without saying anything of it."""
        says_nothing = all(not place.schema or place.schema is True for place in inside)
        return says_nothing and bool(outside)

    def _find_broken(self, walk: _Walk, piece: Piece) -> Iterator[Break]:
        answer = self._find_value(walk, piece.schema, piece.given)
        if isinstance(answer, Nothing):
            return
        path = (*walk.place.path, *piece.path)
        demand = walk.place.schema.get(piece.path[0]) if piece.path else False
        yield Break(piece.rule, path, self._find_same_demand(walk, piece), walk.field, piece.about, demand, answer)

    def _find_same_demand(self, walk: _Walk, piece: Piece) -> Path:
        keyword = piece.path[0] if piece.path else None
        same = (place for place in walk.lenient if keyword in place.schema)
        return next(((*place.path, keyword) for place in same if keyword is not None), _get_path_of_any(walk.lenient))

    def _find_in_closed(self, walk: _Walk, piece: Piece) -> Iterator[Break]:
        """The breaks of a closed schema: each property that it no longer has, and then unknown properties."""
        known = piece.schema["properties"]
        gone: dict[str, Path] = {}
        for place in walk.lenient:
            for name in place.schema.get("properties", {}):
                if name not in known and not any(
                    self._search.pattern(pattern).matches(name) for pattern in piece.schema["patternProperties"]
                ):
                    gone.setdefault(name, (*place.path, "properties", name))
        for name, lenient in gone.items():
            answer = self._find_value(walk, {"properties": {name: False}})
            if not isinstance(answer, Nothing):
                path = (*walk.place.path, *piece.path)
                yield Break(Rule.CLOSED, path, lenient, (*walk.field, name), name, False, answer)
        others = {**piece.schema, "properties": {**known, **dict.fromkeys(gone, True)}}
        yield from self._find_broken(walk, Piece(piece.path, others, piece.rule))

    def _find_in_branches(self, walk: _Walk, piece: Piece) -> Iterator[Break]:
        """The breaks inside the branches that are changed old branches. If they cannot be matched, the break of the choice."""
        answer = self._find_value(walk, piece.schema)
        if isinstance(answer, Nothing):
            return
        keyword = piece.path[0]
        inside: list[Break] = []
        failing = self._meaning.literal(walk.wrap(piece.schema), self._strict).negated()
        for index, place in self._match_branches(walk, str(keyword)):
            branch = self._meaning.literal(walk.wrap(place.schema), self._lenient)
            inner = Place((*walk.place.path, keyword, index), piece.schema[keyword][index])
            given = walk.given | {failing, branch}
            inside += self._walk_from(
                _Walk(inner, walk.wrap, here(place, self._lenient), walk.field, given, walk.trail)
            )
        if inside:
            yield from inside
        else:
            yield from self._find_broken(walk, piece)

    def _match_branches(self, walk: _Walk, keyword: str) -> list[tuple[int, Place]]:
        """The strict schema's branches without an equal in the lenient schema, each with the branch that it comes from."""
        before = next((place for place in walk.lenient if keyword in place.schema), None)
        if before is None:
            return []
        old = [self._meaning.literal(inner, self._lenient) for inner in before.schema[keyword]]
        new = [self._meaning.literal(inner, self._strict) for inner in walk.place.schema[keyword]]
        changed = [index for index, branch in enumerate(new) if branch not in old]
        origins = [index for index, branch in enumerate(old) if branch not in new]
        if len(changed) != len(origins):
            return []
        return [
            (index, Place((*before.path, keyword, origin), before.schema[keyword][origin]))
            for index, origin in zip(changed, origins, strict=True)
        ]

    def _find_value(self, walk: _Walk, demand: Any, given: Any = True) -> Answer:
        """A value of the lenient schema that breaks a demand."""
        goal: set[Formula] = {
            self._meaning.literal(self._lenient, self._lenient),
            self._meaning.literal(walk.wrap(demand), self._strict).negated(),
            *walk.given,
        }
        if given is not True:
            goal.add(self._meaning.literal(walk.wrap(given), self._strict))
        for example in self._examples:
            if self._search.truth.all_hold(goal, example):
                return Found(example)
        return self._search.find(goal)


def _get_path_of_any(places: list[Place]) -> Path:
    return places[0].path if places else ()


def _write_token(step: Any) -> str:
    return "*" if step is ... or isinstance(step, int) else str(step)
