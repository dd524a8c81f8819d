"""The report of a comparison of contract versions: findings, each under a rule, and the version step that they need."""

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Verdict(Enum):
    """Whether a change keeps what the contract promises."""

    COMPATIBLE = "compatible"
    INCOMPATIBLE = "incompatible"
    UNDECIDED = "undecided"


class Step(Enum):
    """How far a version number has to go up."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"

    @property
    def height(self) -> int:
        """Larger for a larger step."""
        return (Step.PATCH, Step.MINOR, Step.MAJOR).index(self)


class Side(Enum):
    """Who is affected."""

    NEW_REFUSES_OLD = "the new version refuses what the old one allowed"
    OLD_REFUSES_NEW = "readers of the old version refuse what the new one allows"
    BOTH = "the two versions do not mean the same"


class Rule(Enum):
    """A demand on a new version. The value is its code; docs/contracts.md has a table with an example of each."""

    TYPE = "type"
    VALUES = "values"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    MULTIPLE_OF = "multiple-of"
    MIN_LENGTH = "min-length"
    MAX_LENGTH = "max-length"
    PATTERN = "pattern"
    FORMAT = "format"
    REQUIRED = "required"
    CLOSED = "closed"
    OPEN_MODEL = "open-model"
    UNEVALUATED_PROPERTIES = "unevaluated-properties"
    PROPERTY_NAMES = "property-names"
    MIN_PROPERTIES = "min-properties"
    MAX_PROPERTIES = "max-properties"
    DEPENDENT_REQUIRED = "dependent-required"
    MIN_ITEMS = "min-items"
    MAX_ITEMS = "max-items"
    UNIQUE_ITEMS = "unique-items"
    CONTAINS = "contains"
    UNEVALUATED_ITEMS = "unevaluated-items"
    ANY_OF = "any-of"
    ONE_OF = "one-of"
    NOT = "not"
    CONDITION = "condition"
    EXCLUDED = "excluded"
    SCHEMA = "schema"

    KIND = "kind"
    KEY = "key"
    SUBJECT = "subject"
    CLASSIFICATION = "classification"
    PRODUCER = "producer"
    MAX_BYTES = "max-bytes"
    ORDERED_BY = "ordered-by"
    VERSION_STEP = "version-step"


@dataclass(frozen=True, slots=True)
class Example:
    """A value that shows a finding: valid under one schema, invalid under the other. The validators of both confirmed it."""

    value: Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One change that breaks, or may break, what was agreed.

    Attributes:
        rule: the broken rule.
        pointer: the place in the new contract document.
        pointer_before: the place in the old document.
        against: the old version.
        side: who is affected.
        message: a text for people.
        verdict: incompatible, or undecided if there is neither a proof nor an example. Compatible if the contract's
            `compatibility` does not demand this rule: the finding is then for information.
        example: a value that shows it; None: none could be made, or no data can show it.
        field: JSON Pointer into the data; `*` is any item or other property; empty: the whole data.
    """

    rule: Rule
    pointer: str
    pointer_before: str
    against: str
    side: Side
    message: str
    verdict: Verdict
    example: Example | None = None
    field: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome for a new version.

    Attributes:
        verdict: incompatible if one finding is; otherwise undecided if one is; otherwise compatible.
        findings: the findings against every old version, in the order of the versions.
        step: the step that the new version needs from the newest lower version.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    step: Step
