"""Finds identifiers of persons in schemas: by the values that a place accepts, and by the names of properties.

A contract's classification is only what its author says. Its schema shows what the data hold.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bus import json
from bus.contracts.document import Contract
from bus.contracts.outline import draw_outline
from bus.contracts.person_names import certain_name, names_tax_number, spoken_name
from bus.contracts.person_values import Judgement, judge, may_hold
from bus.contracts.scalars import limits_of, scalar_schema
from bus.contracts.schemas import Schema, children, in_place, inside, referred, subschemas

_PARTS: Final = ("schema", "request", "answer")
_NOT_PERSONAL: Final = ("public", "internal")
_NOT_TAKEN: Final = ("$defs", "definitions", "not", "if")
"""Keywords whose schemas a valid value need not fit."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A place in a contract that holds an identifier of persons.

    Attributes:
        pointer: JSON Pointer of the place's schema in the contract document.
        field: JSON Pointer of the place in the data; empty: no declared field leads there.
        definition: the name of the shared definition (`nik`, `nomor-kk`).
        is_certain: the schema is made for such identifiers, or accepts them under their own name. If False, only a word of
            the property's name means them.
    """

    pointer: str
    field: str
    definition: str
    is_certain: bool


def identifies_persons(contract: Contract) -> bool:
    """Whether the contract is about persons: by its classification, or by the identifiers in its schemas."""
    return contract.classification.is_about_persons or next(identifiers(contract), None) is not None


def identifiers(contract: Contract) -> Iterator[Identified]:
    """Each place of the contract's schemas that holds an identifier of persons."""
    for part in _PARTS:
        schema = contract.document.get(part)
        if schema is not None:
            yield from _Search(schema, f"/{part}").places()


def holds(root: Schema, schemas: tuple[Schema, ...], definition: str) -> bool:
    """Whether a field is made for the identifiers of a shared definition, and accepts each of them as text.

    Args:
        root: the schema that the field is in.
        schemas: the schemas that apply to the field.
        definition: the definition's name.
    """
    judgements = list(_judge_all(root, schemas))
    return any(one.definition and definition in one.takes_all for one in judgements)


def is_certain(root: Schema, name: str, schemas: tuple[Schema, ...]) -> bool:
    """Whether a place certainly holds identifiers. Its schemas are made for them, or accept them under their own name.

    Args:
        root: the schema that the place is in.
        name: the name of the property that is the place, or that holds it.
        schemas: the schemas that apply to the place.
    """
    return _find_made_for(root, name, schemas) is not None or (
        certain_name(name) is not None and _may_hold(root, schemas)
    )


def names_identifiers(root: Schema, schema: Schema) -> bool:
    """Whether the names of an object's members are made to be identifiers."""
    if any(
        judge(json.dump_canonical({"pattern": pattern})).definition for pattern in schema.get("patternProperties", ())
    ):
        return True
    names = [one for one in in_place(root, [schema.get("propertyNames")]) if isinstance(one, dict)]
    return _find_made_for(root, "", tuple(names)) is not None


class _Search:
    """The search through one schema of a contract."""

    def __init__(self, root: Schema, at: str) -> None:
        self._root = root
        self._at = at
        self._pointers: Mapping[int, str] = {id(inner): json.to_pointer(path) for path, inner in subschemas(root)}
        self._seen: set[int] = set()

    def places(self) -> Iterator[Identified]:
        for field in draw_outline(self._root):
            self._seen.update(map(id, field.schemas))
            name = json.parse_pointer(field.pointer)[-1]
            if found := _judge_named(self._root, name, field.schemas):
                yield self._make_identified(field.schemas, field.pointer, *found)
        yield from self._search_members()
        yield from self._search_others()

    def _search_members(self) -> Iterator[Identified]:
        """Identifiers in members that the outline does not show: they are deep, or no property declares their name."""
        for schema, _ in _list_applied(self._root):
            for name in member_names(schema):
                heads = [head for head in children(schema, name) if id(head) not in self._seen]
                schemas = tuple(one for one in in_place(self._root, heads) if isinstance(one, dict))
                definition = certain_name(name) if schemas else None
                if definition and _may_hold(self._root, schemas):
                    self._seen.update(map(id, schemas))
                    yield self._make_identified(schemas, "", definition, True)

    def _search_others(self) -> Iterator[Identified]:
        """Identifiers that no declared field shows: in names of members, in items of arrays, too deep for the outline."""
        for schema, name in _list_applied(self._root):
            if id(schema) not in self._seen:
                schemas = tuple(one for one in in_place(self._root, [schema]) if isinstance(one, dict))
                self._seen.update(map(id, schemas))
                if definition := _find_made_for(self._root, name, schemas):
                    yield self._make_identified((schema,), "", definition, True)
            for pattern in schema.get("patternProperties", {}):
                if definition := judge(json.dump_canonical({"pattern": pattern})).definition:
                    yield self._make_identified((schema,), "", definition, True)

    def _make_identified(self, schemas: tuple[Schema, ...], field: str, definition: str, certain: bool) -> Identified:
        pointer = self._pointers.get(id(schemas[0]), "") if schemas else ""
        return Identified(self._at + pointer, field, definition, certain)


def _judge_named(root: Schema, name: str, schemas: tuple[Schema, ...]) -> tuple[str, bool] | None:
    """The identifier that a field holds, and whether that is certain; None: the field holds no identifier."""
    if made_for := _find_made_for(root, name, schemas):
        return made_for, True
    named = certain_name(name)
    if named and _may_hold(root, schemas):
        return named, True
    spoken = spoken_name(name)
    if spoken is None or any(one.get("x-classification") in _NOT_PERSONAL for one in schemas):
        return None
    return spoken, False


def _find_made_for(root: Schema, name: str, schemas: tuple[Schema, ...]) -> str | None:
    """The identifier that a place's schemas are made for.

    A field for tax numbers counts too, also for old ones: some tax numbers belong to persons.
    """
    for one in _judge_all(root, schemas):
        if one.definition and not (one.takes_old_tax_numbers and names_tax_number(name)):
            return one.definition
    return None


def _may_hold(root: Schema, schemas: tuple[Schema, ...]) -> bool:
    """Whether a place may hold an identifier, by any outermost schema that applies there."""
    parts = {id(part) for one in schemas for part in in_place(root, [one])[1:]}
    wholes = [one for one in schemas if id(one) not in parts] or schemas
    return not schemas or any(may_hold(json.dump_canonical(scalar_schema(root, one))) for one in wholes)


def _judge_all(root: Schema, schemas: tuple[Schema, ...]) -> Iterator[Judgement]:
    """Judgements on the schemas of one place: of each schema, and of all together, for texts and for numbers."""
    wholes: list[Any] = [scalar_schema(root, one) for one in schemas]
    for kind in ("string", "integer"):
        limits = limits_of(schemas, kind)
        if len(limits) > 1:
            wholes.append({"type": kind, "allOf": limits})
    return map(judge, dict.fromkeys(map(json.dump_canonical, wholes)))


def _list_applied(root: Schema) -> Iterator[tuple[Schema, str]]:
    """Every schema that may apply to some part of the data, with the name of the nearest property above it."""
    seen: set[tuple[int, bool]] = set()
    waiting: list[tuple[Any, str]] = [(root, "")]
    while waiting:
        schema, name = waiting.pop()
        place = (id(schema), names_tax_number(name))
        if not isinstance(schema, dict) or place in seen:
            continue
        seen.add(place)
        yield schema, name
        for step, inner in inside(schema):
            if step[0] not in _NOT_TAKEN:
                waiting.append((inner, str(step[1]) if step[0] == "properties" else name))
        waiting += [(target, name) for target in referred(root, schema)]


def member_names(schema: Schema) -> Iterator[str]:
    """The names of members that a schema mentions, by whatever keyword. A pattern of names is given as if it were a name."""
    yield from schema.get("properties", ())
    yield from schema.get("required", ())
    for name, others in schema.get("dependentRequired", {}).items():
        yield from (name, *others)
    yield from schema.get("dependentSchemas", ())
    for pattern in schema.get("patternProperties", ()):
        yield pattern.removeprefix("^").removesuffix("$")
    names: Any = schema.get("propertyNames")
    if isinstance(names, dict):
        yield from (one for one in (*names.get("enum", ()), names.get("const")) if isinstance(one, str))
