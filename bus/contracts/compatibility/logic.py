"""The demands of schemas on one value, as formulas: combinations of atoms and of schemas that are not read yet.

An atom belongs to one JSON type. Each formula can be negated. So "valid under the old schema and not under the new one" is a
formula too.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from bus.contracts.compatibility.nodes import Node
from bus.contracts.compatibility.values import identity


@dataclass(frozen=True, slots=True)
class Literal:
    """The value is valid under a schema, or it is not."""

    node: Node
    positive: bool

    def negated(self) -> "Literal":
        return Literal(self.node, not self.positive)


@dataclass(frozen=True, slots=True)
class Both:
    """All of the parts hold; without parts, always true."""

    parts: tuple["Formula", ...]

    def negated(self) -> "Either":
        return Either(tuple(part.negated() for part in self.parts))


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the parts holds; without parts, never true."""

    parts: tuple["Formula", ...]

    def negated(self) -> Both:
        return Both(tuple(part.negated() for part in self.parts))


ALWAYS = Both(())
NEVER = Either(())


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these values, or none of them."""

    keys: frozenset[Hashable]
    positive: bool
    values: tuple[Any, ...] = field(compare=False)

    def negated(self) -> "OneOf":
        return OneOf(self.keys, not self.positive, self.values)


def one_of(values: Iterable[Any], positive: bool = True) -> OneOf:
    """The atom for a set of values."""
    distinct = {identity(value): value for value in values}
    return OneOf(frozenset(distinct), positive, tuple(distinct.values()))


@dataclass(frozen=True, slots=True)
class Bound:
    """A number lies on one side of a limit. It may equal the limit unless `strict`."""

    limit: Fraction
    upper: bool
    strict: bool

    def negated(self) -> "Bound":
        return Bound(self.limit, not self.upper, not self.strict)


@dataclass(frozen=True, slots=True)
class Multiple:
    """A number is a multiple of `of`, or it is not. An integer is a multiple of one."""

    of: Fraction
    positive: bool

    def negated(self) -> "Multiple":
        return Multiple(self.of, not self.positive)


@dataclass(frozen=True, slots=True)
class Size:
    """A string, an array or an object has at most (`upper`) or at least `limit` characters, items or members."""

    limit: int
    upper: bool

    def negated(self) -> "Size":
        return Size(self.limit + 1, False) if self.upper else Size(self.limit - 1, True)


@dataclass(frozen=True, slots=True)
class Match:
    """A string matches a pattern somewhere, or nowhere."""

    pattern: str
    positive: bool

    def negated(self) -> "Match":
        return Match(self.pattern, not self.positive)


@dataclass(frozen=True, slots=True)
class Formatted:
    """A string has a format, or it has not."""

    format: str
    positive: bool

    def negated(self) -> "Formatted":
        return Formatted(self.format, not self.positive)


@dataclass(frozen=True, slots=True)
class EveryItem:
    """Each item from `start` to before `stop` (None: to the end) is `what`."""

    start: int
    stop: int | None
    what: "Formula"

    def negated(self) -> "SomeItem":
        return SomeItem(self.start, self.stop, self.what.negated())


@dataclass(frozen=True, slots=True)
class SomeItem:
    """At least one item from `start` to before `stop` is `what`."""

    start: int
    stop: int | None
    what: "Formula"

    def negated(self) -> EveryItem:
        return EveryItem(self.start, self.stop, self.what.negated())


@dataclass(frozen=True, slots=True)
class Count:
    """At most (`upper`) or at least `limit` items are `what`."""

    what: "Formula"
    limit: int
    upper: bool

    def negated(self) -> "Formula":
        return at_least(self.what, self.limit + 1) if self.upper else at_most(self.what, self.limit - 1)


def at_least(what: "Formula", limit: int) -> "Formula":
    """At least `limit` items are `what`."""
    if limit <= 0:
        return ALWAYS
    return SomeItem(0, None, what) if limit == 1 else Count(what, limit, False)


def at_most(what: "Formula", limit: int) -> "Formula":
    """At most `limit` items are `what`."""
    if limit < 0:
        return NEVER
    return EveryItem(0, None, what.negated()) if limit == 0 else Count(what, limit, True)


@dataclass(frozen=True, slots=True)
class Unique:
    """No two items are equal, or two are."""

    positive: bool

    def negated(self) -> "Unique":
        return Unique(not self.positive)


@dataclass(frozen=True, slots=True)
class Has:
    """An object has a member of this name, or it has none."""

    name: str
    positive: bool

    def negated(self) -> "Has":
        return Has(self.name, not self.positive)


@dataclass(frozen=True, slots=True)
class Named:
    """One name."""

    name: str


@dataclass(frozen=True, slots=True)
class Matching:
    """The names that match a pattern."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Outside:
    """The names that are not in `names` and match none of `patterns`."""

    names: frozenset[str]
    patterns: frozenset[str]


Names = Named | Matching | Outside
"""A set of names of an object's members."""


@dataclass(frozen=True, slots=True)
class EveryMember:
    """Each member with such a name has a value that is `what`."""

    names: Names
    what: "Formula"

    def negated(self) -> "SomeMember":
        return SomeMember(self.names, self.what.negated())


@dataclass(frozen=True, slots=True)
class SomeMember:
    """There is a member with such a name, and its value is `what`."""

    names: Names
    what: "Formula"

    def negated(self) -> EveryMember:
        return EveryMember(self.names, self.what.negated())


@dataclass(frozen=True, slots=True)
class EveryName:
    """Each member's name, as a string, is `what`."""

    what: "Formula"

    def negated(self) -> "SomeName":
        return SomeName(self.what.negated())


@dataclass(frozen=True, slots=True)
class SomeName:
    """There is a member whose name, as a string, is `what`."""

    what: "Formula"

    def negated(self) -> EveryName:
        return EveryName(self.what.negated())


ItemAtom = EveryItem | SomeItem | Count | Unique
MemberAtom = Has | EveryMember | SomeMember | EveryName | SomeName
Atom = OneOf | Bound | Multiple | Size | Match | Formatted | ItemAtom | MemberAtom
Formula = Atom | Literal | Both | Either
Goal = frozenset[Formula]
"""Formulas that one value must make true together."""
