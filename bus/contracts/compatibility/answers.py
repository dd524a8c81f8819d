"""Whether a value of some form exists: yes with the value, no, or nobody knows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Found:
    """Here is one."""

    value: Any


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is none, proven."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither was a value found, nor that there is none."""

    reason: str


Answer = Found | Nothing | Unknown
NOTHING = Nothing()


def first(answers: Iterable[Answer]) -> Answer:
    """The first value found; nothing when all the alternatives are proven to have none."""
    result: Answer = NOTHING
    for answer in answers:
        if isinstance(answer, Found):
            return answer
        if isinstance(answer, Unknown) and isinstance(result, Nothing):
            result = answer
    return result
