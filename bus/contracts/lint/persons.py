"""Lint of personal data: compares a contract's classification with the identifiers in its schemas, and with its adapters."""

from collections.abc import Iterator

from bus.contracts.document import Contract
from bus.contracts.lint.rule import Rule, Severity
from bus.contracts.persons import identifiers
from bus.problem import FieldError

IDENTIFIER = Rule(
    "identifier",
    Severity.ERROR,
    "A public or internal contract holds no field made for an identifier of persons (NIK, nomor KK), or named as one.",
    "UU 27/2022: such numbers name one person, or one family; each reading must leave a disclosure.",
    "Raise `classification` to personal, or take the field out. Other numbers: rename it, or bound it below 16 characters.",
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


CHECKS = ((IDENTIFIER, _check_identifiers),)
