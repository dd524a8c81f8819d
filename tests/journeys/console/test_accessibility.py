"""axe-core on every page: at a desk in the light, and on a phone in the dark."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from bus.staff import Role
from tests.journeys.console.a_browser import DESK, PHONE, a_window
from tests.journeys.console.a_site import Site
from tests.journeys.console.an_accessibility_check import AccessibilityCheck
from tests.journeys.console.pages import SEEN_BY, Shown, list_pages, list_templates


def test_every_page_has_a_role_that_looks_at_it():
    assert list_templates() == set(SEEN_BY)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(chromium: Browser, site: Site, axe: AccessibilityCheck, dark: bool):
    width = PHONE if dark else DESK
    faults = {
        shown.template: found
        for shown, page in walk(chromium, site, width=width, dark=dark)
        if (found := axe.find(page) + find_overflow(page))
    }
    assert faults == {}


def walk(chromium: Browser, site: Site, *, width: int, dark: bool) -> Iterator[tuple[Shown, Page]]:
    """Every page, in a window of a member of its role."""
    with ExitStack() as stack:
        windows = {}
        for shown in list_pages(site):
            key: tuple[Role | None, str | None] = (shown.role, shown.participant)
            if key not in windows:
                windows[key] = stack.enter_context(a_window(chromium, site, *key, width=width, dark=dark))
            page = windows[key].go(shown.path)
            assert "konsol" in page.url, shown
            yield shown, page


def find_overflow(page: Page) -> list[str]:
    """A line if the page has to be scrolled sideways (WCAG 1.4.10)."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"it is {wide} px wider than the window"] if wide > 0 else []
