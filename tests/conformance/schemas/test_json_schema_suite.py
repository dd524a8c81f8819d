"""The JSON Schema Test Suite: its required cases of 2020-12, and those of the bus's formats, through the gate's validator.

The suite comes with the source of the library jsonschema, which `make setup` fetches. No case is left out silently. A
list below names what a contract may not hold, with the reason that the refusal gives. Another names where the bus means something
else.
"""

import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pytest

from bus import json
from bus.contracts.document import parse_contract
from bus.contracts.errors import DocumentInvalid
from bus.contracts.formats import FORMATS, INSTEAD
from bus.contracts.validation import Validator, make_reference_validator
from tests.builders import a_strict_document
from tests.conformance.a_table import read_row

SUITE: Final = Path(sys.prefix) / "json-schema-test-suite/json/tests/draft2020-12"

IDENTITY: Final = "is not used in contracts: refer with $ref and a JSON Pointer"
REMOTE: Final = "must stay within the document: it has to be self-contained here"
ANCHOR: Final = "must end in a JSON Pointer; contracts have no anchors"
DIALECT: Final = "must be https://json-schema.org/draft/2020-12/schema"
FORMAT: Final = f"must be one of {', '.join(sorted(FORMATS))}"

REFUSED_FILES: Final = {
    "anchor.json": {IDENTITY},
    "defs.json": {REMOTE},
    "dynamicRef.json": {IDENTITY, REMOTE},
    "refRemote.json": {IDENTITY, REMOTE, ANCHOR},
    "vocabulary.json": {DIALECT},
}
"""Files with no case that a contract may hold, with the reasons."""

REFUSED_CASES: Final = {
    "format.json": {
        f"{FORMAT}; {instead}": {f"{name} format"}
        for name, instead in INSTEAD.items()
        if name.startswith(("idn-", "iri", "relative-", "uri-template"))
    },
    "ref.json": {
        REMOTE: {
            "URN base URI with URN and JSON pointer ref",
            "remote ref, containing refs itself",
            "simple URN base URI with $ref via the URN",
        },
        IDENTITY: {
            "$id must be resolved against nearest parent, not just immediate parent",
            "Recursive references between schemas",
            "URN base URI with URN and anchor ref",
            "URN ref with nested pointer ref",
            "order of evaluation: $id and $anchor and $ref",
            "order of evaluation: $id and $ref",
            "ref to else",
            "ref to if",
            "ref to then",
            "ref with absolute-path-reference",
            "refs with relative uris and defs",
            "relative refs with absolute uris and defs",
        },
    },
    "unevaluatedItems.json": {IDENTITY: {"unevaluatedItems with $dynamicRef"}},
    "unevaluatedProperties.json": {IDENTITY: {"unevaluatedProperties with $dynamicRef"}},
}
"""Of the other files, the cases that a contract may not hold, by reason."""

ASSERTED_FORMATS: Final = {
    ("format.json", f"{name} format", f"invalid {name} string is only an annotation by default")
    for name in (
        "date",
        "date-time",
        "email",
        "ipv4",
        "ipv6",
        "time",
        "uri",
        "uri-reference",
        "uuid",
        "hostname",
        "duration",
        "regex",
        "json-pointer",
    )
}
"""Where the bus differs, and means to: to the standard's default a format is a remark, to the gate it is a rule."""

NO_MAILBOXES: Final = {
    ("optional/format/email.json", "validation of e-mail addresses", f"{name} is valid")
    for name in (
        "a quoted string with a space in the local part",
        "a quoted string with a double dot in the local part",
        "a quoted string with a @ in the local part",
        "an IPv4-address-literal after the @",
        "an IPv6-address-literal after the @",
    )
}
"""Addresses of RFC 5321 that the bus's `email` leaves out: nobody's mailbox has them."""


class Judge(Protocol):
    """What tells valid from invalid."""

    def is_valid(self, value: Any) -> bool:
        """Whether the value is valid."""


@dataclass(frozen=True, slots=True)
class Case:
    """One schema of the suite with its tests, each a description, data and the verdict."""

    file: str
    description: str
    schema: Any
    tests: list[dict[str, Any]]

    def registered(self) -> Any:
        """The schema as the bus keeps it, when a contract with it is registered.

        Raises:
            DocumentInvalid: no contract may hold it.
        """
        # A contract's schema is an object: a boolean schema stands one level lower.
        schema = self.schema if isinstance(self.schema, dict) else {"allOf": [self.schema]}
        without: dict[str, Any] = {"key": None, "consumers": [], "examples": []}
        return parse_contract(a_strict_document(kind="event", classification="internal", schema=schema, **without)).sent


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """All required cases, and the optional ones of the formats that contracts may use."""
    if not SUITE.is_dir():
        told = "the JSON Schema Test Suite is not there; `make setup` fetches it"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(told)
    formats = [SUITE / f"optional/format/{name}.json" for name in FORMATS]
    return [
        Case(file.relative_to(SUITE).as_posix(), case["description"], case["schema"], case["tests"])
        for file in [*SUITE.glob("*.json"), *formats]
        for case in json.loads(file.read_bytes())
    ]


def test_the_cases_that_no_contract_may_hold_are_the_known_ones(cases: list[Case]) -> None:
    files, single = _refused(cases)
    assert files == REFUSED_FILES
    assert single == REFUSED_CASES


@pytest.mark.parametrize("judge", [Validator, make_reference_validator])
def test_every_other_verdict_is_the_suite_s(cases: list[Case], judge: Callable[[Any], Judge]) -> None:
    verdicts = {
        (case.file, case.description, test["description"]): judged.is_valid(test["data"]) == test["valid"]
        for case, schema in _registered(cases)
        for judged in [judge(schema)]
        for test in case.tests
    }
    assert len(verdicts) > 1300
    assert {name for name, agrees in verdicts.items() if not agrees} == ASSERTED_FORMATS | NO_MAILBOXES


def test_there_are_errors_to_tell_exactly_when_the_data_are_invalid(cases: list[Case]) -> None:
    for case, schema in _registered(cases):
        validator = Validator(schema)
        for test in case.tests:
            assert bool(validator.errors(test["data"])) != validator.is_valid(test["data"]), (case.description, test)


def test_the_table_says_what_runs(cases: list[Case]) -> None:
    total = sum(len(case.tests) for case in cases)
    registered = sum(len(case.tests) for case, _ in _registered(cases))
    row = read_row("JSON Schema Test Suite, 2020-12 with formats")
    assert row.version == f"of jsonschema {importlib.metadata.version('jsonschema')}"
    assert (row.cases, row.passed) == (total, registered - len(ASSERTED_FORMATS | NO_MAILBOXES))


def _registered(cases: list[Case]) -> Iterator[tuple[Case, Any]]:
    for case in cases:
        try:
            yield case, case.registered()
        except DocumentInvalid:
            continue


def _refused(cases: list[Case]) -> tuple[dict[str, set[str]], dict[str, dict[str, set[str]]]]:
    """The reasons by file where every case is refused; elsewhere the refused cases by file and reason."""
    refused: dict[str, dict[str, set[str]]] = {}
    taken = set()
    for case in cases:
        try:
            case.registered()
            taken.add(case.file)
        except DocumentInvalid as refusal:
            (error,) = refusal.errors
            refused.setdefault(case.file, {}).setdefault(error.detail, set()).add(case.description)
    files = {file: set(reasons) for file, reasons in refused.items() if file not in taken}
    return files, {file: reasons for file, reasons in refused.items() if file in taken}
