"""axe-core on every page: at a desk in the light, and on a phone in the dark."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.console.a_browser import DESK, HEIGHT, PHONE
from tests.journeys.console.a_site import Site
from tests.journeys.console.an_accessibility_check import AccessibilityCheck
from tests.journeys.console.pages import SEEN_BY, list_templates
from tests.journeys.console.walking import walk


def test_every_page_has_a_role_that_looks_at_it():
    assert list_templates() == set(SEEN_BY)


@pytest.mark.timeout(240)
def test_axe_finds_nothing(chromium: Browser, site: Site, axe: AccessibilityCheck):
    faults = {}
    for shown, page in walk(chromium, site):
        assert page.locator("h1").count() == 1, shown
        found = axe.find(page)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": PHONE, "height": HEIGHT})
        found += axe.find(page, by_looks=True)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": DESK, "height": HEIGHT})
        if found:
            faults[shown.template] = found
    assert faults == {}
