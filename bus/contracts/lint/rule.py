"""A rule of lint, and the findings under it."""

from dataclasses import dataclass
from enum import Enum

from bus.problem import FieldError


class Severity(Enum):
    """What a finding means for its contract."""

    ERROR = "error"
    """The contract cannot become active."""
    WARNING = "warning"
    """The contract can become active, but may cause trouble."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to correct.

    Attributes:
        code: the rule's code.
        pointer: JSON Pointer into the contract document.
        message: what is wrong there.
        fix: how to correct it.
    """

    code: str
    severity: Severity
    pointer: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        code: the rule's name, which never changes.
        asks: what the rule demands of a contract.
        reason: why.
        fix: how to correct a contract that breaks the rule.
    """

    code: str
    severity: Severity
    asks: str
    reason: str
    fix: str

    def finding(self, error: FieldError) -> Finding:
        """The finding for an error under this rule."""
        return Finding(self.code, self.severity, error.pointer, error.detail, self.fix)
