"""Answers to the question whether a value of some form exists: yes with the value, no, or unknown."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Found:
    """Such a value exists; here it is."""

    value: Any


@dataclass(frozen=True, slots=True)
class Nothing:
    """No such value exists; that is proven."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No value was found, and no proof that there is none."""

    reason: str


Answer = Found | Nothing | Unknown
NOTHING = Nothing()


def first(answers: Iterable[Answer]) -> Answer:
    """The first value that is found; `Nothing` if all alternatives are proven to have none."""
    result: Answer = NOTHING
    for answer in answers:
        if isinstance(answer, Found):
            return answer
        if isinstance(answer, Unknown) and isinstance(result, Nothing):
            result = answer
    return result
