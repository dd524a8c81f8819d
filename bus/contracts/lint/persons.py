"""Lint of personal data: compares a contract's classification with the identifiers in its schemas, and with its adapters."""

from collections.abc import Iterator
from itertools import groupby

from bus import json
from bus.contracts.document import Contract
from bus.contracts.lint.rule import Rule, Severity
from bus.contracts.lint.vocabulary import ADDRESS_NAMES, PERSONAL_DEFINITIONS, PERSONAL_NAMES, PHONE_NAMES
from bus.contracts.outline import draw_outline
from bus.contracts.persons import identifiers
from bus.contracts.schemas import Schema, subschemas
from bus.problem import FieldError

_NOT_PERSONAL = ("public", "internal")

IDENTIFIER = Rule(
    "identifier",
    Severity.ERROR,
    "A public or internal contract holds no field made for an identifier of persons (NIK, nomor KK), or named as one.",
    "UU 27/2022: such numbers name one person, or one family; each reading must leave a disclosure.",
    "Raise `classification` to personal, or take the field out. Other numbers: rename it, or bound it below 16 characters.",
)
CONTACT = Rule(
    "contact",
    Severity.ERROR,
    "A public or internal contract holds no phone number, no NIP or NPWP, and no name with an address, but an office's own.",
    "UU 27/2022: they lead to one person; everybody may read the contract, and no reading leaves a disclosure.",
    "Raise `classification` to personal; of an office or a thing, say so in the property's schema: `x-classification: public`.",
)
ADAPTER = Rule(
    "adapter",
    Severity.ERROR,
    "The contract says no less than the adapters' operations that it names: kind, classification, person, shared definitions.",
    "The operation knows what it carries; a contract that says less would hand out personal data without a disclosure.",
    "Say in the contract what the finding names.",
)


def _check_identifiers(contract: Contract) -> Iterator[FieldError]:
    if contract.classification.is_about_persons:
        return
    for found in filter(lambda one: one.is_certain, identifiers(contract)):
        place = found.field or "a member or an item"
        level = contract.classification.value
        yield FieldError(found.pointer, f"{place} holds a {found.definition}; the contract is {level}")


def _check_contacts(contract: Contract) -> Iterator[FieldError]:
    if contract.classification.is_about_persons:
        return
    for part in ("schema", "request", "answer"):
        root = contract.document.get(part)
        if root is not None:
            yield from _find_contacts(root, f"/{part}", contract.classification.value)


def _find_contacts(root: Schema, at: str, level: str) -> Iterator[FieldError]:
    pointers = {id(inner): at + json.to_pointer(path) for path, inner in subschemas(root)}
    fields = [
        (json.parse_pointer(field.pointer), field.schemas)
        for field in draw_outline(root)
        if field.schemas and not any(one.get("x-classification") in _NOT_PERSONAL for one in field.schemas)
    ]
    for _, members in groupby(sorted(fields, key=lambda one: one[0][:-1]), key=lambda one: one[0][:-1]):
        object_ = {str(path[-1]): schemas for path, schemas in members}
        has_address = any(name in ADDRESS_NAMES for name in object_)
        for name, schemas in object_.items():
            is_name = has_address and name.startswith("nama") and name in PERSONAL_NAMES
            if is_name or name in PHONE_NAMES or any(map(_refers_to_person, schemas)):
                what = "stands beside an address" if is_name else "leads to one person"
                yield FieldError(pointers.get(id(schemas[0]), at), f"{name} {what}; the contract is {level}")


def _refers_to_person(schema: Schema) -> bool:
    return str(schema.get("$ref", "")).rpartition("/")[2] in PERSONAL_DEFINITIONS


CHECKS = ((IDENTIFIER, _check_identifiers), (CONTACT, _check_contacts))
