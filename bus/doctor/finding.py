"""A finding of the doctor: what is wrong, with what, and what helps."""

from dataclasses import dataclass
from enum import StrEnum


class Urgency(StrEnum):
    """How soon somebody has to act."""

    NOW = "now"
    SOON = "soon"
    KNOW = "know"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the doctor found.

    Attributes:
        code: names the check, for programs.
        about: the file, participant, contract or process that it concerns.
        what: what is wrong, in one or two sentences.
        do: what helps.
    """

    urgency: Urgency
    code: str
    about: str
    what: str
    do: str

    @property
    def is_wrong(self) -> bool:
        """Whether somebody has to act at all."""
        return self.urgency is not Urgency.KNOW
