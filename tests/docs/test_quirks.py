"""The page of quirks names tests that there are."""

import re

import pytest

from tests.contracts.documents import ROOT

PAGE = (ROOT / "docs/quirks.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| quirk")]
NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py)::(\w+)`", PAGE)))


def test_each_quirk_has_a_test() -> None:
    assert len(ROWS) > 60
    assert [row for row in ROWS if not re.search(r"`[a-z_/]+\.py::\w+`", row)] == []


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_the_page_names_is_there(file: str, name: str) -> None:
    text = (ROOT / "tests" / file).read_text()
    assert re.search(rf"^(async def|def|class) {name}\(", text, re.MULTILINE), f"{file} has no {name}"
