"""A walk over every page of the console, each in a window of a member of its role."""

from collections.abc import Iterator
from contextlib import ExitStack

from playwright.sync_api import Browser, Page

from bus.staff import Role
from tests.journeys.console.a_browser import DESK, a_window
from tests.journeys.console.a_site import DRAFTED, FAILS, OWNER, RESIDENTS, Site
from tests.journeys.console.pages import Places, Shown, list_pages, list_plain_pages


def walk(
    chromium: Browser, site: Site, *, width: int = DESK, dark: bool = False, english: bool = False
) -> Iterator[tuple[Shown, Page]]:
    """Every page that has something to show at a site, once it is loaded."""
    with ExitStack() as stack:
        windows = {}
        for shown in find_pages(site):
            key: tuple[Role | None, str | None] = (shown.role, shown.participant)
            if key not in windows:
                windows[key] = stack.enter_context(a_window(chromium, site, *key, width=width, dark=dark))
                if english:
                    windows[key].go("/konsol/bahasa/en?ke=/konsol/masuk")
            yield shown, windows[key].go(shown.path)


def find_pages(site: Site) -> list[Shown]:
    """The pages of a site, with their addresses there."""
    if not site.subscriptions:
        return list_plain_pages(FAILS, OWNER)
    secret = site.add_member(Role.AUDITOR).rpartition("/")[2]
    client, position = site.find_client(FAILS), site.positions[RESIDENTS]
    return list_pages(Places(FAILS, OWNER, RESIDENTS, DRAFTED, site.subscriptions[FAILS], position, client, secret))
