"""The rules as docs/contracts.md has them: each row of its table breaks the rule that it names, and no rule is left out."""

import re
from typing import Any

import pytest

from bus import json
from bus.contracts.compatibility import Rule, Verdict
from bus.contracts.validation import Validator
from tests.contracts.compatibility.versions import reported
from tests.contracts.documents import ROOT

PAGE = (ROOT / "docs" / "contracts.md").read_text()
ROWS = [
    (code, *(json.loads(schema) for schema in schemas))
    for code, *schemas in re.findall(
        r"^\| `([a-z-]+)` \| `(\{.*\})` \| `(\{.*\})` \| `(\{.*\})` \|$", PAGE, re.MULTILINE
    )
]


@pytest.mark.parametrize(("code", "old", "breaking", "_"), ROWS, ids=[row[0] for row in ROWS])
def test_the_change_breaks_the_rule(code: str, old: Any, breaking: Any, _: Any) -> None:
    report = reported(old, breaking)
    assert {finding.rule.value for finding in report.findings} == {code}


@pytest.mark.parametrize(("code", "old", "breaking", "_"), ROWS, ids=[row[0] for row in ROWS])
def test_the_example_is_valid_before_and_invalid_after(code: str, old: Any, breaking: Any, _: Any) -> None:
    for finding in reported(old, breaking).findings:
        assert finding.example is not None
        assert Validator(old).is_valid(finding.example.value)
        assert not Validator(breaking).is_valid(finding.example.value)


@pytest.mark.parametrize(("code", "old", "_", "harmless"), ROWS, ids=[row[0] for row in ROWS])
def test_the_other_change_does_not(code: str, old: Any, _: Any, harmless: Any) -> None:
    report = reported(old, harmless)
    assert (report.verdict, report.findings) == (Verdict.COMPATIBLE, ())


@pytest.mark.parametrize(("code", "old", "breaking", "_"), ROWS, ids=[row[0] for row in ROWS])
def test_the_other_way_round_old_readers_refuse_new_data(code: str, old: Any, breaking: Any, _: Any) -> None:
    report = reported(breaking, old, compatibility="forward")
    assert {finding.rule.value for finding in report.findings} == {code}


def test_the_page_has_a_row_for_every_rule() -> None:
    codes = re.findall(r"^\| `([a-z-]+)` \|", PAGE.split("## Compatibility")[1].split("\n## ")[0], re.MULTILINE)
    others = {"compatibility", "backward", "forward", "full", "none"}
    assert sorted(set(codes) - others) == sorted({rule.value for rule in Rule} - {Rule.SCHEMA.value})
    assert f"`{Rule.SCHEMA.value}`" in PAGE
