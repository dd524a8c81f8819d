"""Clients, each installed once from its package."""

from collections.abc import Callable

import pytest

from tests.clients.a_client import LANGUAGES, Installed, install


@pytest.fixture(scope="session")
def installer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Installed]:
    """Gives the client of a language; it is built and installed at the first call."""
    known: dict[str, Installed] = {}

    def find(language: str) -> Installed:
        if language not in known:
            known[language] = install(language, tmp_path_factory.mktemp(language))
        return known[language]

    return find


@pytest.fixture(scope="session", params=LANGUAGES)
def installed(request: pytest.FixtureRequest, installer: Callable[[str], Installed]) -> Installed:
    """Each client in turn."""
    return installer(request.param)
