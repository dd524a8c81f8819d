"""The rules of form that make a document a contract. `parse_contract` refuses a document that breaks them."""

import re
from collections.abc import Callable

from bus.contracts.errors import DocumentInvalid
from bus.contracts.lint.rule import Finding, Rule, Severity
from bus.problem import FieldError

DOCUMENT = Rule(
    "document",
    Severity.ERROR,
    "The document has the form of a contract, and its schemas are JSON Schema 2020-12.",
    "The bus enforces what it says; what it cannot read it cannot enforce.",
    "Compare with schemas/contract.schema.json; an editor that knows it shows the mistake as you type.",
)
REFERENCE = Rule(
    "reference",
    Severity.ERROR,
    "Every `$ref` leads to a local file or a place in the document.",
    "Nothing is ever fetched: what an address serves can change, or be an attack.",
    "Put a copy of the schema into schemas/ and refer to it by its relative path, with a JSON Pointer behind #.",
)
PATTERN = Rule(
    "pattern",
    Severity.ERROR,
    "Patterns use what every engine reads alike and a linear one can match: no look-around, no back-references.",
    "The same payload must be valid for everybody, and no payload may keep the gate busy.",
    "Write it with classes, groups and quantifiers; say the rest with other keywords.",
)
GRANT = Rule(
    "grant",
    Severity.ERROR,
    "A grant on personal data has a purpose, a legal basis and an end.",
    "UU 27/2022, art. 20, 27 and 31: each processing needs them, and each disclosure records them.",
    "Give the grant `purpose`, `legal_basis` and `until`.",
)

FORM: tuple[Rule, ...] = (DOCUMENT, REFERENCE, PATTERN, GRANT)

_PLACES: tuple[tuple[Rule, Callable[[str], re.Match[str] | None]], ...] = (
    (REFERENCE, re.compile(r"/\$ref$").search),
    (PATTERN, re.compile(r"/pattern$|/patternProperties(/|$)").search),
    (GRANT, re.compile(r"^/consumers/[0-9]+/(purpose|legal_basis|until)$").search),
)


def find_form_faults(refusal: DocumentInvalid) -> list[Finding]:
    """The reasons why a document is no contract, as findings."""
    errors = refusal.errors or (FieldError("", refusal.detail),)
    return [_find_rule(error.pointer).finding(error) for error in errors]


def _find_rule(pointer: str) -> Rule:
    return next((rule for rule, stands_at in _PLACES if stands_at(pointer)), DOCUMENT)
