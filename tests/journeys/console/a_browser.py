"""Chromium as staff have it: one browser for many tests, and a window of its own for each member."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bus.staff import Role
from tests.journeys.console.a_site import Site

DESK: Final = 1280
PHONE: Final = 360
"""Widths in pixels."""
HEIGHT: Final = 900
_MILLISECONDS: Final = 20_000


@contextmanager
def a_chromium() -> Iterator[Browser]:
    """The browser that is installed; skips without one. With `CI=true` nothing is skipped: the test fails."""
    path = shutil.which("chromium")
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("chromium is missing; install it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@dataclass
class Window:
    """One member's window. It fails the test if a page breaks its own policy, or a script of it fails."""

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Load a page of the console."""
        self.page.goto(self.address + path)
        return self.page


@contextmanager
def a_window(
    browser: Browser,
    site: Site,
    role: Role | None,
    participant: str | None = None,
    *,
    width: int = DESK,
    script: bool = True,
    dark: bool = False,
    name: str = "",
) -> Iterator[Window]:
    """A window in which a new member of that role is signed in; None: nobody is.

    Args:
        participant: the member's own.
        name: the member's; empty: any.
    """
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        java_script_enabled=script,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        locale="id-ID",
    )
    context.set_default_timeout(_MILLISECONDS)
    if role is not None:
        sign_in(context, site, role, participant, name)
    window = Window(context.new_page(), site.address)
    window.page.on("pageerror", lambda error: window.faults.append(str(error)))
    window.page.on(
        "console",
        lambda message: window.faults.append(message.text) if "Content Security Policy" in message.text else None,
    )
    try:
        yield window
        assert window.faults == []
    finally:
        context.close()


def sign_in(context: BrowserContext, site: Site, role: Role, participant: str | None, member: str) -> None:
    """Give a browser the cookie of a new session."""
    name, value = site.open_session(role, participant, member)
    context.add_cookies([{"name": name, "value": value, "url": site.address}])
