"""How much work a schema asks of a validator, estimated from the schema. A schema that asks for too much is refused.

Two things multiply. First, schemas that apply to one value: forty definitions, each with two references to the next, mean a
billion checks. Second, schemas that reach one member in several ways. If a recursive property is applied twice on each level,
data of fifty levels mean 2⁵⁰ checks. The compiled validator would need hours, or all memory, for one small payload.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bus import json
from bus.contracts.schemas import Schema, SchemaWrong, same_value, subschemas

_MOST_SCHEMAS: Final = 5_000
_HEAVIEST: Final = 1_000
"""Schemas that may apply to one value. A payload of a mebibyte has at most half a million values."""
_LONGEST_CHAIN: Final = 200
_LEVELS: Final = 64
"""Levels of data: as many as the edge allows for events."""
_MOST_DOWNWARD: Final = _HEAVIEST * _LEVELS
_MOST_STEPS: Final = 500_000
_UNDER_WAY: Final = -1

_UNEVALUATED: Final = frozenset({"unevaluatedProperties", "unevaluatedItems"})
_AGAIN_IN_PLACE: Final = 4
"""jsonschema-rs checks the keywords beside an `unevaluated…` again, to see what they evaluate. Each nesting costs this factor."""
_AGAIN_DOWNWARD: Final = 3
"""The same below branches that it must choose from (not below allOf and $ref). Each level of data costs at most this factor."""
_CERTAIN: Final = frozenset({"allOf", "$ref"})


BEYOND: Final = 1_000_000_000
"""The work of a schema that cannot be estimated."""

Own = Callable[[Schema], int]
"""The work of one schema object, without the schemas in it."""


def work_by_depth(schema: Any, own: Own) -> tuple[int, ...]:
    """The most work for the values down one path of the data: the sum of `own` over the schemas that apply.

    Returns:
        The work for data of one level, of two levels, and so on. The last one also counts for deeper data.
    """
    if not isinstance(schema, dict):
        return (1,)
    weights = _Weights(schema, own, BEYOND)
    try:
        weights.check_in_place()
        return tuple(min(BEYOND, level[id(schema)]) for level in weights.levels())
    except SchemaWrong:
        return (BEYOND,)


def check_weight(schema: Schema) -> None:
    """Refuse a schema that asks for endless or exponential work.

    Raises:
        SchemaWrong: the schema is too large, or a reference leads to no schema, or references form a circle. Or too many
            schemas apply to one value, or to the values down one path of the data.
    """
    weights = _Weights(schema)
    weights.check_in_place()
    weights.check_downward()


@dataclass(slots=True)
class _Members:
    """The schemas that apply to the members of a value, by id, with how often each applies.

    Attributes:
        others: the schemas for a member whose name (or index) no schema mentions.
        named: for each mentioned name, what it adds to `others` or takes away.
    """

    others: "Counter[int]" = field(default_factory=Counter)
    named: "defaultdict[str | int, Counter[int]]" = field(default_factory=lambda: defaultdict(Counter))

    def ids(self) -> Iterator[int]:
        yield from self.others
        for added in self.named.values():
            yield from added

    def heaviest(self, below: dict[int, int]) -> int:
        """The most work of any member; `below` says how much work each schema asks for."""
        others = _sum_up(self.others, below)
        return others + max((_sum_up(added, below) for added in self.named.values()), default=0)


class _Weights:
    def __init__(self, root: Schema, own: Own = lambda _: 1, most: int = _HEAVIEST) -> None:
        self._root = root
        self._own = own
        self._most = most
        self._places = {id(inner): path for path, inner in subschemas(root)}
        self._schemas: dict[int, Schema] = {id(inner): inner for _, inner in subschemas(root)}
        self._weights: dict[int, int] = {}
        self._steps = 0
        if len(self._schemas) > _MOST_SCHEMAS:
            raise SchemaWrong("", f"has more than {_MOST_SCHEMAS} schemas in it; use an enum for a long list of values")

    def check_in_place(self) -> None:
        """Refuse too many schemas on one value."""
        for number, inner in self._schemas.items():
            self._check_reference(inner)
            self._weigh(inner, self._get_place(number), 0)

    def check_downward(self) -> None:
        """Refuse too many schemas on the values down any path of the data."""
        for level in self.levels():
            for number, work in level.items():
                if work > _MOST_DOWNWARD:
                    raise SchemaWrong(
                        self._get_place(number), "applies several schemas to the same nested data on each level"
                    )

    def levels(self) -> Iterator[dict[int, int]]:
        """The work on the heaviest path of data, by the outermost schema: for one level, two levels, and so on."""
        members = self._collect_members()
        own = {number: self._weights[number] + self._list_names(number) for number in members}
        below = own
        yield below
        for _ in range(_LEVELS):
            above = {
                number: own[number] + max(objects.heaviest(below), arrays.heaviest(below))
                for number, (objects, arrays) in members.items()
            }
            if above == below:
                return
            yield above
            below = above

    def _check_reference(self, schema: Schema) -> None:
        target = next((inner for keyword, inner in same_value(self._root, schema) if keyword == "$ref"), True)
        if isinstance(target, dict) and id(target) not in self._schemas:
            # It refers to something unchecked, such as a constant.
            raise SchemaWrong(self._get_place(id(schema)) + "/$ref", "must point at a schema")

    def _weigh(self, schema: Any, at: str, depth: int) -> int:
        """How many schemas are applied to one value by `schema`, itself included."""
        if not isinstance(schema, dict):
            return 1
        known = self._weights.get(id(schema))
        if known is not None:
            if known == _UNDER_WAY:
                raise SchemaWrong(at, "goes round in a circle")
            return known
        if depth > _LONGEST_CHAIN:
            raise SchemaWrong(at, f"leads through more than {_LONGEST_CHAIN} references")
        self._weights[id(schema)] = _UNDER_WAY
        times = 1 if _UNEVALUATED.isdisjoint(schema) else _AGAIN_IN_PLACE
        weight = self._own(schema) + times * sum(
            self._weigh(inner, at, depth + 1) for _, inner in same_value(self._root, schema)
        )
        if weight > self._most:
            raise SchemaWrong(at, f"applies more than {self._most} schemas to one value")
        self._weights[id(schema)] = weight
        return weight

    def _collect_members(self) -> dict[int, tuple[_Members, _Members]]:
        """The schemas for members of objects and of arrays, for the root and every schema that applies to a member."""
        found: dict[int, tuple[_Members, _Members]] = {}
        waiting = [id(self._root)]
        while waiting:
            number = waiting.pop()
            if number in found:
                continue
            objects, arrays = _Members(), _Members()
            for schema, times in self._list_in_place(self._schemas[number], 1):
                self._spend(len(schema) + len(schema.get("properties", ())) + len(schema.get("prefixItems", ())))
                _add_properties(objects, schema, times)
                _add_items(arrays, schema, times)
            found[number] = objects, arrays
            waiting.extend({*objects.ids(), *arrays.ids()} - found.keys())
        return found

    def _list_in_place(self, schema: Any, times: int) -> Iterator[tuple[Schema, int]]:
        """The schemas that apply to the same value, `schema` first, and how often each applies."""
        if not isinstance(schema, dict):
            return
        self._spend(1)
        yield schema, times
        chooses = not _UNEVALUATED.isdisjoint(schema)
        for keyword, inner in same_value(self._root, schema):
            again = _AGAIN_DOWNWARD if chooses and keyword not in _CERTAIN else 1
            yield from self._list_in_place(inner, times * again)

    def _list_names(self, number: int) -> int:
        named = self._schemas[number].get("propertyNames")
        return self._weights[id(named)] if isinstance(named, dict) else 0

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise SchemaWrong("", "has too many schemas that refer to each other")

    def _get_place(self, number: int) -> str:
        return json.to_pointer(self._places[number])


def _add_properties(members: _Members, schema: Schema, times: int) -> None:
    unnamed = [schema.get(keyword) for keyword in ("additionalProperties", "unevaluatedProperties")]
    # A pattern counts for every name, without a look at whether it matches.
    _add(members.others, [*schema.get("patternProperties", {}).values(), *unnamed], times)
    for name, inner in schema.get("properties", {}).items():
        _add(members.named[name], [inner], times)
        _add(members.named[name], unnamed, -times)


def _add_items(members: _Members, schema: Schema, times: int) -> None:
    unnamed = [schema.get("items")]
    _add(members.others, [*unnamed, schema.get("contains"), schema.get("unevaluatedItems")], times)
    for index, inner in enumerate(schema.get("prefixItems", ())):
        _add(members.named[index], [inner], times)
        _add(members.named[index], unnamed, -times)


def _add(counter: "Counter[int]", schemas: list[Any], times: int) -> None:
    for schema in schemas:
        if isinstance(schema, dict):
            counter[id(schema)] += times


def _sum_up(counter: "Counter[int]", work: dict[int, int]) -> int:
    return sum(times * work[number] for number, times in counter.items())
