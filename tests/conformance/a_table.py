"""The table of outside suites in `docs/conformance.md`, which each suite compares with what it ran."""

import re
from dataclasses import dataclass
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


@dataclass(frozen=True, slots=True)
class Row:
    """What the table says about a suite."""

    version: str
    cases: int
    passed: int


def read_row(suite: str) -> Row:
    """The row of a suite.

    Args:
        suite: the text of the row's first cell, without code marks.

    Raises:
        LookupError: the table has no such row, or a number in it cannot be read.
    """
    for line in _PAGE.read_text().splitlines():
        name, version, cases, passed, *_ = [*(cell.strip() for cell in line.strip("|").split("|")), *[""] * 4]
        if name.replace("`", "") == suite:
            numbers = [re.sub(r"[^0-9]", "", cell) for cell in (cases, passed)]
            if not all(numbers):
                break
            return Row(version.replace("`", ""), int(numbers[0]), int(numbers[1]))
    raise LookupError(f"docs/conformance.md has no row with numbers for {suite}")
