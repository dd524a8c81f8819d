"""A reader who follows `docs/architecture.md` finds each file that it names."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_architecture_names_no_file_that_is_gone() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`([a-z0-9_/]+/[a-z0-9_]+\.py)`", page))
    assert named
    assert [name for name in sorted(named) if not (ROOT / "bus" / name).exists() and not (ROOT / name).exists()] == []


def test_the_architecture_names_no_file_without_its_folder_that_is_gone() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`([a-z0-9_]+\.py)`", page))
    there = {path.name for path in (ROOT / "bus").rglob("*.py")}
    assert named
    assert named <= there
