"""The decisions' list of pages."""

import re

from tests.contracts.documents import ROOT

FOLDER = ROOT / "docs/decisions"


def test_every_page_is_listed_once():
    listed = re.findall(r"^\| \[([^]]+)\]\(([^)]+)\) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert all(title == target for title, target in listed)
    assert sorted(target for _, target in listed) == sorted(
        page.name for page in FOLDER.glob("*.md") if page.name != "README.md"
    )
