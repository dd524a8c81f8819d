"""Finds identifiers of persons in schemas: by the shared definitions of schemas/common, and by the names of properties.

A contract's classification is its author's word. What its schema holds is not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import jsonschema_rs

from bus import json, shipped
from bus.contracts.document import Contract
from bus.contracts.outline import Field, outline
from bus.contracts.schemas import Schema, in_use, subschemas
from bus.problem import Unavailable

_COMMON: Final = shipped.SCHEMAS / "common"
_PARTS: Final = ("schema", "request", "answer")
_NAMED: Final = {"nik": "nik", "kk": "nomor-kk"}
"""Words of a property's name that say which identifier it holds."""
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NOT_PERSONAL: Final = ("public", "internal")
_LIMITS: Final = ("pattern", "minLength", "maxLength", "enum", "const")
_OTHERS: Final = ("", "a", "0", "12345678", "1234567890123", "123456789012345678", "Rekaan", "35.24.01.2001")
"""Texts that no identifier of a person is: a field that takes one of them is no field for identifiers alone."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A place in a contract that holds an identifier of persons.

    Attributes:
        pointer: JSON Pointer of the place's schema in the contract document.
        field: JSON Pointer of the place in the data; empty where no declared field shows it.
        definition: the name of the shared definition (`nik`, `nomor-kk`).
        is_certain: the schema takes such identifiers and hardly any other text; else only the name speaks of them.
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
            yield from _in_schema(schema, f"/{part}")


def holds(schemas: tuple[Schema, ...], definition: str) -> bool:
    """Whether a field under these schemas takes values of a shared definition, and hardly any other text."""
    texts = [schema for schema in schemas if schema.get("type", "string") == "string"]
    each = [limits for schema in texts if (limits := _limits(schema))]
    if not each:
        return False
    return any(_is_made_for(json.canonical(limits), definition) for limits in [*each, {"allOf": each}])


def _in_schema(schema: Schema, at: str) -> Iterator[Identified]:
    found = False
    pointers = {id(inner): json.pointer(path) for path, inner in subschemas(schema)}
    for field in outline(schema):
        held = _held(field.schemas)
        if definition := held or _named(json.path(field.pointer)[-1], field.schemas):
            found = True
            yield Identified(at + _pointer(field, pointers), field.pointer, definition, held is not None)
    # What no field of the outline shows: names of members, items of arrays, fields too deep for the outline.
    if not found and (definition := _anywhere(schema)):
        yield Identified(at, "", definition, True)


def _pointer(field: Field, pointers: Mapping[int, str]) -> str:
    return pointers.get(id(field.schemas[0]), "") if field.schemas else ""


def _anywhere(schema: Schema) -> str | None:
    for one in in_use(schema):
        names = [{"pattern": pattern} for pattern in one.get("patternProperties", {})]
        if held := next((found for limits in (one, *names) if (found := _held((limits,)))), None):
            return held
    return None


def _held(schemas: tuple[Schema, ...]) -> str | None:
    return next((definition for definition in _NAMED.values() if holds(schemas, definition)), None)


def _named(name: str, schemas: tuple[Schema, ...]) -> str | None:
    """The identifier that a property's name speaks of, unless its schema says that it is about no person."""
    if any(one.get("x-classification") in _NOT_PERSONAL for one in schemas):
        return None
    words = (word.lower() for word in _WORD.findall(name))
    return next((_NAMED[word] for word in words if word in _NAMED), None)


def _limits(schema: Schema) -> Schema:
    return {keyword: schema[keyword] for keyword in _LIMITS if keyword in schema}


@lru_cache(maxsize=4096)
def _is_made_for(limits: bytes, definition: str) -> bool:
    """Whether a schema, as JSON, takes an identifier and no other text."""
    # Not with Python's re, which a hostile pattern could keep busy for ever.
    schema = jsonschema_rs.validator_for(json.loads(limits), pattern_options=jsonschema_rs.RegexOptions())
    return all(map(schema.is_valid, _samples(definition))) and not any(map(schema.is_valid, _OTHERS))


@cache
def _samples(definition: str) -> tuple[str, ...]:
    try:
        schema = json.loads((_COMMON / f"{definition}.schema.json").read_bytes())
    except OSError as error:
        raise Unavailable(f"The installation lacks schemas/common/{definition}; install the bus again.") from error
    return tuple(schema["examples"])
