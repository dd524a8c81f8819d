"""What a comparison of contract versions says: findings, each under a rule, and the version step that they call for."""

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
    """Who is hurt."""

    NEW_REFUSES_OLD = "the new version refuses what the old one allowed"
    OLD_REFUSES_NEW = "readers of the old version refuse what the new one allows"
    BOTH = "the two versions do not mean the same"


class Rule(Enum):
    """What is asked of a new version; the value is the code, the table in docs/contracts.md has each with an example."""

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
    """A value that shows a finding: valid under the one schema, invalid under the other; both validators have said so."""

    value: Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One change that breaks, or may break, what was agreed.

    Attributes:
        rule: the rule.
        pointer: where in the new contract document.
        pointer_before: where in the old one.
        against: the old version.
        side: who is hurt.
        message: for people.
        verdict: incompatible, or undecided where neither a proof nor an example was found; compatible where the
            contract's `compatibility` does not ask for it, so that it is for information.
        example: absent where none could be made, and where no data show it.
        field: JSON Pointer into the data; `*` stands for any item or other property, empty for all of them.
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
        verdict: incompatible when one finding is, else undecided when one is.
        findings: against every old version, in its order.
        step: how far the version has to go up from the newest of the old ones that is lower.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    step: Step
