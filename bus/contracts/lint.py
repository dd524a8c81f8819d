"""What is wrong with a contract beyond its form: findings with a code, a place and what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bus import json
from bus.contracts.document import Contract, Kind
from bus.contracts.schemas import Schema, has_property
from bus.contracts.validation import Validator
from bus.problem import FieldError


class Code(Enum):
    """The rules."""

    DOCUMENT = "document"
    """The document has the form of a contract, its references resolve, and its schemas are JSON Schema."""
    POINTER = "pointer"
    """Key, subject, order, fields, masks and rows point at what the schema declares: elsewhere they would do nothing."""
    EXAMPLE = "example"
    """Examples validate: they are what developers copy."""
    GRANT = "grant"
    """A grant on personal data has purpose, legal basis and end (UU 27/2022, art. 20, 27, 31)."""
    SUBJECT = "subject"
    """Personal data say whose they are: disclosures are found by it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend."""

    code: Code
    pointer: str
    message: str


def lint(contract: Contract) -> list[Finding]:
    """What is to be mended before the contract can become active; empty when nothing is."""
    return [Finding(code, error.pointer, error.detail) for code, rule in _RULES for error in rule(contract)]


def errors_of(contract: Contract) -> list[Finding]:
    return lint(contract)


def _pointers(contract: Contract) -> Iterator[FieldError]:
    yield from _missing(contract.sent, [("/key", contract.key), ("/subject", contract.subject)])
    yield from _missing(contract.sent, [("/delivery/ordered_by", contract.delivery.ordered_by)])
    for index, grant in enumerate(contract.grants):
        at = f"/consumers/{index}"
        yield from _missing(
            contract.shown, [(f"{at}/fields/{n}", pointer) for n, pointer in enumerate(grant.fields or ())]
        )
        yield from _missing(contract.shown, [(at + json.pointer(("mask", pointer)), pointer) for pointer in grant.mask])
        for row, expression in enumerate(grant.rows):
            names = [_as_pointer(name) for name in _names(expression)]
            yield from _missing(contract.shown, [(f"{at}/rows/{row}", pointer) for pointer in names])


def _missing(schema: Schema, places: list[tuple[str, str | None]]) -> Iterator[FieldError]:
    for at, pointer in places:
        if pointer is not None and not has_property(schema, pointer):
            yield FieldError(at, f"points at {pointer}, which the schema does not declare")


def _names(expression: Any) -> Iterator[str]:
    for dialect, operand in expression.items():
        if dialect in ("all", "any"):
            for part in operand:
                yield from _names(part)
        elif dialect == "not":
            yield from _names(operand)
        else:
            yield from operand


def _as_pointer(name: str) -> str:
    return name if name.startswith("/") else json.pointer((name,))


def _examples(contract: Contract) -> Iterator[FieldError]:
    if contract.kind is Kind.QUERY:
        request, answer = Validator(contract.sent), Validator(contract.shown)
        for index, example in enumerate(contract.examples):
            yield from request.errors(example["request"], f"/examples/{index}/request")
            yield from answer.errors(example["answer"], f"/examples/{index}/answer")
    else:
        schema = Validator(contract.sent)
        for index, example in enumerate(contract.examples):
            yield from schema.errors(example, f"/examples/{index}")


def _grants(contract: Contract) -> Iterator[FieldError]:
    if not contract.classification.is_about_persons:
        return
    for index, grant in enumerate(contract.grants):
        for name, value in (("purpose", grant.purpose), ("legal_basis", grant.legal_basis), ("until", grant.until)):
            if not value:
                yield FieldError(f"/consumers/{index}/{name}", "is required for personal data")


def _subject(contract: Contract) -> Iterator[FieldError]:
    if contract.classification.is_about_persons and contract.person is None:
        yield FieldError("/subject", "is required for personal data: where the identifier of the data subject stands")


_RULES: tuple[tuple[Code, Callable[[Contract], Iterator[FieldError]]], ...] = (
    (Code.POINTER, _pointers),
    (Code.EXAMPLE, _examples),
    (Code.GRANT, _grants),
    (Code.SUBJECT, _subject),
)
