"""axe-core's findings about a page, and whether a page fits its window."""

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

_EVERY: Final = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
_BY_LOOKS: Final = {"type": "rule", "values": ["color-contrast", "target-size", "scrollable-region-focusable"]}
"""Rules whose verdict depends on colours and sizes."""
_RUN: Final = """only => axe.run(document, {
  runOnly: only, resultTypes: ["violations"], rules: {"target-size": {enabled: true}},
})"""
_OVERFLOW: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class AccessibilityCheck:
    """axe-core, put into pages from outside: a page's own policy lets no script of others in."""

    def __init__(self, installed: Path) -> None:
        self._script = (installed / "node_modules/axe-core/axe.min.js").read_text()

    def find(self, page: Page, *, by_looks: bool = False) -> list[str]:
        """A line for each finding: the rule, what it says, and the place in the page.

        Args:
            by_looks: ask only the rules whose verdict depends on colours and sizes.
        """
        if not page.evaluate("'axe' in window"):
            page.evaluate(self._script)
        result: dict[str, Any] = page.evaluate(_RUN, _BY_LOOKS if by_looks else _EVERY)
        found = [
            f"{one['id']}: {' '.join(node['failureSummary'].split())} at {node['html'][:200]}"
            for one in result["violations"]
            for node in one["nodes"]
        ]
        wide = page.evaluate(_OVERFLOW)
        # A page that has to be scrolled sideways fails WCAG 1.4.10.
        return [*found, f"it is {wide} px wider than the window"] if wide > 0 else found
