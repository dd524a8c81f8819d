"""What a schema declares: cuts from data everything that the schema says nothing about.

`properties`, `patternProperties`, and an `additionalProperties` that is a schema declare members, in any branch of the schema.
A place without declared places below covers all that is in it, if it may hold such a value.
If data do not have the form that the schema describes, they are not shown.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final

import jsonschema_rs

from bus.contracts.schemas import Schema, in_place, referred

Closes = Callable[[Schema, Any, tuple[int, ...]], bool]

_MOST_PLACES: Final = 2_000
"""Places that are remembered. Further places are made anew at each use."""
_MOST_LEAVES: Final = 1_000
_DEEPEST: Final = 12
_NOTHING: Final = object()
_TYPES: Final = (
    (bool, "boolean"),
    (str, "string"),
    (int, "number"),
    (float, "number"),
    (list, "array"),
    (dict, "object"),
)
_SCALARS: Final = frozenset({"boolean", "string", "number", "integer"})


def find_declared(schema: Schema) -> "Declared":
    """What a self-contained schema declares of the data."""
    return Declared(_Places(schema), (schema,), (schema,))


class Declared:
    """One place in the data, with the schemas that may apply to it. A place is made when it is first needed."""

    def __init__(self, places: "_Places", heads: Sequence[Any], certain: Sequence[Any]) -> None:
        """Create a place; other rooms call `find_declared`.

        Args:
            places: all places of the same schema.
            heads: the schemas that may apply, before references are followed.
            certain: the schemas among `heads` that apply in every case.
        """
        self._places = places
        self._heads = heads
        self._certain = certain
        self._applied = [one for one in in_place(places.root, list(heads)) if isinstance(one, dict)]
        self._types = _collect_types(self._applied)
        self._has_members = any(_declares_members(one) for one in self._applied)
        self._has_items = any(_declares_items(one) for one in self._applied)
        self._names = dict.fromkeys(name for one in self._applied for name in one.get("properties", ()))
        self._named: dict[str, Declared | None] = {}

    def cut(self, value: Any) -> Any:
        """The value without undeclared parts. If nothing of it is declared, an object without members."""
        cut = self._cut(value)
        return {} if cut is _NOTHING else cut

    def declares(self, steps: Iterable[str]) -> bool:
        """Whether the schema declares a place. The step `*` stands for every item of an array or member of a map."""
        place: Declared | None = self
        for step in steps:
            if place is None:
                return False
            if place._is_leaf():
                return place._takes("array") or place._takes("object")
            place = place._get_each() if step == "*" else place._get_member(step)
        return place is not None

    def leaves(self) -> list[tuple[str, ...]]:
        """The paths of single values, in the schema's order. The step `*` stands for all items, or all other members.

        Definitions that refer to each other multiply. Beyond `_MOST_LEAVES`, a place covers all that is below it.
        """
        found: list[tuple[str, ...]] = []
        self._add_leaves((), found)
        return found

    def _add_leaves(self, path: tuple[str, ...], found: list[tuple[str, ...]]) -> None:
        below = [(name, place) for name in self._names if (place := self._get_member(name)) is not None]
        each = self._get_each()
        if each is not None and (below or not each._is_leaf()):
            below.append(("*", each))
        if not below or len(path) >= _DEEPEST or len(found) >= _MOST_LEAVES:
            found.append(path)
            return
        if path and self._holds_others():
            found.append(path)
        for name, place in below:
            place._add_leaves((*path, name), found)

    def _is_leaf(self) -> bool:
        return not (self._has_members or self._has_items)

    def _holds_others(self) -> bool:
        """Whether the place may hold a value that is shown whole, although something is declared below."""
        is_container = (not self._has_members and self._takes("object")) or (
            not self._has_items and self._takes("array")
        )
        return is_container or self._takes_scalar()

    @cached_property
    def is_all(self) -> bool:
        """Whether the schema declares everything that valid data can hold."""
        waiting, seen = [self], {id(self)}
        while waiting:
            place = waiting.pop()
            if len(seen) > _MOST_PLACES or not place._is_closed():
                return False
            for below in place._list_below():
                if id(below) not in seen:
                    seen.add(id(below))
                    waiting.append(below)
        return True

    def _cut(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, dict):
            if self._has_members:
                return self._cut_members(value)
            return value if self._takes("object") else _NOTHING
        if isinstance(value, list):
            if self._has_items:
                return self._cut_items(value)
            return value if self._takes("array") else _NOTHING
        return value if self._takes_scalar() else _NOTHING

    def _cut_members(self, value: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, inner in value.items():
            below = self._get_member(name)
            cut = _NOTHING if below is None else below._cut(inner)
            if cut is not _NOTHING:
                found[name] = cut
        return found

    def _cut_items(self, value: list[Any]) -> list[Any]:
        found: list[Any] = []
        for index, inner in enumerate(value):
            below = self._get_item(index)
            cut = _NOTHING if below is None else below._cut(inner)
            if cut is not _NOTHING:
                found.append(cut)
        return found

    def _takes(self, kind: str) -> bool:
        """Whether the place may hold a container of a kind. Without a `type` it may, unless only the other kind is declared."""
        if self._types is not None:
            return kind in self._types
        return not (self._has_items if kind == "object" else self._has_members)

    def _takes_scalar(self) -> bool:
        if self._types is not None:
            return not _SCALARS.isdisjoint(self._types)
        return not (self._has_members or self._has_items)

    def _get_member(self, name: str) -> "Declared | None":
        if name in self._named:
            return self._named[name]
        found = self._place(lambda schema: self._places.members(schema, name))
        if name in self._names:
            self._named[name] = found
        return found

    def _get_item(self, index: int) -> "Declared | None":
        return self._place(lambda schema: _list_items(schema, index))

    def _get_each(self) -> "Declared | None":
        """All items of an array as one place, or all members of a map that no name declares."""
        return self._place(_list_every)

    def _place(self, below: Callable[[Schema], list[Any]]) -> "Declared | None":
        heads = _collect_schemas(below, self._applied)
        return self._places.place(heads, _collect_schemas(below, self._surely)) if heads else None

    @cached_property
    def _surely(self) -> list[Schema]:
        """The schemas that apply in every case: no branch of anyOf, oneOf or a condition."""
        waiting, found, seen = list(self._certain), [], set()
        while waiting:
            schema = waiting.pop()
            if isinstance(schema, dict) and id(schema) not in seen:
                seen.add(id(schema))
                found.append(schema)
                waiting += [*schema.get("allOf", ()), *referred(self._places.root, schema)]
        return found

    def _list_below(self) -> Iterator["Declared"]:
        """Every place below. Members without a named property are one place for each schema that declares them."""
        yield from (place for name in self._names if (place := self._get_member(name)) is not None)
        for one in self._applied:
            yield from (self._places.place([inner], [inner]) for inner in _list_every(one))

    def _is_closed(self) -> bool:
        if self._is_leaf():
            return True
        if self._types is None:
            return False
        sure = [one for one in self._certain if isinstance(one, dict)]
        heads = [one for one in self._heads if isinstance(one, dict)]
        return all(
            any(closes(self._places.root, one, ()) for one in sure)
            or all(closes(self._places.root, one, ()) for one in heads)
            for has, closes in ((self._has_members, _closes_object), (self._has_items, _closes_array))
            if has
        )


class _Places:
    """The places of one schema, each made once."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self._made: dict[tuple[tuple[int, ...], tuple[int, ...]], Declared] = {}
        self._patterns: dict[str, Any] = {}

    def place(self, heads: Sequence[Any], certain: Sequence[Any]) -> Declared:
        name = (tuple(map(id, heads)), tuple(map(id, certain)))
        made = self._made.get(name)
        if made is None:
            made = Declared(self, heads, certain)
            if len(self._made) < _MOST_PLACES:
                self._made[name] = made
        return made

    def members(self, schema: Schema, name: str) -> list[Any]:
        """The schemas that a schema itself applies to a member by its name."""
        properties = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        found = [inner for pattern, inner in patterns.items() if self._matches(pattern, name)]
        if name in properties:
            found.append(properties[name])
        return found or _keep_dicts(schema.get("additionalProperties"))

    def _matches(self, pattern: str, name: str) -> bool:
        # Not Python's re: a hostile pattern could keep it busy for ever.
        compiled = self._patterns.get(pattern)
        if compiled is None:
            options = jsonschema_rs.RegexOptions()
            compiled = self._patterns[pattern] = jsonschema_rs.Draft202012Validator(
                {"pattern": pattern}, pattern_options=options
            )
        return bool(compiled.is_valid(name))


def _collect_schemas(below: Callable[[Schema], list[Any]], schemas: Iterable[Schema]) -> list[Any]:
    return [child for schema in schemas for child in below(schema) if child is not False]


def _collect_types(schemas: Iterable[Schema]) -> frozenset[str] | None:
    """The types that schemas allow, by `type` or by the values that they list; None: they limit no type."""
    found: set[str] = set()
    is_said = False
    for schema in schemas:
        if "type" in schema:
            is_said = True
            said = schema["type"]
            found.update([said] if isinstance(said, str) else said)
        elif "enum" in schema or "const" in schema:
            is_said = True
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            found.update(name for value in values for kind, name in _TYPES if isinstance(value, kind))
    return frozenset(found) if is_said else None


def _declares_members(schema: Schema) -> bool:
    return bool(
        schema.get("properties") or schema.get("patternProperties") or _keep_dicts(schema.get("additionalProperties"))
    )


def _declares_items(schema: Schema) -> bool:
    return "prefixItems" in schema or isinstance(schema.get("items"), dict)


def _list_items(schema: Schema, index: int) -> list[Any]:
    prefix = schema.get("prefixItems", ())
    return [prefix[index]] if index < len(prefix) else _keep_dicts(schema.get("items"))


def _list_every(schema: Schema) -> list[Any]:
    """The schemas of items, and of members without a named property."""
    patterns = schema.get("patternProperties", {}).values()
    return _keep_dicts(
        *schema.get("prefixItems", ()), schema.get("items"), *patterns, schema.get("additionalProperties")
    )


def _keep_dicts(*schemas: Any) -> list[Any]:
    return [schema for schema in schemas if isinstance(schema, dict)]


def _closes_object(root: Schema, schema: Any, above: tuple[int, ...]) -> bool:
    """Whether a schema declares every member that a valid value can have."""
    if not isinstance(schema, dict) or id(schema) in above:
        return False
    types = _collect_types([schema])
    if types is not None and "object" not in types:
        return True
    if schema.get("additionalProperties", True) is not True:
        return True
    # Members that only a condition mentions count as evaluated, but nothing declares them.
    if schema.get("unevaluatedProperties") is False and "if" not in schema:
        return True
    return _closes_within(root, schema, above, _closes_object)


def _closes_array(root: Schema, schema: Any, above: tuple[int, ...]) -> bool:
    """Whether a schema declares every item that a valid array can have."""
    if not isinstance(schema, dict) or id(schema) in above:
        return False
    types = _collect_types([schema])
    if types is not None and "array" not in types:
        return True
    return schema.get("items", True) is not True or _closes_within(root, schema, above, _closes_array)


def _closes_within(root: Schema, schema: Schema, above: tuple[int, ...], closes: Closes) -> bool:
    here = (*above, id(schema))
    if any(closes(root, one, here) for one in (*schema.get("allOf", ()), *referred(root, schema))):
        return True
    return any(
        branches and all(closes(root, one, here) for one in branches)
        for branches in (schema.get("anyOf", ()), schema.get("oneOf", ()))
    )
