"""Reasons: why somebody looks at personal data that no grant shows. The action log and a disclosure keep the reason."""

from typing import Final

from bus.actions import make_printable
from bus.problem import FieldError, Refused

LONGEST_REASON: Final = 500
"""Characters of a reason."""


class ReasonMissing(Refused):
    """The answer may show personal data; say why you look."""

    status = 422
    slug = "reason-missing"


def check_reason(reason: str) -> str:
    """The reason without numbers of persons: logs and pages show it.

    Raises:
        ReasonMissing: the reason is not one printable line.
    """
    text = reason.strip()
    if not text or len(text) > LONGEST_REASON or not text.isprintable():
        detail = f"must be one line of 1 to {LONGEST_REASON} printable characters"
        raise ReasonMissing("Say on one line why you look.", errors=[FieldError("/reason", detail)])
    return make_printable(text)
