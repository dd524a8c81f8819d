"""axe-core's findings about a page."""

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN: Final = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"


class AccessibilityCheck:
    """axe-core, put into pages from outside: a page's own policy lets no script of others in."""

    def __init__(self, installed: Path) -> None:
        self._script = (installed / "node_modules/axe-core/axe.min.js").read_text()

    def find(self, page: Page) -> list[str]:
        """A line for each finding: the rule, what it says, and the place in the page."""
        page.evaluate(self._script)
        result: dict[str, Any] = page.evaluate(_RUN, _RULES)
        return [
            f"{one['id']}: {' '.join(node['failureSummary'].split())} at {node['html'][:200]}"
            for one in result["violations"]
            for node in one["nodes"]
        ]
