"""Which properties and items of a value a schema evaluates, case by case.

What is left for `unevaluatedProperties` and `unevaluatedItems` depends on the branches that the value fulfils (JSON Schema
2020-12, core, 11).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from bus.contracts.compatibility.budget import Undecided
from bus.contracts.compatibility.logic import (
    Both,
    Either,
    EveryItem,
    EveryMember,
    Formula,
    Has,
    Literal,
    Outside,
)
from bus.contracts.compatibility.nodes import target

_MOST_CASES = 256


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The evaluated properties, or the evaluated items: those that `unevaluatedProperties` or `unevaluatedItems` leaves out.

    Attributes:
        everything: all properties, or all items.
        names, patterns: properties by name and by pattern.
        prefix: the number of items at the front.
        like: items of these forms, at any index (`contains`).
    """

    everything: bool = False
    names: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    prefix: int = 0
    like: frozenset[Literal] = frozenset()

    def __or__(self, other: "Evaluated") -> "Evaluated":
        return Evaluated(
            self.everything or other.everything,
            self.names | other.names,
            self.patterns | other.patterns,
            max(self.prefix, other.prefix),
            self.like | other.like,
        )


_NOTHING = Evaluated()
Case = tuple[tuple[Formula, ...], Evaluated]
"""The formulas that hold in a case, and what is evaluated then."""

Reader = Callable[[Any, Any], Literal]
Own = Callable[[Any, Any], Evaluated]


class Evaluations:
    """Reads the two keywords into formulas."""

    def __init__(self, literal: Reader) -> None:
        self._literal = literal

    def properties(self, schema: Any, root: Any) -> Iterator[Formula]:
        """What `unevaluatedProperties` demands of an object."""
        if "unevaluatedProperties" in schema:
            what = self._literal(schema["unevaluatedProperties"], root)
            yield Either(
                tuple(
                    Both((*holds, EveryMember(Outside(seen.names, seen.patterns), what)))
                    if not seen.everything
                    else Both(holds)
                    for holds, seen in self._list_cases(schema, root, _get_own_properties, ("unevaluatedProperties",))
                )
            )

    def items(self, schema: Any, root: Any) -> Iterator[Formula]:
        """What `unevaluatedItems` demands of an array."""
        if "unevaluatedItems" in schema:
            what = self._literal(schema["unevaluatedItems"], root)
            yield Either(
                tuple(
                    Both((*holds, EveryItem(seen.prefix, None, Either((*seen.like, what)))))
                    if not seen.everything
                    else Both(holds)
                    for holds, seen in self._list_cases(schema, root, self._get_own_items, ("unevaluatedItems",))
                )
            )

    def _get_own_items(self, schema: Any, root: Any) -> Evaluated:
        like = frozenset({self._literal(schema["contains"], root)}) if "contains" in schema else frozenset[Literal]()
        everything = "items" in schema or "unevaluatedItems" in schema
        return Evaluated(everything, prefix=len(schema.get("prefixItems", ())), like=like)

    def _list_cases(
        self, schema: Any, root: Any, own: Own, without: tuple[str, ...] = (), seen: tuple[int, ...] = ()
    ) -> list[Case]:
        """The cases of values that are valid under `schema`; each value is in exactly one case."""
        if not isinstance(schema, dict):
            return [((), _NOTHING)]
        if id(schema) in seen:
            raise Undecided("a reference leads back to itself without going into the data")
        seen = (*seen, id(schema))
        body = {keyword: value for keyword, value in schema.items() if keyword not in without}
        cases: list[Case] = [((), own(body, root))]
        for alternatives in self._list_in_place(body, root, own, seen):
            if all(found == _NOTHING for _, found in alternatives):
                continue
            cases = [
                ((*holds, *further), found | more) for (holds, found), (further, more) in product(cases, alternatives)
            ]
            if len(cases) > _MOST_CASES:
                raise Undecided("too many branches decide what is unevaluated")
        return cases

    def _list_in_place(self, schema: Any, root: Any, own: Own, seen: tuple[int, ...]) -> Iterator[list[Case]]:
        """For each keyword that applies schemas to the same value, the cases of that keyword."""

        def cases(inner: Any) -> list[Case]:
            return self._list_cases(inner, root, own, (), seen)

        def when(inner: Any) -> list[Case]:
            return [((self._literal(inner, root), *holds), found) for holds, found in cases(inner)]

        def unless(inner: Any) -> list[Case]:
            return [((self._literal(inner, root).negated(),), _NOTHING)]

        if "$ref" in schema:
            yield cases(target(schema["$ref"], root))
        yield from (cases(inner) for inner in schema.get("allOf", ()))
        for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield when(inner) + unless(inner)
        for name, inner in schema.get("dependentSchemas", {}).items():
            absent: Case = ((Has(name, False),), _NOTHING)
            yield [absent, *(((Has(name, True), *holds), found) for holds, found in cases(inner))]
        if "if" in schema:
            then, otherwise = cases(schema.get("then", True)), cases(schema.get("else", True))
            yield [*_join(when(schema["if"]), then), *_join(unless(schema["if"]), otherwise)]


def _join(first: list[Case], second: list[Case]) -> list[Case]:
    return [((*holds, *further), found | more) for (holds, found), (further, more) in product(first, second)]


def _get_own_properties(schema: Any, _: Any) -> Evaluated:
    return Evaluated(
        "additionalProperties" in schema or "unevaluatedProperties" in schema,
        frozenset(schema.get("properties", ())),
        frozenset(schema.get("patternProperties", ())),
    )
