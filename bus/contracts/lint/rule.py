"""A rule of lint, and what is found under it."""

from dataclasses import dataclass
from enum import Enum

from bus.problem import FieldError


class Severity(Enum):
    """What a finding means for its contract."""

    ERROR = "error"
    """It cannot become active."""
    WARNING = "warning"
    """It can; somebody will be sorry."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend.

    Attributes:
        code: of the rule.
        pointer: JSON Pointer into the contract document.
        message: what is wrong there.
        fix: what to do about it.
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
        code: names it for good.
        asks: what it asks of a contract.
        reason: why.
        fix: what to do where it is broken.
    """

    code: str
    severity: Severity
    asks: str
    reason: str
    fix: str

    def finding(self, error: FieldError) -> Finding:
        """What breaks the rule, as a finding."""
        return Finding(self.code, self.severity, error.pointer, error.detail, self.fix)
