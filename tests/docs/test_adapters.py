"""The guide to adapters names what there is."""

import re
from pathlib import Path

from bus.kit.conformance import AdapterConformance

GUIDE = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text()


def test_the_guide_has_a_row_for_each_test_of_the_conformance_suite() -> None:
    checks = {name for name in dir(AdapterConformance) if name.startswith("test_")}
    assert set(re.findall(r"^\| `(test_\w+)` \|", GUIDE, re.MULTILINE)) == checks
