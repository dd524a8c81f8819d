"""What the console's journeys share: a browser, a bus with traffic, a bus without any, and axe."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.a_node_package import install
from tests.journeys.console.a_browser import a_chromium
from tests.journeys.console.a_site import Site, a_busy_site, a_site
from tests.journeys.console.an_accessibility_check import AccessibilityCheck
from tests.services.receiver import Receiver

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with a_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Site]:
    """A bus with traffic of every kind."""
    with a_busy_site(tmp_path_factory.mktemp("site"), receiver) as site:
        yield site


@pytest.fixture(scope="module")
def quiet_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A bus on which nothing has happened yet."""
    with a_site(tmp_path_factory.mktemp("quiet")) as site:
        yield site


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> AccessibilityCheck:
    return AccessibilityCheck(install(pytestconfig, HERE / "axe"))
