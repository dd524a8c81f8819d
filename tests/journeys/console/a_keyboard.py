"""A member who has no mouse: goes from part to part by Tab, and sees where the focus is."""

from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Page

_MOST_TABS: Final = 120
_FOCUSED: Final = """() => {
  const one = document.activeElement;
  if (one === document.body) return {name: "", outline: true};
  const shown = getComputedStyle(one);
  // Chromium shows the focus at the day, the month or the year.
  const hasParts = one.matches("input[type=date], input[type=datetime-local]");
  const label = one.labels && one.labels.length ? one.labels[0].innerText : "";
  return {
    name: (one.getAttribute("aria-label") || label || one.innerText || "").trim(),
    outline: hasParts || shown.outlineStyle !== "none" && parseFloat(shown.outlineWidth) >= 2,
  };
}"""


@dataclass
class Keyboard:
    """The keys of one page."""

    page: Page

    def reach(self, name: str) -> None:
        """Press Tab until the part with this name has the focus. Each part on the way has to show its focus."""
        for _ in range(_MOST_TABS):
            self.page.keyboard.press("Tab")
            focused: dict[str, Any] = self.page.evaluate(_FOCUSED)
            assert focused["outline"], f"the focus is not seen at {focused['name']!r}"
            if focused["name"].startswith(name):
                return
        raise AssertionError(f"no Tab reaches {name!r} at {self.page.url}")

    def follow(self, name: str) -> None:
        """Reach a link or a button, press Enter, and wait for the page that follows."""
        self.reach(name)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def tick(self, name: str) -> None:
        """Reach a box or a choice, and tick it."""
        self.reach(name)
        self.page.keyboard.press("Space")

    def write(self, name: str, text: str) -> None:
        """Reach a field, and write into it."""
        self.reach(name)
        self.page.keyboard.type(text)
