"""A walk over every page of the console, each in a window of a member of its role."""

from collections.abc import Iterator
from contextlib import ExitStack

from playwright.sync_api import Browser, Page

from bus.staff import Role
from tests.journeys.console.a_browser import DESK, a_window
from tests.journeys.console.a_site import Site
from tests.journeys.console.pages import Shown, list_pages


def walk(
    chromium: Browser, site: Site, *, width: int = DESK, dark: bool = False, english: bool = False
) -> Iterator[tuple[Shown, Page]]:
    """Every page of a site, once it is loaded."""
    with ExitStack() as stack:
        windows = {}
        for shown in list_pages(site):
            key: tuple[Role | None, str | None] = (shown.role, shown.participant)
            if key not in windows:
                windows[key] = stack.enter_context(a_window(chromium, site, *key, width=width, dark=dark))
                if english:
                    windows[key].go("/konsol/bahasa/en?ke=/konsol/masuk")
            yield shown, windows[key].go(shown.path)
