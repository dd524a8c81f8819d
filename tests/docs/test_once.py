"""The pages say a thing once: merges leave doubles behind, and two rows on one thing sooner or later differ."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.contracts.documents import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md")])
SENTENCE = 50
"""Characters from which on a line is no accident."""


def doubles(text: str) -> list[str]:
    """Headings and long lines of a page, and rows of a table, that are there twice. Whole programs may be alike."""
    said: Counter[str] = Counter()
    heading = ""
    for line in re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL).splitlines():
        if line.startswith("#"):
            heading = line
            said[line] += 1
        elif line.startswith("| "):
            said[f"{heading}: {' | '.join(line.split(' | ')[:2])}"] += 1
        elif len(line) > SENTENCE:
            said[line.strip()] += 1
    return [line for line, times in said.items() if times > 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_says_nothing_twice(page: Path):
    assert doubles(page.read_text()) == []


def test_a_threat_has_one_row():
    threats = (ROOT / "docs/security.md").read_text().partition("## Threats")[2].partition("\n## ")[0]
    named = [
        (actor, threat)
        for actor, table in re.findall(r"^### (.+?)$(.+?)(?=^### |\Z)", threats, re.MULTILINE | re.DOTALL)
        for threat in re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)
    ]
    assert len(named) > 60
    assert [one for one, times in Counter(named).items() if times > 1] == []


def test_doubles_are_found():
    page = "## A\n| x | y | 1 |\n| x | y | 2 |\n## B\n| x | y | 3 |\n## A\n"
    assert doubles(page) == ["## A", "## A: | x | y"]
