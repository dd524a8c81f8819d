"""Lint of the schemas: names, descriptions, types, bounds, and misspelt keywords."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bus import json
from bus.contracts.compatibility.budget import Undecided
from bus.contracts.document import Contract
from bus.contracts.expressions import Anchor, Choice, Expression, Repeat, Sequence, parse
from bus.contracts.lint.rule import Rule, Severity
from bus.contracts.lint.vocabulary import BOUNDED_FORMATS, KEYWORDS, names_person
from bus.contracts.outline import draw_outline
from bus.contracts.schemas import Schema, children, in_place, subschemas
from bus.problem import FieldError

NAME = Rule(
    "name",
    Severity.WARNING,
    "Properties are named in snake_case.",
    "One way of writing names, in every contract, is one less to look up; generated code reads well.",
    "Write small letters, digits and underscores, a letter first: `kode_wilayah`.",
)
DESCRIPTION = Rule(
    "description",
    Severity.WARNING,
    "Every property has a description.",
    "Perpres 39/2019 asks for metadata; who gets the data cannot ask who made them.",
    "Add `description`: what the value means, its unit, where it comes from.",
)
TYPE = Rule(
    "type",
    Severity.WARNING,
    "Every property says what type it has.",
    "Without one anything is valid there.",
    "Add `type`, or `enum`, `const` or a `$ref` that says it.",
)
BOUND = Rule(
    "bound",
    Severity.WARNING,
    "Texts and arrays have a greatest length.",
    "Consumers reserve columns and memory; without a bound one event fills them.",
    "Add `maxLength` or `maxItems`; an `enum`, a `format` such as date, or a pattern of fixed length is a bound too.",
)
CLOSED = Rule(
    "closed",
    Severity.WARNING,
    "Objects say whether they may hold more than they declare.",
    "In an open object anything passes unchecked and is shown to nobody, and a property that is added later may contradict "
    "what was sent before.",
    "Add `additionalProperties: false` (with allOf: `unevaluatedProperties: false`), or a schema for the others.",
)
KEYWORD = Rule(
    "keyword",
    Severity.WARNING,
    "Keywords are those of JSON Schema 2020-12, or begin with `x-`.",
    "An unknown keyword is ignored: what it was meant to check is not checked.",
    "Mend the spelling; write an annotation of your own as `x-…`.",
)
EXCLUDED = Rule(
    "excluded",
    Severity.ERROR,
    "Each value of `enum` and `const` has the `type` that stands beside it.",
    "Otherwise no data can have the value, though the schema seems to offer it; YAML reads `true` and `35` as no texts.",
    "Mend `type`, take the value out, or quote it: `'35'`.",
)
PERSONAL = Rule(
    "personal-data",
    Severity.WARNING,
    "A contract with properties about persons is classified personal or sensitive.",
    "UU 27/2022: grants must be complete, and each reading must leave a disclosure; a public contract leaves none.",
    "Raise `classification`; where the property is about no person, say so in its schema: `x-classification: public`.",
)

_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NOT_PERSONAL = ("public", "internal")
_PARTS = ("schema", "request", "answer")


@dataclass(frozen=True, slots=True)
class _Place:
    """A declared place in the data.

    Attributes:
        pointer: pointer to its schema in the contract document.
        name: the property's name; None: the whole data, or an item of an array.
        schemas: the schemas that apply there.
        beside: the names of the other properties of the same object.
    """

    pointer: str
    name: str | None
    schemas: tuple[Schema, ...]
    beside: frozenset[str] = frozenset()

    def says(self, *keywords: str) -> bool:
        return any(keyword in one for one in self.schemas for keyword in keywords)

    def may_be(self, kind: str) -> bool:
        return any(kind == one.get("type") or kind in _make_list(one.get("type")) for one in self.schemas)


def _make_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _list_places(contract: Contract) -> Iterator[_Place]:
    for part in _PARTS:
        root = contract.document.get(part)
        if root is not None:
            yield from _list_places_in(root, f"/{part}")


def _list_places_in(root: Schema, at: str) -> Iterator[_Place]:
    pointers = {id(inner): at + json.to_pointer(path) for path, inner in subschemas(root)}
    fields = [(field.pointer, field.schemas) for field in draw_outline(root)]
    applied = tuple(one for one in in_place(root, [root]) if isinstance(one, dict))
    members: defaultdict[str, set[str]] = defaultdict(set)
    for pointer, _ in fields:
        members[pointer.rpartition("/")[0]].add(json.parse_pointer(pointer)[-1])
    for pointer, schemas in [("", applied), *fields]:
        name = json.parse_pointer(pointer)[-1] if pointer else None
        stands = pointers[id(schemas[0])] if schemas else at
        beside = members[pointer.rpartition("/")[0]] - {name} if name else ()
        yield _Place(stands, name, schemas, frozenset(beside))
        yield from _list_items(root, schemas, pointers, at)


def _list_items(root: Schema, schemas: tuple[Schema, ...], pointers: dict[int, str], at: str) -> Iterator[_Place]:
    """The items of an array, of the arrays in it, and so on."""
    seen: set[int] = set()
    while schemas:
        heads = [
            child for one in schemas for child in children({**one, "properties": {}}, "*") if id(child) not in seen
        ]
        seen.update(id(child) for child in heads)
        schemas = tuple(one for one in in_place(root, heads) if isinstance(one, dict))
        if schemas:
            yield _Place(pointers.get(id(schemas[0]), at), None, schemas)


def _check(rule: Callable[[_Place], str | None]) -> Callable[[Contract], Iterator[FieldError]]:
    def check(contract: Contract) -> Iterator[FieldError]:
        for place in _list_places(contract):
            if detail := rule(place):
                yield FieldError(place.pointer, detail)

    return check


def _is_no_name(place: _Place) -> str | None:
    wrong = place.name is not None and not _SNAKE.fullmatch(place.name)
    return f"{place.name} is not in snake_case" if wrong else None


def _lacks_description(place: _Place) -> str | None:
    return f"{place.name} has no description" if place.name is not None and not place.says("description") else None


def _lacks_type(place: _Place) -> str | None:
    typed = place.says("type", "enum", "const") or place.name is None
    return None if typed else f"{place.name} may be of any type"


def _lacks_bound(place: _Place) -> str | None:
    if place.says("enum", "const"):
        return None
    if place.may_be("string") and not place.says("maxLength") and not any(map(_bounds_text, place.schemas)):
        return "the text has no greatest length"
    if (
        place.may_be("array")
        and not place.says("maxItems")
        and not any(one.get("items") is False for one in place.schemas)
    ):
        return "the array has no greatest length"
    return None


def _bounds_text(schema: Schema) -> bool:
    return schema.get("format") in BOUNDED_FORMATS or ("pattern" in schema and _is_bounded(schema["pattern"]))


def _is_bounded(pattern: str) -> bool:
    """Whether a pattern matches from the first to the last character, and has no endless repetition."""
    try:
        tree = parse(pattern)
    except Undecided:
        return False
    tied = isinstance(tree, Sequence) and tree.parts[:1] == (Anchor.START,) and tree.parts[-1:] == (Anchor.END,)
    return tied and not _is_endless(tree)


def _is_endless(tree: Expression) -> bool:
    match tree:
        case Repeat(what, _, most):
            return most is None or _is_endless(what)
        case Sequence(parts) | Choice(parts):
            return any(map(_is_endless, parts))
        case _:
            return False


def _is_open(place: _Place) -> str | None:
    is_object = place.may_be("object") or place.says("properties")
    says = place.says("additionalProperties", "unevaluatedProperties")
    return "the object may hold anything beside what it declares" if is_object and not says else None


def _check_keywords(contract: Contract) -> Iterator[FieldError]:
    for part in _PARTS:
        for path, schema in subschemas(contract.document.get(part)):
            for keyword in schema:
                if keyword not in KEYWORDS and not keyword.startswith("x-"):
                    yield FieldError(f"/{part}" + json.to_pointer((*path, keyword)), _describe_unknown(keyword))


def _describe_unknown(keyword: str) -> str:
    close = get_close_matches(keyword, KEYWORDS, n=1)
    return f"is not a keyword of JSON Schema{f'; {close[0]} is' if close else ''}"


def _find_excluded(contract: Contract) -> Iterator[FieldError]:
    for part in _PARTS:
        for path, schema in subschemas(contract.document.get(part)):
            types = _make_list(schema.get("type")) or [schema.get("type")]
            values: list[tuple[tuple[str, ...], Any]] = [
                (("enum", str(index)), value) for index, value in enumerate(schema.get("enum", ()))
            ]
            values += [(("const",), schema["const"])] if "const" in schema else []
            for at, value in values if "type" in schema else ():
                if not any(_is_of(value, str(kind)) for kind in types):
                    kinds = " or ".join(map(str, types))
                    yield FieldError(f"/{part}" + json.to_pointer((*path, *at)), f"is no {kinds}, as `type` demands")


def _is_of(value: Any, kind: str) -> bool:
    if isinstance(value, bool) or value is None:
        return kind == ("null" if value is None else "boolean")
    if isinstance(value, int | float):
        return kind == "number" or (kind == "integer" and value == int(value))
    return kind == ("string" if isinstance(value, str) else "array" if isinstance(value, list) else "object")


def _check_personal(contract: Contract) -> Iterator[FieldError]:
    if contract.classification.is_about_persons:
        return
    for place in _list_places(contract):
        told = any(one.get("x-classification") in _NOT_PERSONAL for one in place.schemas)
        if place.name and names_person(place.name, place.beside) and not told:
            yield FieldError(
                place.pointer, f"{place.name} names personal data; the contract is {contract.classification.value}"
            )


CHECKS = (
    (NAME, _check(_is_no_name)),
    (DESCRIPTION, _check(_lacks_description)),
    (TYPE, _check(_lacks_type)),
    (BOUND, _check(_lacks_bound)),
    (CLOSED, _check(_is_open)),
    (KEYWORD, _check_keywords),
    (EXCLUDED, _find_excluded),
    (PERSONAL, _check_personal),
)
